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
	done    chan struct{} // closed when no result is missing
	run     run           // of the checks that this call started
	missing atomic.Int32  // results
}

func (r *Registry) check(ctx context.Context, rows []row) []Result {
	results := make([]Result, len(rows))
	if len(rows) == 0 {
		return results
	}
	c := &call{done: make(chan struct{})}
	c.missing.Store(int32(len(rows)))
	gone, now, started := ctx.Err() != nil, time.Now(), int32(0)
	for i, row := range rows {
		result := &results[i]
		result.Name, result.Optional = row.name, row.optional
		if current := row.current.Load(); current == nil {
			result.Err = notOpen(row.entry)
			c.answered()
		} else if gone {
			result.Err = stoppedWaiting(ctx, row.name)
			c.answered()
		} else {
			started += current.join(c, result, now)
		}
	}
	if started > 0 {
		r.watchdog.expect(r, c.run.expires())
		c.run.count(started)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		for _, row := range rows {
			if current := row.current.Load(); current != nil {
				current.leave(ctx, c)
			}
		}
	}
	return results
}

// answered says that a result has been written.
func (c *call) answered() {
	if c.missing.Add(-1) == 0 {
		close(c.done)
	}
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

// run is what checks that started together share.
type run struct {
	ctx         context.Context
	cancel      context.CancelFunc
	limit       time.Duration // CheckTimeout
	inFlight    atomic.Int32  // how many they are; less by all of them until the last has been started
	interrupted atomic.Bool   // cancelled because a resource of one of them is being closed
}

// begin makes the context, unless it is there.
func (r *run) begin(now time.Time, limit time.Duration) {
	if r.ctx == nil {
		r.limit = limit
		r.ctx, r.cancel = context.WithDeadline(context.Background(), now.Add(obedient(limit)))
	}
}

// again returns a run for one check, with a context of its own and the time that is left to r.
func (r *run) again() *run {
	fresh := new(run)
	fresh.begin(r.began(), r.limit)
	fresh.inFlight.Store(1)
	return fresh
}

func (r *run) began() time.Time {
	deadline, _ := r.ctx.Deadline()
	return deadline.Add(-obedient(r.limit))
}

// expires is when the checks count as hung.
func (r *run) expires() time.Time { return r.began().Add(r.limit) }

// count adds the checks that were started, or takes off those that returned. The last lets the context go.
func (r *run) count(n int32) {
	if r.inFlight.Add(n) == 0 {
		r.cancel()
	}
}

// obedient is what a check is given of its time: a twentieth less, so that one which obeys its context answers
// with an error of its own before it counts as hung.
func obedient(limit time.Duration) time.Duration { return limit - limit/20 }
