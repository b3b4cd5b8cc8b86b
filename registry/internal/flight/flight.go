// Package flight runs checks of which each resource has at most one in flight. Everyone who asks meanwhile waits for
// the check in flight and gets its answer. A check that does not return in time is answered for: it is hung.
//
// There are three things. A Line is the checks of one resource, one after the other. A Flight is one check. A Round is
// the flights that one caller has started together, which share a context and so a timer. A flight belongs to its line
// and to the round that has started it; a caller who comes later joins the flight and not the round.
//
// The only lock is that of the line. It decides which comes first, the return of the check, the end of its time, or the
// closing of the line; whichever it is answers, once.
package flight

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/registry/internal/guard"
)

// ErrClosed is the answer of a check whose line was closed before the check returned.
var ErrClosed = errors.New("closed")

// ErrHung is the answer for a check that has not returned within its limit.
var ErrHung = errors.New("the check has not returned")

// Answer is the outcome of a check.
type Answer struct {
	Err   error
	Began time.Time // when the check started
	Ended time.Time // when the check returned, or was found to be hung
}

// Line is the checks of one resource, one after the other.
type Line struct {
	check    func(context.Context) error
	answered func(Answer) error

	mu      sync.Mutex
	current *Flight // running or hung; nil while no check is in flight
	last    Answer
	closed  bool
}

// Closed is a line that never had a check.
var Closed = &Line{closed: true}

// NewLine returns a line for check, whose panic or runtime.Goexit is its error. Each answer goes through answered
// before anybody gets it, which returns the error that it is to have; answered runs under a lock: it must not block or
// use the line. Until there is an answer, first is the last one.
func NewLine(check func(context.Context) error, answered func(Answer) error, first Answer) *Line {
	return &Line{check: check, answered: answered, last: first}
}

// Last returns the last answer, and ErrClosed from the end of the line on. A check that is hung still is: its answer
// ends now, however long ago it was given.
func (l *Line) Last() Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return Answer{Err: ErrClosed}
	}
	answer := l.last
	if f := l.current; f != nil && f.answered {
		answer.Ended = time.Now()
	}
	return answer
}

// Flight is one check in flight.
type Flight struct {
	line   *Line
	round  *Round
	before *Flight // of the round

	// Guarded by the line's mu. A channel is made when somebody waits: most checks have returned before anybody does.
	answered bool
	done     chan struct{} // closed when there is an answer
	returned chan struct{} // closed when the check has returned
}

// Began returns when the checks of the round were started.
func (f *Flight) Began() time.Time { return f.round.began }

// Done returns what is closed when there is an answer, and nil if there is one.
func (f *Flight) Done() <-chan struct{} {
	f.line.mu.Lock()
	defer f.line.mu.Unlock()
	if f.done == nil && !f.answered {
		f.done = make(chan struct{})
	}
	return f.done
}

// Join returns the check in flight, and starts one as a part of the round if there is none. It returns nil when the
// line is closed. A check that is hung is in flight as long as it has not returned: whoever joins it has the answer at
// once, and no second goroutine is spent on it.
func (l *Line) Join(r *Round) *Flight {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil
	case l.current == nil:
		l.current = &Flight{line: l, round: r, before: r.last}
		r.members.Add(1)
		r.last = l.current
		go l.current.run()
	}
	return l.current
}

// Answer returns the answer, once there is one, or a later one of the line.
func (f *Flight) Answer() Answer { return f.line.Last() }

// run is the goroutine of the check.
func (f *Flight) run() { guard.Call(func() error { return f.line.check(f.round.ctx) }, f.finish) }

// finish ends the flight when the check has returned. A check that is hung has its answer already, and one whose line
// was closed has ErrClosed: what they return is dropped.
func (f *Flight) finish(err error) {
	defer f.round.leave()
	f.line.mu.Lock()
	defer f.line.mu.Unlock()
	f.reply(err)
	f.line.current = nil
	if f.returned != nil {
		close(f.returned)
	}
}

// reply answers, unless somebody has before. The order matters: the line's owner knows of the answer before any caller
// does, and Last tells no less than what a caller has been told. That a line is closed, Last tells already. It must be
// called with the line's mu held.
func (f *Flight) reply(err error) {
	if f.answered {
		return
	}
	if !f.line.closed {
		answer := Answer{err, f.Began(), time.Now()}
		answer.Err = f.line.answered(answer)
		f.line.last = answer
	}
	f.answered = true
	if f.done != nil {
		close(f.done)
	}
}

// Close ends the line: who waits gets ErrClosed at once, and Join returns nil from now on. With cancel it also ends
// the context of the check in flight, and of all checks of the same round. It returns what is closed when that
// check has returned, or nil if there is none or it is hung. It may be called again.
func (l *Line) Close(cancel bool) (returned <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	f := l.current
	if f == nil {
		return nil
	}
	if cancel {
		f.round.cancel()
	}
	if !f.answered {
		f.returned = make(chan struct{})
		f.reply(nil)
	}
	return f.returned
}

// Round is the checks that are started together with the same limit. They share a context, which ends a twentieth
// before the limit, so that a check which obeys it still answers for itself: with what it was waiting for, which says
// more than that it is hung. The context ends when the last of them has returned, so that no timer stays behind a check
// which took a moment.
type Round struct {
	began   time.Time
	limit   time.Duration // of each
	ctx     context.Context
	cancel  context.CancelFunc
	overdue *time.Timer  // hangs those that have not returned
	last    *Flight      // that was started; each knows the one before
	members atomic.Int32 // of the round: its checks that have not returned, and whoever adds to it
}

// NewRound returns a round without checks. Whoever adds some must call Begun after the last.
func NewRound(limit time.Duration) *Round {
	r := &Round{began: time.Now(), limit: limit}
	r.ctx, r.cancel = context.WithTimeout(context.Background(), limit-limit/20)
	r.members.Store(1)
	return r
}

// Begun says that the round has all its checks. Until then whoever adds to it counts as a member, lest the first check
// returns, and ends the context, before the second has begun.
//
// The checks have the last twentieth from the moment at which the context has ended: a process that was frozen for long
// gives its checks that much after it has woken. A timer for the whole limit would find them hung in the moment in
// which the process wakes, before any of them could see that its context is done.
func (r *Round) Begun() {
	r.overdue = time.AfterFunc(r.limit-r.limit/20, func() { time.AfterFunc(r.limit/20, r.hang) })
	r.leave()
}

// leave counts a member off. The last one ends the context, and overdue with it unless that is on its way.
func (r *Round) leave() {
	if r.members.Add(-1) == 0 {
		r.overdue.Stop()
		r.cancel()
	}
}

// hang answers for the checks that have not returned. Each stays its line's current one.
func (r *Round) hang() {
	for f := r.last; f != nil; f = f.before {
		f.line.mu.Lock()
		f.reply(fmt.Errorf("%w within %v", ErrHung, r.limit))
		f.line.mu.Unlock()
	}
}
