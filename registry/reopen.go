package registry

import (
	"context"
	"time"
)

// reopener opens an optional resource in the background.
type reopener struct {
	row    row
	cancel context.CancelFunc
	done   chan struct{}
}

// stop ends the attempts; one that is under way gets the grace that any Open gets.
func (b *reopener) stop() {
	if b != nil {
		b.cancel()
	}
}

// reopen tries again and again, first after wait, until e is open or somebody stops it. It keeps the values of
// ctx and nothing else. Every kind of failure is worth another attempt: a password may be repaired.
func (r *Registry) reopen(ctx context.Context, e *entry, wait time.Duration, last Kind) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	b := &reopener{row{e, true}, cancel, make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing != nil {
		cancel()
		return
	}
	e.retry = b
	go r.keepOpening(ctx, b, wait, last)
}

func (r *Registry) keepOpening(ctx context.Context, b *reopener, wait time.Duration, last Kind) {
	defer r.retire(b)
	e := b.row.entry
	for n := 2; sleep(ctx, wait); n++ {
		attempt, cancel := context.WithTimeout(ctx, min(optionalTimeout, r.settings().open))
		stopped := false
		err := r.attempt(attempt, e, n, func(e *entry) { stopped = !r.adoptLate(ctx, e) })
		cancel()
		if stopped {
			_ = r.closeOne(context.WithoutCancel(ctx), e, r.settings().close, 0)
		}
		if err == nil {
			return
		}
		wait = backoff(n)
		if err.Kind != last {
			last = err.Kind
			r.logAttempt(e, n, wait, err)
		}
	}
}

// adoptLate makes e open unless the background has been stopped.
func (r *Registry) adoptLate(ctx context.Context, e *entry) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	r.install(e)
	return true
}

func (r *Registry) retire(b *reopener) {
	b.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if b.row.retry == b {
		b.row.retry = nil
	}
	close(b.done)
}

// stopRetries stops the background for these resources and returns what has yet to end.
func (r *Registry) stopRetries(rows []row) (stopped []*reopener) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range rows {
		if row.retry != nil {
			row.retry.stop()
			stopped = append(stopped, row.retry)
		}
	}
	return stopped
}
