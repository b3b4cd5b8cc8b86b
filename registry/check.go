package registry

import (
	"context"
	"errors"
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

// call is one caller and its results. Each is written where the caller will find it, under the mu of the
// resource's opening; a caller that leaves early takes itself off the lists before it returns.
type call struct {
	run     run           // of the checks that this call started
	missing atomic.Int32  // results
	done    chan struct{} // closed when none is missing
}

func (r *Registry) check(ctx context.Context, rows []row) []Result {
	results := make([]Result, len(rows))
	if len(rows) == 0 {
		return results
	}
	c := &call{done: make(chan struct{})}
	c.missing.Store(int32(len(rows)))
	gone, now := ctx.Err() != nil, time.Now()
	for i, row := range rows {
		result := &results[i]
		result.Name, result.Optional = row.name, row.optional
		if current := row.current.Load(); current == nil {
			result.Err = notOpen(row.entry)
			c.answered()
		} else if gone {
			result.Err = stoppedWaiting(ctx).of(row.name)
			c.answered()
		} else {
			current.join(c, result, now)
		}
	}
	if c.run.ctx != nil {
		r.watchdog.expect(r, now.Add(c.run.limit))
	}
	if c.wait(ctx) || !c.leave(ctx, rows) {
		c.run.end()
	}
	return results
}

// answered says that a result has been written.
func (c *call) answered() {
	if c.missing.Add(-1) == 0 {
		close(c.done)
	}
}

// wait says whether no result is missing any more, or ctx is done before that.
func (c *call) wait(ctx context.Context) (complete bool) {
	select {
	case <-c.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// leave gives the caller the reason in place of the results that are missing. It says whether a check that the
// caller has started is still in flight.
func (c *call) leave(ctx context.Context, rows []row) (busy bool) {
	reason := stoppedWaiting(ctx) // before any lock is held: the context may be the program's own
	for _, row := range rows {
		if current := row.current.Load(); current != nil {
			busy = current.leave(c, reason) || busy
		}
	}
	return busy
}

func stoppedWaiting(ctx context.Context) *Error {
	return newError(OpCheck, all, fmt.Errorf("the caller stopped waiting: %w", ctx.Err()))
}

// of is e for the resource of that name.
func (e Error) of(name string) *Error {
	e.Name = name
	return &e
}

func notOpen(e *entry) error {
	err := ErrNotOpen
	if failure := e.failure.Load(); failure != nil {
		err = fmt.Errorf("%w: %w", ErrNotOpen, failure)
	}
	return &Error{Op: OpCheck, Name: e.name, Kind: KindNotOpen, Err: err}
}

// run is what checks that started together share. Its context ends when the caller has all its results; if it
// leaves some of the checks behind, they keep the context until its deadline.
type run struct {
	ctx    context.Context
	cancel context.CancelFunc
	limit  time.Duration // CheckTimeout
}

// begin makes the context, unless it is there.
func (r *run) begin(now time.Time, limit time.Duration) {
	if r.ctx == nil {
		r.limit = limit
		r.ctx, r.cancel = context.WithDeadline(context.Background(), now.Add(obedient(limit)))
	}
}

func (r *run) end() {
	if r.ctx != nil {
		r.cancel()
	}
}

// interrupted says whether the context was cancelled, though checks that belong to the run are in flight.
func (r *run) interrupted() bool { return errors.Is(r.ctx.Err(), context.Canceled) }

// obedient is what a check is given of its time: a twentieth less, so that one which obeys its context answers
// with an error of its own before it counts as hung.
func obedient(limit time.Duration) time.Duration { return limit - limit/20 }
