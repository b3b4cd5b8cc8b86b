package registrytest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vibework/mooring/registry"
)

func nameIsConstant(s *trial) error {
	x := s.fresh()
	register := func(context.Context) error {
		registry.New().Register(x.res) // it panics unless the name is valid
		return nil
	}
	if err := s.call(s.within(s.long), "Register", register); err != nil {
		return err
	}
	name := x.name()
	if err := x.ready(); err != nil {
		return err
	}
	if now := x.name(); now != name {
		return fmt.Errorf("the name is %q, and after Open %q", name, now)
	}
	_ = x.close(s.within(s.long))
	if now := x.name(); now != name {
		return fmt.Errorf("the name is %q, and after Close %q", name, now)
	}
	return nil
}

func openCheckClose(s *trial) error {
	x := s.fresh()
	if err := x.open(s.within(s.long)); err != nil {
		return fmt.Errorf("from Open: %w", err)
	}
	if err := x.checkFor(s.long); err != nil {
		return fmt.Errorf("from Check right after Open: %w", err)
	}
	if err := x.close(s.within(s.long)); err != nil {
		return fmt.Errorf("from Close: %w", err)
	}
	return nil
}

func checkBeforeOpen(s *trial) error {
	return wantNotOpen(s.fresh().checkFor(s.long))
}

func checkAfterClose(s *trial) error {
	x := s.fresh()
	if err := x.ready(); err != nil {
		return err
	}
	_ = x.close(s.within(s.long))
	return wantNotOpen(x.checkFor(s.long))
}

func wantNotOpen(err error) error {
	switch {
	case err == nil:
		return errChecked
	case !errors.Is(err, registry.ErrNotOpen):
		return fmt.Errorf("from Check: %w, want registry.ErrNotOpen or an error that wraps it", err)
	}
	return nil
}

func closeBeforeOpen(s *trial) error {
	if err := s.fresh().close(s.within(s.long)); err != nil {
		return fmt.Errorf("from Close: %w, want nil", err)
	}
	return nil
}

func closeAgain(s *trial) error {
	x := s.fresh()
	if err := x.ready(); err != nil {
		return err
	}
	_ = x.close(s.within(s.long))
	if err := x.close(s.within(s.long)); err != nil {
		return fmt.Errorf("from the second Close: %w, want nil", err)
	}
	return closeTogether(s)
}

// closeTogether lets one Close fail, the one that closes: that is a matter of another rule.
func closeTogether(s *trial) error {
	x := s.fresh()
	if err := x.ready(); err != nil {
		return err
	}
	failed := together(4, func() error { return x.close(s.within(s.long)) })
	if len(failed) > 1 {
		return fmt.Errorf("from %d of 4 calls of Close at the same time: %w", len(failed), failed[0])
	}
	return nil
}

func openAgainAfterClose(s *trial) error {
	x := s.fresh()
	for range 3 {
		if err := x.ready(); err != nil {
			return err
		}
		_ = x.close(s.within(s.long))
	}
	return nil
}

func checksTogether(s *trial) error {
	x := s.fresh()
	if err := x.ready(); err != nil {
		return err
	}
	failed := together(8, func() error {
		for range 8 {
			if err := x.checkFor(s.long); err != nil {
				return err
			}
		}
		return nil
	})
	if len(failed) > 0 {
		return fmt.Errorf("from Check, on %d of 8 goroutines at the same time: %w", len(failed), failed[0])
	}
	return nil
}

// together calls f on n goroutines and returns the errors.
func together(n int, f func() error) (failed []error) {
	errs := make([]error, n)
	start := make(chan struct{})
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			<-start
			errs[i] = f()
		})
	}
	close(start)
	running.Wait()
	for _, err := range errs {
		if err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

// cycles is how often a resource is opened and closed, if it does so quickly, for a check to come at a bad moment.
const cycles = 20

// checkDuringOpenAndClose does not mind what the checks return: only a breach counts. That it can be opened
// again is a rule of its own.
func checkDuringOpenAndClose(s *trial) error {
	x := s.fresh()
	over := make(chan struct{})
	var probes sync.WaitGroup
	for range 2 {
		probes.Go(func() {
			for pause := time.NewTicker(time.Millisecond); ; {
				_ = x.checkFor(s.long)
				select {
				case <-pause.C:
				case <-over:
					pause.Stop()
					return
				}
			}
		})
	}
	defer probes.Wait()
	defer close(over)
	if err := x.open(s.within(s.long)); err != nil {
		return err
	}
	end := time.Now().Add(s.brief)
	for i := 0; i < 2 || i < cycles && time.Now().Before(end); i++ {
		_ = x.checkFor(s.long)
		_ = x.close(s.within(s.long))
		if err := x.open(s.within(s.long)); err != nil {
			break
		}
	}
	_ = x.close(s.within(s.long))
	return nil
}
