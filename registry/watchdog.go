package registry

import (
	"sync"
	"sync/atomic"
	"time"
)

// watchdog notices the checks whose time is up. One timer serves them all: it is set for the check that expires
// first, and left alone while checks come and go; so a check that returns in time costs no timer.
type watchdog struct {
	next atomic.Int64 // when the timer fires, in Unix nanoseconds; 0 while it is not set

	mu    sync.Mutex
	timer *time.Timer
	at    time.Time
}

// expect makes sure that the watchdog looks at the checks at that time, or before.
func (w *watchdog) expect(r *Registry, at time.Time) {
	if next := w.next.Load(); next == 0 || next > at.UnixNano() {
		w.set(r, at)
	}
}

func (w *watchdog) set(r *Registry, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		if !at.Before(w.at) {
			return
		}
		w.timer.Stop()
	}
	w.at = at
	w.timer = time.AfterFunc(time.Until(at), r.expire)
	w.next.Store(at.UnixNano())
}

func (w *watchdog) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
	w.timer = nil
	w.next.Store(0)
}

// expire declares the checks hung whose time is up, and sets the watchdog for the next.
func (r *Registry) expire() {
	r.watchdog.stop()
	now := time.Now()
	var first time.Time
	for _, row := range r.sorted() {
		if current := row.current.Load(); current != nil {
			if next := current.expire(now); !next.IsZero() && (first.IsZero() || next.Before(first)) {
				first = next
			}
		}
	}
	if !first.IsZero() {
		r.watchdog.set(r, first)
	}
}
