package main

import (
	"context"
	"net"
	"time"

	"github.com/vibework/mooring/lab/internal/wire"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// proxied is a scene with a proxy in front of the server. Pass ends every fault.
func proxied(b *backend, begin func(*faultproxy.Proxy)) (*scene, error) {
	p, err := faultproxy.Start(b.server.Addr)
	if err != nil {
		return nil, err
	}
	return &scene{
		target: target{addr: p.Addr(), password: b.server.Password},
		begin:  func(context.Context) error { begin(p); return nil },
		end:    func(context.Context) error { p.Pass(); return nil },
		close:  p.Close,
	}, nil
}

func refuse(_ context.Context, _ *world, b *backend) (*scene, error) {
	return proxied(b, (*faultproxy.Proxy).Refuse)
}

func beSilent(_ context.Context, _ *world, b *backend) (*scene, error) {
	return proxied(b, func(p *faultproxy.Proxy) {
		p.Cut()
		p.Blackhole()
	})
}

func freeze(_ context.Context, _ *world, b *backend) (*scene, error) {
	return proxied(b, (*faultproxy.Proxy).Blackhole)
}

func cutSession(_ context.Context, _ *world, b *backend) (*scene, error) {
	return proxied(b, (*faultproxy.Proxy).Cut)
}

func cutGreeting(_ context.Context, _ *world, b *backend) (*scene, error) {
	return proxied(b, func(p *faultproxy.Proxy) {
		p.CutAfter(b.greeting)
		p.Cut()
	})
}

func slowDown(_ context.Context, _ *world, b *backend) (*scene, error) {
	return proxied(b, func(p *faultproxy.Proxy) { p.Latency(200 * time.Millisecond) })
}

// named is a scene in which the server has a name, and loses it together with its connections.
func named(w *world, b *backend, lose func(name string)) (*scene, error) {
	name := b.name + ".faults.test"
	p, err := faultproxy.Start(b.server.Addr)
	if err != nil {
		return nil, err
	}
	w.names.Set(name)
	_, port, _ := net.SplitHostPort(p.Addr())
	return &scene{
		target: target{addr: net.JoinHostPort(name, port), password: b.server.Password},
		begin: func(context.Context) error {
			lose(name)
			p.Cut()
			return nil
		},
		end: func(context.Context) error {
			w.names.Set(name)
			return nil
		},
		close: p.Close,
	}, nil
}

func dropName(_ context.Context, w *world, b *backend) (*scene, error) {
	return named(w, b, w.names.Drop)
}

func silenceName(_ context.Context, w *world, b *backend) (*scene, error) {
	return named(w, b, w.names.Silence)
}

// dropSYN needs a listener of which the queue can be filled.
func dropSYN(_ context.Context, _ *world, b *backend) (*scene, error) {
	p, err := wire.Listen("127.0.0.1:0", b.server.Addr)
	if err != nil {
		return nil, err
	}
	return &scene{
		target: target{addr: p.Addr(), password: b.server.Password},
		begin:  p.Deafen,
		end:    func(context.Context) error { return p.Hear() },
		close:  p.Close,
	}, nil
}
