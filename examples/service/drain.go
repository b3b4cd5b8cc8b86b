package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vibework/mooring/examples/service/budget"
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
// way finish, and then the worker. Each has its share of ctx, and what is left in the end is for CloseAll.
func (s *service) drain(ctx context.Context, delay time.Duration) error {
	registry.Drain()
	slog.Info("draining", "delay", delay)
	end, _ := ctx.Deadline()
	share := budget.Share(time.Until(end), delay)
	s.server.SetKeepAlivesEnabled(false) // the next request of a client is to find another instance
	select {
	case <-time.After(share.Draining):
	case <-ctx.Done():
	}

	serving, cancel := context.WithTimeout(ctx, share.Requests)
	defer cancel()
	err := s.server.Shutdown(serving)
	if err != nil {
		// Or handlers would go on with clients that are closed.
		err = errors.Join(errors.New("requests were cut off"), err, s.server.Close())
	}
	working, cancel := context.WithDeadline(ctx, end.Add(-share.Closing))
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
