package registry

import (
	"sync"
	"time"
)

// opening is a resource from one Open to the Close after it, and the check that may be in flight meanwhile.
// Nothing of it outlives that Close: a check that does is forgotten.
type opening struct {
	registry *Registry
	entry    *entry
	res      Resource // the entry's
	work     func()   // made once: a go statement with a method value or arguments allocates

	mu      sync.Mutex
	phase   phase
	run     *run // what the check in flight belongs to; nil while none is
	began   time.Time
	told    bool // that it is hung is known to everyone who waited
	back    bool // it returned before that
	waiters []waiter
	first   [1]waiter     // where waiters begins: more than one is rare
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
	o := &opening{registry: r, entry: e, res: e.res, health: Pass}
	o.work, o.waiters = o.check, o.first[:0]
	return o
}

// join gives the caller its result, now or when the check in flight has one; it starts the check if none is.
func (o *opening) join(c *call, result *Result, now time.Time) {
	if o.admit(c, result, now) {
		go o.work()
	}
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
		result.Err, result.Duration = o.hungError(), now.Sub(o.began)
		c.answered()
	default:
		o.waiters = append(o.waiters, waiter{c, result})
		if o.phase == idle {
			c.run.begin(now, o.registry.settings().check)
			o.phase, o.run, o.began = running, &c.run, now
			return true
		}
	}
	return false
}

// expires is when the check in flight counts as hung.
func (o *opening) expires() time.Time { return o.began.Add(o.run.limit) }

// leave gives a caller whose context is done the reason for it, unless it has its result. It says whether a check
// that the caller has started is still in flight.
func (o *opening) leave(c *call, reason *Error) (busy bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for k, w := range o.waiters {
		if w.call == c {
			last := len(o.waiters) - 1
			o.waiters[k], o.waiters[last] = o.waiters[last], waiter{}
			o.waiters = o.waiters[:last]
			w.result.Err, w.result.Duration = reason.of(o.entry.name), time.Since(o.began)
			break
		}
	}
	return o.run == &c.run
}

// end makes the resource KindNotOpen for everyone, at once.
func (o *opening) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	if len(o.waiters) > 0 {
		o.deliver(notOpen(o.entry), time.Since(o.began))
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
	o.run.cancel()
	if o.phase == hung {
		return nil
	}
	if o.gone == nil {
		o.gone = make(chan struct{})
	}
	return o.gone
}

func (o *opening) deliver(err error, took time.Duration) {
	for i, w := range o.waiters {
		w.result.Err, w.result.Duration = err, took
		w.call.answered()
		o.waiters[i] = waiter{}
	}
	o.waiters = o.waiters[:0]
}

func (o *opening) rest() {
	o.phase, o.run, o.back = idle, nil, false
	if o.gone != nil {
		close(o.gone)
		o.gone = nil
	}
}
