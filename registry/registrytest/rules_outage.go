package registrytest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// mostDials is more than a check needs that finds a few stale connections, and much less than one that
// dials until its context is done.
const mostDials = 16

func checkFrozen(s *trial) error {
	x, err := s.serving()
	if err != nil {
		return err
	}
	x.proxy.Blackhole()
	if err := x.checkFor(s.brief); err == nil {
		return errChecked
	} else if err := wantTimeout("Check", err); err != nil {
		return err
	}
	x.proxy.Pass()
	return x.heals(s.heal)
}

var errChecked = errors.New("nil from Check, want an error")

// serving returns a resource that is open and has an open connection through its proxy.
func (s *trial) serving() (*subject, error) {
	x := s.proxied()
	return x, x.ready()
}

// checkFrozenCancelled does not mind what the check returns, as long as it does.
func checkFrozenCancelled(s *trial) error {
	x, err := s.serving()
	if err != nil {
		return err
	}
	x.proxy.Blackhole()
	_ = x.check(s.cancelled(s.brief))
	return nil
}

// checkDuringFrozenOpenAndClose does not mind what the checks return, as long as they do.
func checkDuringFrozenOpenAndClose(s *trial) error {
	x := s.broken((*faultproxy.Proxy).Blackhole)
	if err := x.checkDuring(x.open); err != nil {
		return err
	}
	x, err := s.serving()
	if err != nil {
		return err
	}
	x.proxy.Blackhole()
	return x.checkDuring(x.close)
}

// checkDuring checks while wait waits for the server, which is silent until the check has returned.
func (x *subject) checkDuring(wait func(context.Context) error) error {
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		_ = wait(x.within(x.long))
	}()
	<-time.After(x.brief) // to let it reach the server
	_ = x.check(x.within(x.brief))
	x.proxy.Pass()
	<-waited
	return x.breached()
}

func healsAfterCut(s *trial) error {
	x, err := s.serving()
	if err != nil {
		return err
	}
	x.proxy.Cut()
	return x.heals(s.heal)
}

func healsAfterOutage(s *trial) error {
	x, err := s.serving()
	if err != nil {
		return err
	}
	x.proxy.Refuse()
	if err := x.checkFor(3 * s.brief); err == nil {
		return fmt.Errorf("while the server is away: %w", errChecked)
	}
	x.proxy.Pass()
	return x.heals(s.heal)
}

func checkDoesNotHammer(s *trial) error {
	x, err := s.serving()
	if err != nil {
		return err
	}
	x.proxy.Reset()
	before := x.proxy.Accepted()
	_ = x.checkFor(s.slack)
	if n := x.proxy.Accepted() - before; n > mostDials {
		return fmt.Errorf("one Check of at most %v made %d connections to a server that resets them", s.slack, n)
	}
	return nil
}

func closeFrozen(s *trial) error {
	x, err := s.serving()
	if err != nil {
		return err
	}
	x.proxy.Blackhole()
	_ = x.close(s.within(s.brief))
	return s.nothingLeft()
}

func closeDuringFrozenCheck(s *trial) error {
	x, err := s.serving()
	if err != nil {
		return err
	}
	x.proxy.Blackhole()
	ctx, cancel := context.WithTimeout(s.ctx, s.long)
	defer cancel()
	checked := make(chan struct{})
	go func() {
		defer close(checked)
		_ = x.check(ctx)
	}()
	<-time.After(s.brief) // to let the check reach the server
	_ = x.close(s.within(s.brief))
	cancel()
	<-checked
	return s.nothingLeft()
}
