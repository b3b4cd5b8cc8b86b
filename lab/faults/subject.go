package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/registry"
)

// patience is what a call gets that has to succeed, and what one gets that outlives its deadline.
const patience = 10 * time.Second

// A subject is a resource, of which all goroutines can be told from others by a label that they inherit.
type subject struct {
	registry.Resource
	mark  string
	noise *noise
}

var marks atomic.Int64

func newSubject(res registry.Resource, n *noise) *subject {
	return &subject{res, strconv.FormatInt(marks.Add(1), 10), n}
}

// mine starts f in a goroutine that bears the mark.
func (s *subject) mine(ctx context.Context, f func(context.Context)) {
	go pprof.Do(ctx, pprof.Labels(markKey, s.mark), f)
}

// within calls f with a context that ends after d, and waits for it much longer.
func (s *subject) within(ctx context.Context, d time.Duration, f func(context.Context) error) outcome {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	done := make(chan outcome, 1)
	start := time.Now()
	s.mine(ctx, func(ctx context.Context) {
		err := f(ctx)
		done <- outcome{took: time.Since(start), err: err}
	})
	select {
	case o := <-done:
		o.noise = s.noise.between(start, start.Add(o.took))
		return o
	case <-time.After(d + patience):
		return outcome{took: time.Since(start), err: errors.New("it did not return")}
	}
}

// must is within for what has nothing to do with a fault.
func (s *subject) must(ctx context.Context, what string, f func(context.Context) error) error {
	if o := s.within(ctx, patience, f); o.err != nil {
		return fmt.Errorf("without any fault, %s: %w", what, o.err)
	}
	return nil
}

// untilNil calls f again and again until it succeeds and returns how long that took.
func (s *subject) untilNil(
	ctx context.Context, most time.Duration, f func(context.Context) error,
) (time.Duration, error) {
	start := time.Now()
	for {
		o := s.within(ctx, time.Second, f)
		took := time.Since(start)
		if o.err == nil || took > most || ctx.Err() != nil {
			return took, o.err
		}
		pause(ctx, 10*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
