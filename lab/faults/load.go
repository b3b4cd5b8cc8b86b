package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A load is work that a program does with a resource when it is closed.
type load struct {
	calls   []call
	running atomic.Int64
	working sync.WaitGroup
	cancel  context.CancelFunc
}

// newLoad prepares what a backend has for work.
func newLoad(ctx context.Context, s *subject, b *backend) (*load, error) {
	l := new(load)
	err := s.must(ctx, "borrow", func(ctx context.Context) (err error) {
		l.calls, err = b.work(ctx, s.Resource)
		return err
	})
	return l, err
}

// start starts the first call and returns when it is at it. With hang it starts all calls, in a network in which they
// hang; those that fail, since they have had a connection that was cut, are started once more.
func (l *load) start(ctx context.Context, s *subject, hang bool) {
	ctx, l.cancel = context.WithCancel(ctx)
	if !hang {
		l.begin(ctx, s, l.calls[:1])
		return
	}
	const tries = 3
	for range tries {
		l.begin(ctx, s, l.calls)
		if l.hangs() {
			return
		}
	}
}

func (l *load) begin(ctx context.Context, s *subject, calls []call) {
	var begun sync.WaitGroup
	for _, work := range calls {
		begun.Add(1)
		l.working.Add(1)
		l.running.Add(1)
		s.mine(ctx, func(ctx context.Context) {
			defer l.working.Done()
			defer l.running.Add(-1)
			begun.Done()
			_ = work(ctx)
		})
	}
	begun.Wait()
	pause(ctx, 50*time.Millisecond) // from the first line of a call to the network
}

// hangs says whether something is in flight.
func (l *load) hangs() bool { return l.running.Load() > 0 }

// wait waits a moment for the calls to end, but not for those in functions that ignore names. It returns what is left,
// and ends it.
func (l *load) wait(ctx context.Context, s *subject, where search) (left stock) {
	for start := time.Now(); l.hangs() && time.Since(start) < settle; pause(ctx, 10*time.Millisecond) {
		if left = s.stock(""); !left.without(where.ignore...).exceeds(stock{}) {
			break
		}
	}
	if !l.hangs() {
		left = stock{}
	}
	l.cancel()
	l.working.Wait()
	return left
}

// finish notes calls that Close has not ended.
func (v *verdict) finish(ctx context.Context, l *load, s *subject, ignore []string) {
	where := search{ignore: ignore}
	v.surplus(l.wait(ctx, s, where), where)
}
