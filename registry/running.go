package registry

import (
	"errors"
	"log/slog"
	"time"
)

// check runs one check on its own goroutine; a panic and a runtime.Goexit in it end here.
func (o *opening) check() {
	err := errGoexit
	defer func() { o.finish(err, time.Since(o.began)) }()
	err = contained(OpCheck, o.entry.name, func() error { return o.res.Check(o.run.ctx) })
}

// finish takes what a check has returned to the observers and the log, and then to those who wait.
func (o *opening) finish(err error, took time.Duration) {
	var failed error
	if err != nil {
		failed = newError(OpCheck, o.entry.name, err)
	}
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
	case err != nil && o.run.interrupted():
		o.repeat()
		return
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
// context of the second run is its own, with the time that is left.
func (o *opening) repeat() {
	own := new(run)
	own.begin(o.began, o.run.limit)
	o.run = own
	go func() {
		defer own.end()
		o.check()
	}()
}

// diagnose says whether the resource's health has changed. It must be called with mu held, as deliver and rest.
func (o *opening) diagnose(err error) (changed bool) {
	health := Result{Err: err}.Status()
	changed, o.health = health != o.health, health
	return changed
}

// post tells the observers, if there are any. With mu held, no later event of the resource can be posted before.
func (o *opening) post(err error, took time.Duration) (told <-chan struct{}) {
	if len(o.registry.observerList()) == 0 {
		return nil
	}
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
