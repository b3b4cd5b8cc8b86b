package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/registry/internal/flight"
	"github.com/vibework/mooring/registry/internal/guard"
	"github.com/vibework/mooring/registry/internal/wait"
)

// What the registry knows of one resource is an entry. Its state says what the registry is doing to the resource; no
// two calls of Configure, Open and Close are in flight, since each begins by changing the state from the only one that
// allows it. From the success of Open to the end of Close the entry has a session, in which the resource is checked. It
// is a session of its own for each opening, so that no answer of a check outlives a Close and is taken for one of the
// next opening.
//
// A resource may be written by anybody, and so each of its methods runs on a goroutine of its own, without a lock, and
// what it returns is examined there.

// grace is what a call gets to clean up and return once its context is done.
const grace = 100 * time.Millisecond

// errStillRunning is why nothing can be called of a resource that is calling or abandoned.
var errStillRunning = Classify(KindHung, errors.New("an earlier call of this resource has not returned yet"))

// entry is a registered resource: its state, and the only call of Configure, Open or Close that may be in flight.
type entry struct {
	res  Resource
	name string
	site string // where it was registered
	r    *Registry

	limits  atomic.Pointer[Timeouts]   // as the last OpenAll found them, defaults applied; Close: 0 for no own limit
	failure atomic.Pointer[Error]      // why it is not open, or nil
	about   atomic.Pointer[slog.Value] // of a slog.LogValuer, after its last call

	// session is the line of its checks, from the success of Open to the end of Close; changed with mu held. What was
	// logged last of them is guarded by the lock under which the line answers.
	session  atomic.Pointer[flight.Line]
	kind     Kind        // "" for healthy
	since    time.Time   // when that was found
	recorded []time.Time // when the last records were written

	// Guarded by the registry's mu.
	state state
	stage int // the stage of opening in which it was opened, counted from the first OpenAll on
}

// state is what the registry is doing to a resource. A life without trouble is
//
//	closed -> calling -> open -> calling -> closed
//
// From calling it goes back to closed when Configure has returned or Open has failed, and to abandoned when a call does
// not return in time. From there it goes to closed when the call has returned after all, by way of calling if that was
// an Open that has succeeded. removed is the end of an entry; a resource that is registered again has another.
type state int

const (
	closed    state = iota
	calling         // Configure, Open or Close is in flight
	open            // from the success of Open on
	abandoned       // a call has not returned in time, and nobody waits for it any more
	removed         // Unregister has dropped it
)

// do calls f, which is Configure, Open or Close of a resource that was in that state. It waits until the call has
// returned, or for so long at most once ctx is done: then the call is abandoned with KindHung, and the resource stays
// abandoned until the call returns. What an abandoned Open has opened after all is closed, in the time of an Open,
// since OpenAll has reported that it did not open: the resource cannot be opened meanwhile, and has no session, so that
// a late success never touches a later opening.
//
// Who of the two is first, the call that returns or the caller that gives up, is decided under mu: the call finds the
// state abandoned, or the caller finds returned closed.
//
// A LogValue is called where f was: it may wait for a lock that a call holds which hangs, and no record must.
//
// It writes the record, unless that is for the caller to write, who knows whether there will be another attempt.
func (e *entry) do(ctx context.Context, ev Event, was state, most time.Duration, f func(context.Context) error) *Error {
	e.r.mu.Lock()
	if e.state != was {
		defer e.r.mu.Unlock()
		return newError(ev.Op, e.name, errStillRunning)
	}
	e.state = calling
	e.r.mu.Unlock()
	ev.Name, ev.Time = e.name, time.Now()
	var failed *Error // written before returned is closed, with mu held
	returned := make(chan struct{})
	go guard.Call(func() error {
		err := examine(ctx, ev.Op, e.name, f(ctx))
		e.about.Store(new(slog.AnyValue(e.res).Resolve()))
		return err
	}, func(err error) {
		e.r.mu.Lock()
		defer e.r.mu.Unlock()
		switch {
		case e.state != abandoned:
			failed = newError(ev.Op, e.name, err)
			e.ended(ev, failed)
			close(returned)
		case ev.Op == OpOpen && err == nil:
			go func() { _ = e.timed(context.Background(), Event{Op: OpClose}, abandoned, e.res.Close) }()
		default:
			e.state = closed
		}
	})
	_ = wait.For(ctx, returned) || wait.All(most, returned)
	e.r.mu.Lock()
	if !wait.Closed(returned) {
		took := time.Since(ev.Time).Round(time.Millisecond)
		failed = &Error{ev.Op, e.name, KindHung, fmt.Errorf("abandoned after %v: %w", took, ctx.Err())}
		e.ended(ev, failed)
		e.state = abandoned
	}
	e.r.mu.Unlock()
	if ev.Op == OpClose || ev.Op == OpOpen && failed == nil {
		e.r.about(e, ev.Op, ev.Attempt, failed, slog.Duration("duration", time.Since(ev.Time)))
	}
	return failed
}

