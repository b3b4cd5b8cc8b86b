package registrytest

import (
	"context"
	"fmt"
	"time"
)

func openWhenDone(s *trial) error {
	x := s.watched()
	if err := x.open(s.cancelled(0)); err == nil {
		return errOpened
	}
	if err := x.checkFor(s.long); err == nil {
		return fmt.Errorf("after an Open that failed: %w", errChecked)
	}
	return s.nothingLeft()
}

func checkWhenDone(s *trial) error {
	x := s.fresh()
	if err := x.ready(); err != nil {
		return err
	}
	_ = x.check(s.cancelled(0))
	return x.heals(s.settle)
}

func closeWhenDone(s *trial) error {
	x := s.watched()
	if err := x.ready(); err != nil {
		return err
	}
	_ = x.close(s.cancelled(0))
	if err := x.checkFor(s.long); err == nil {
		return fmt.Errorf("it is still open: %w", errChecked)
	}
	return s.nothingLeft()
}

func openContextEnds(s *trial) error {
	x := s.fresh()
	ctx, cancel := context.WithTimeout(s.ctx, s.long)
	defer cancel()
	if err := x.open(ctx); err != nil {
		return fmt.Errorf("from Open: %w", err)
	}
	if err := x.heals(s.settle); err != nil {
		return err
	}
	cancel()
	for end := time.Now().Add(s.brief); time.Now().Before(end); <-time.After(s.brief / 10) {
		if err := x.checkFor(s.long); err != nil {
			return fmt.Errorf("from Check after the context of Open has ended: %w", err)
		}
	}
	return nil
}

func nothingAfterClose(s *trial) error {
	x := s.watched()
	if err := x.ready(); err != nil {
		return err
	}
	_ = x.close(s.within(s.long))
	return s.nothingLeft()
}
