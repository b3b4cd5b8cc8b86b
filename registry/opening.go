package registry

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// opening is a resource from one Open to the Close after it, and the check that may be in flight meanwhile.
// Nothing of it outlives that Close: a check that does is forgotten.
type opening struct {
	registry *Registry
	entry    *entry
	work     func() // made once: a go statement with a method value or arguments allocates

	mu      sync.Mutex
	phase   phase
	run     *run // what the check in flight belongs to; nil while none is
	told    bool // that it is hung is known to everyone who waited
	back    bool // it returned before that
	waiters []waiter
	health  Status        // what the last check said, for the log
	ended   bool          // the resource is being closed
	gone    chan struct{} // closed when the check in flight has returned; made when somebody waits for that
}

// phase is where the check in flight is.
type phase int

const (
	idle    phase = iota // none is in flight
	running              // Check has not returned
	telling              // Check has returned, and the record and the event are on their way
	hung                 // its time is up, and it is not done
)

// waiter is the place where a caller wants its result.
type waiter struct {
	call   *call
	result *Result
}

func newOpening(r *Registry, e *entry) *opening {
	o := &opening{registry: r, entry: e, health: Pass}
	o.work = o.check
	return o
}

// join gives the caller its result, now or when the check in flight has one; it starts the check if none is.
func (o *opening) join(c *call, result *Result, now time.Time) (started int32) {
	if !o.admit(c, result, now) {
		return 0
	}
	go o.work()
	return 1
}

// admit says whether a check has to be started for the caller.
func (o *opening) admit(c *call, result *Result, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.ended:
		result.Err = notOpen(o.entry)
		c.answered()
	case o.phase == hung:
		result.Err, result.Duration = o.hungError(), now.Sub(o.run.began())
		c.answered()
	default:
		o.waiters = append(o.waiters, waiter{c, result})
		if o.phase == idle {
			c.run.begin(now, o.registry.settings().check)
			o.phase, o.run = running, &c.run
			return true
		}
	}
	return false
}

// leave gives a caller whose context is done the reason for it, unless it has its result.
func (o *opening) leave(ctx context.Context, c *call) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for k, w := range o.waiters {
		if w.call == c {
			last := len(o.waiters) - 1
			o.waiters[k], o.waiters[last] = o.waiters[last], waiter{}
			o.waiters = o.waiters[:last]
			w.result.Err, w.result.Duration = stoppedWaiting(ctx, o.entry.name), time.Since(o.run.began())
			return
		}
	}
}

// check runs one check on its own goroutine; a panic and a runtime.Goexit in it end here.
func (o *opening) check() {
	err := errGoexit
	defer func() {
		if v := recover(); v != nil {
			err = panicked(v)
		}
		o.finish(err, time.Since(o.run.began()))
	}()
	err = o.entry.res.Check(o.run.ctx)
}

// finish takes what a check has returned to the observers and the log, and then to those who wait.
func (o *opening) finish(err error, took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.ended:
		o.rest()
		return
	case o.phase == hung:
		o.back = true
		if o.told {
			o.rest()
		}
		return
	case err != nil && o.run.interrupted.Load():
		o.repeat()
		return
	}
	var failed error
	if err != nil {
		failed = newError(OpCheck, o.entry.name, err)
	}
	changed, told := o.diagnose(failed), o.post(failed, took)
	if changed || told != nil {
		o.phase = telling
		o.mu.Unlock()
		o.record(failed, took, changed)
		hearOut(told, untilTold)
		o.mu.Lock()
	}
	o.deliver(failed, took)
	o.rest()
}

// repeat runs the check once more: its context was cancelled because another resource is being closed. The
// context of the second run is its own.
func (o *opening) repeat() {
	interrupted := o.run
	fresh := interrupted.again()
	o.run = fresh
	go o.work()
	interrupted.count(-1)
}

// end makes the resource KindNotOpen for everyone, at once.
func (o *opening) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	if len(o.waiters) > 0 {
		o.deliver(notOpen(o.entry), time.Since(o.run.began()))
	}
}

// interrupt cancels the check in flight and returns what is closed when it has returned, or nil if there is
// nothing worth waiting for.
func (o *opening) interrupt() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.phase == idle {
		return nil
	}
	o.run.interrupted.Store(true)
	o.run.cancel()
	if o.phase == hung {
		return nil
	}
	if o.gone == nil {
		o.gone = make(chan struct{})
	}
	return o.gone
}

// diagnose says whether the resource's health has changed. It must be called with mu held, as deliver and rest.
func (o *opening) diagnose(err error) (changed bool) {
	health := Result{Err: err}.Status()
	changed, o.health = health != o.health, health
	return changed
}

func (o *opening) deliver(err error, took time.Duration) {
	for _, w := range o.waiters {
		w.result.Err, w.result.Duration = err, took
		w.call.answered()
	}
	clear(o.waiters)
	o.waiters = o.waiters[:0]
}

func (o *opening) rest() {
	o.run.count(-1)
	o.phase, o.run, o.back = idle, nil, false
	if o.gone != nil {
		close(o.gone)
		o.gone = nil
	}
}

// post tells the observers. With mu held, no later event of the resource can be posted before.
func (o *opening) post(err error, took time.Duration) (told <-chan struct{}) {
	return o.registry.post(o.entry, Event{Op: OpCheck, Name: o.entry.name, Duration: took, Err: err})
}

// record logs a change of health.
func (o *opening) record(err error, took time.Duration, changed bool) {
	if !changed {
		return
	}
	failed, _ := errors.AsType[*Error](err)
	level, message := slog.LevelInfo, "healthy again"
	if failed != nil {
		level, message = slog.LevelWarn, "unhealthy"
	}
	o.registry.settings().log(level, message, OpCheck, o.entry.name, failed, slog.Duration("duration", took))
}