// ended makes the outcome of a call known: the state, the event, and what is known of the resource's health. The
// resource is open at once, before any record of it, and its event precedes those of its checks. It must be called
// with mu held.
//
// Whatever Close returned, the resource is closed: there is nothing that one could do to it besides.
//
// A session begins with a healthy answer, from the opening: that has asked the backend. So a report is never worse
// right after OpenAll than what OpenAll has found. The line sees to it that one check at most is in flight, and that
// all who ask meanwhile get its answer. The error of a check is examined on its goroutine, where its methods can do no
// harm.
func (e *entry) ended(ev Event, err *Error) {
	ev.Duration = time.Since(ev.Time)
	if err != nil {
		ev.Err = err
	}
	if ev.Op != OpConfigure {
		e.r.post(ev)
	}
	e.state = closed
	switch {
	case ev.Op == OpClose:
		e.session.Store(nil)
	case err != nil:
		e.failure.Store(err) // for the check to tell
	case ev.Op == OpOpen:
		e.state = open
		e.failure.Store(nil)
		first := flight.Answer{Began: ev.Time, Ended: ev.Time.Add(ev.Duration)}
		e.kind, e.since = "", first.Ended
		e.session.Store(flight.NewLine(func(ctx context.Context) error {
			return examine(ctx, OpCheck, e.name, e.res.Check(ctx))
		}, e.answered, first))
	}
}

// configure calls Configure, if there is one. It gets the time that an Open has: a file may lie on a disk that does not
// answer.
func (e *entry) configure(ctx context.Context) *Error {
	c, ok := e.res.(Configurer)
	if !ok {
		return nil
	}
	return e.timed(ctx, Event{Op: OpConfigure}, closed, func(context.Context) error { return c.Configure() })
}

// open calls Open once. The attempt is counted by the caller, for events and records.
func (e *entry) open(ctx context.Context, attempt int) *Error {
	if ctx.Err() != nil {
		return newError(OpOpen, e.name, cause(ctx))
	}
	return e.timed(ctx, Event{Op: OpOpen, Attempt: attempt}, closed, e.res.Open)
}

// timed is do within the time of an Open.
func (e *entry) timed(ctx context.Context, ev Event, was state, f func(context.Context) error) *Error {
	ctx, cancel := context.WithTimeout(ctx, e.limits.Load().Open)
	defer cancel()
	return e.do(ctx, ev, was, grace, f)
}

// notOpen is the answer for a resource that is not open, with the reason if there is one. That no such resource is
// registered is an answer, and no reason for one.
func (e *entry) notOpen() *Error {
	switch failure := e.failure.Load(); {
	case failure == nil:
		return &Error{OpCheck, e.name, KindNotOpen, ErrNotOpen}
	case failure.Op == OpCheck:
		return failure
	default:
		return &Error{OpCheck, e.name, KindNotOpen, fmt.Errorf("%w: %w", ErrNotOpen, failure)}
	}
}

// mostRecords is how many changes of a resource's health are logged in a minute: enough to see that it comes and goes.
const mostRecords = 6

// answered makes the outcome of a check known before anybody gets it. The line calls it under a lock, once for each
// check: for one that hangs when that is found, and not again when it returns. It posts and does not write, since an
// observer or a logger may block.
//
// It logs a new kind of health, with how long the last one lasted, but no more than six times a minute: a backend that
// comes and goes must not fill the disk. A change that is left out leaves the kind as it was logged, so that a later
// check, which finds the same, logs it.
func (e *entry) answered(a flight.Answer) error {
	failed := newError(OpCheck, e.name, a.Err)
	if failed != nil {
		a.Err = failed
	}
	now, took := a.Ended, a.Ended.Sub(a.Began)
	e.r.post(Event{Op: OpCheck, Name: e.name, Time: a.Began, Duration: took, Err: a.Err})
	kind := KindOf(a.Err)
	e.recorded = slices.DeleteFunc(e.recorded, func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	if kind != e.kind && len(e.recorded) < mostRecords {
		lasted := now.Sub(e.since)
		e.kind, e.since, e.recorded = kind, now, append(e.recorded, now)
		e.r.health.Post(func() {
			e.r.about(e, OpCheck, 0, failed, slog.Duration("duration", took), slog.Duration("lasted", lasted))
		})
	}
	return a.Err
}

// result is the answer in the words of a Report. That of what is not open has no duration and no time: nobody has asked
// the resource.
func (row row) result(a flight.Answer) Result {
	if any(a.Err) == any(flight.ErrClosed) { // without a method of the error, which is a resource's
		a = flight.Answer{Err: row.notOpen()}
	}
	return Result{Name: row.name, Optional: row.optional, Err: a.Err, Duration: a.Ended.Sub(a.Began), CheckedAt: a.Ended}
}
