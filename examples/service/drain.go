package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vibework/mooring/registry"
)

// wait returns nil when ctx is done, or why the service cannot go on.
func (s *service) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		slog.Info("stopping", "cause", context.Cause(ctx))
		return nil
	case err := <-s.stopped:
		if err == nil {
			err = errors.New("the worker has no subscription any more")
		}
		return err
	}
}

// drain turns readiness red, goes on serving for a while so that load balancers notice, lets the requests under
// way finish, and then the worker. What is left of ctx is for CloseAll, and drain leaves it a share: requests have
// to be done after three fifths of it, the worker after four.
func (s *service) drain(ctx context.Context, delay time.Duration) error {
	registry.Drain()
	slog.Info("draining", "delay", delay)
	s.server.SetKeepAlivesEnabled(false) // the next request of a client is to find another instance
	select {
	case <-time.After(delay):
	case <-ctx.Done():
	}

	left := time.Until(deadline(ctx))
	serving, cancel := context.WithTimeout(ctx, left*3/5)
	defer cancel()
	err := s.server.Shutdown(serving)
	if err != nil {
		// Or handlers would go on with clients that are closed.
		err = errors.Join(errors.New("requests were cut off"), err, s.server.Close())
	}
	working, cancel := context.WithTimeout(ctx, max(0, time.Until(deadline(ctx))-left/5))
	defer cancel()
	return errors.Join(err, s.endWorking(working))
}

// endWorking waits until the work that has begun is done.
func (s *service) endWorking(ctx context.Context) error {
	s.endWork()
	done := make(chan struct{})
	go func() {
		s.working.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("the worker was cut off; its events will come again")
	}
}

func deadline(ctx context.Context) time.Time {
	end, _ := ctx.Deadline()
	return end
}
