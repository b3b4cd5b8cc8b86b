package registrytest

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

func constructingIsInert(s *trial) error {
	l, err := listen(s.ctx)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	x := s.examine(s.build("At", s.mark, s.settle, s.at(l.Addr().String())), nil)
	if err := s.breached(); err != nil {
		return err
	}
	if err := x.configure(); err != nil {
		return fmt.Errorf("from Configure: %w", err)
	}
	if started := goroutines(s.mark); len(started) > 0 {
		return fmt.Errorf("goroutines were started: %s", strings.Join(started, "\n"))
	}
	return wantNoDials(s, l)
}

// wantNoDials dials l itself: what was dialled before comes first.
func wantNoDials(s *trial, l net.Listener) error {
	own, err := new(net.Dialer).DialContext(s.ctx, "tcp", l.Addr().String())
	if err != nil {
		return err
	}
	defer func() { _ = own.Close() }()
	first, err := l.Accept()
	if err != nil {
		return err
	}
	defer func() { _ = first.Close() }()
	if first.RemoteAddr().String() != own.LocalAddr().String() {
		return errors.New("a connection was made")
	}
	return nil
}

func openRefused(s *trial) error {
	x := s.proxied()
	x.proxy.Refuse()
	return failsSoon(x)
}

func openReset(s *trial) error {
	x := s.proxied()
	x.proxy.Reset()
	return failsSoon(x)
}

func failsSoon(x *subject) error {
	ctx := x.within(x.long)
	err := x.open(ctx)
	switch kind := registry.KindOf(err); {
	case err == nil:
		return errOpened
	case isBreach(err):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("from Open, but only when its context was done, after %v: %w", x.long, err)
	case !kind.Retryable():
		return fmt.Errorf("from Open: %w: the kind is %q, want a retryable one such as %q",
			err, kind, registry.KindUnreachable)
	}
	return nil
}

var errOpened = errors.New("nil from Open, want an error")

func openSilent(s *trial) error {
	x := s.proxied()
	x.proxy.Blackhole()
	err := x.open(s.within(s.brief))
	if err == nil {
		return errOpened
	}
	if err := wantTimeout("Open", err); err != nil {
		return err
	}
	return s.nothingLeft()
}

func wantTimeout(name string, err error) error {
	switch kind := registry.KindOf(err); {
	case isBreach(err):
		return err
	case kind != registry.KindTimeout:
		return fmt.Errorf("from %s: %w: the kind is %q, want %q", name, err, kind, registry.KindTimeout)
	}
	return nil
}

func openSilentCancelled(s *trial) error {
	x := s.proxied()
	x.proxy.Blackhole()
	if err := x.open(s.cancelled(s.brief)); err == nil {
		return errOpened
	}
	return s.nothingLeft()
}

func openStranger(s *trial) error {
	for name, serve := range map[string]func(net.Conn){"HTTP": babble, "echo": echo} {
		x := s.facing(s.stranger(serve))
		if err := x.open(s.within(3 * s.brief)); err == nil {
			return fmt.Errorf("%s server: %w", name, errOpened)
		}
	}
	return nil
}

func nothingAfterFailedOpen(s *trial) error {
	for _, next := range []func() *subject{
		func() *subject { return s.broken((*faultproxy.Proxy).Reset) },
		func() *subject { return s.broken(func(p *faultproxy.Proxy) { p.CutAfter(1) }) }, // in the handshake
		func() *subject { return s.facing(s.stranger(babble)) },
	} {
		if err := next().open(s.within(3 * s.brief)); err == nil {
			continue // it must fail by another rule
		}
		if err := s.nothingLeft(); err != nil {
			return err
		}
	}
	return nil
}

func (s *trial) broken(fault func(*faultproxy.Proxy)) *subject {
	x := s.proxied()
	fault(x.proxy)
	return x
}

func openAgainAfterFailure(s *trial) error {
	x := s.broken((*faultproxy.Proxy).Refuse)
	_ = x.open(s.within(3 * s.brief))
	x.proxy.Pass()
	return eventually(s.settle, x.ready)
}
