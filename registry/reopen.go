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
func (r *Registry) reopen(ctx context.Context, o *opener, e *entry, wait time.Duration, last Kind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o.closed {
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.retry = &reopener{row{e, true}, cancel, make(chan struct{})}
	go r.keepOpening(ctx, e.retry, wait, last)
}

func (r *Registry) keepOpening(ctx context.Context, b *reopener, wait time.Duration, last Kind) {
	defer r.retire(b)
	e := b.row.entry
	for n := 2; sleep(ctx, wait); n++ {
		stopped := false
		adopt := func(e *entry, announce func()) {
			r.install(e, announce)
			if stopped = ctx.Err() != nil; stopped {
				e.current.Load().end()
			}
		}
		attempt, cancel := context.WithTimeout(ctx, min(optionalTimeout, r.settings().open))
		err := r.attempt(attempt, e, n, adopt)
		cancel()
		if stopped {
			r.closeStopped(ctx, e)
		}
		if err == nil || ctx.Err() != nil && err.Kind != KindHung {
			return
		}
		wait = backoff(n)
		if err.Kind != last {
			last = err.Kind
			r.logAttempt(e, n, wait, err)
		}
	}
}

// closeStopped closes what was opened after the background had been stopped.
func (r *Registry) closeStopped(ctx context.Context, e *entry) {
	b := r.settings().closingBudget(context.WithoutCancel(ctx), 1)
	defer b.stop()
	_ = r.closeOne(b, e, 0)
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
