package main

import (
	"context"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// kill is a scene without anything between a client and its server.
func kill(_ context.Context, _ *world, b *backend) (*scene, error) {
	return &scene{
		target: target{addr: b.server.Addr, password: b.server.Password},
		begin:  func(context.Context) error { return b.server.Kill() },
		end:    b.server.Start,
		close:  func() error { return nil },
	}, nil
}

// endless is what an operation says that is to take for ever.
const endless = "this takes for ever"

// exhaust takes all connections of the resource's own pool.
func exhaust(_ context.Context, _ *world, b *backend) (*scene, error) {
	s, port, err := led(b.server.Addr, b.server.Addr)
	if err != nil {
		return nil, err
	}
	port.Stall(endless)
	nothing := func(context.Context) error { return nil }
	s.target.password, s.target.pool = b.server.Password, poolSize
	s.begin, s.end = nothing, nothing
	s.hold = func(ctx context.Context, res registry.Resource) (func(), error) {
		return b.hold(ctx, res, poolSize)
	}
	return s, nil
}

func fillServer(_ context.Context, _ *world, b *backend) (*scene, error) {
	s, err := proxied(b, func(*faultproxy.Proxy) {})
	if err != nil {
		return nil, err
	}
	undo := func() error { return nil }
	s.begin = func(ctx context.Context) (err error) {
		undo, err = b.fill(ctx)
		return err
	}
	s.end = func(context.Context) error { return undo() }
	return s, nil
}
