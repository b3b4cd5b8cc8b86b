package registry

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// CheckAll checks all resources at the same time and reports on each, in the order of opening. It waits at most
// until ctx is done or CheckTimeout has passed, also for a check that ignores its context.
//
// A resource has at most one check in flight: concurrent callers share it. Its context ends shortly before
// CheckTimeout (by a twentieth) and has nothing to do with ctx, so a caller that leaves early gets KindTimeout
// or KindCanceled in its own report and spoils nothing for the others. A check that is not back by CheckTimeout
// is KindHung, for everyone who waits and at once for every later caller, until it returns. What is not open is
// KindNotOpen.
func (r *Registry) CheckAll(ctx context.Context) Report {
	return Report{Results: r.check(ctx, r.sorted())}
}

// Check is CheckAll for one resource. For a name that is not registered the result's error is
// ErrNotRegistered.
func (r *Registry) Check(ctx context.Context, name string) Result {
	rows := r.sorted()
	for i := range rows {
		if rows[i].name == name {
			return r.check(ctx, rows[i:i+1])[0]
		}
	}
	return Result{Name: name, Err: r.stranger(OpCheck, name, "")}
}

// call is one caller waiting for its results. Each is written where the caller will find it, under the mu of
// the resource's opening; a caller that leaves early takes itself off the lists before it returns.
type call struct {
	results []Result
	left    atomic.Int32  // results that are missing, and 1 more until all have been asked for
	done    chan struct{} // closed when none is missing
	run     run           // of the checks that this call started
}

func (r *Registry) check(ctx context.Context, rows []row) []Result {
	c := &call{results: make([]Result, len(rows)), done: make(chan struct{})}
	c.left.Store(1)
	now := time.Now()
	for i, row := range rows {
		result := &c.results[i]
		result.Name, result.Optional = row.name, row.optional
		if current := row.current.Load(); current == nil {
			result.Err = notOpen(row.entry)
		} else if ctx.Err() != nil {
			result.Err = stoppedWaiting(ctx, row.name)
		} else {
			current.join(c, i, now)
		}
	}
	c.run.release()
	if c.left.Add(-1) == 0 {
		return c.results
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		for i, row := range rows {
			if current := row.current.Load(); current != nil {
				current.leave(ctx, c, i)
			}
		}
	}
	return c.results
}

func stoppedWaiting(ctx context.Context, name string) error {
	return newError(OpCheck, name, fmt.Errorf("the caller stopped waiting: %w", ctx.Err()))
}

func notOpen(e *entry) error {
	err := ErrNotOpen
	if failure := e.failure.Load(); failure != nil {
		err = fmt.Errorf("%w: %w", ErrNotOpen, failure)
	}
	return &Error{Op: OpCheck, Name: e.name, Kind: KindNotOpen, Err: err}
}

// run is the context of some checks that started together.
type run struct {
	ctx         context.Context
	cancel      context.CancelFunc
	deadline    time.Time
	left        atomic.Int32 // checks that have not returned, and 1 more until all have been started
	interrupted atomic.Bool  // cancelled because a resource of one of the checks is being closed
}

// begin makes the context, unless it is there.
func (r *run) begin(deadline time.Time) {
	if r.ctx == nil {
		r.left.Store(1)
		r.deadline = deadline
		r.ctx, r.cancel = context.WithDeadline(context.Background(), deadline)
	}
}

// release lets the context go after the last of its checks.
func (r *run) release() {
	if r.ctx != nil && r.left.Add(-1) == 0 {
		r.cancel()
	}
}
