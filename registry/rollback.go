package registry

import (
	"context"
	"slices"
)

// rollBack closes what o has opened, or leaves that to a CloseAll under way, and puts the background back to
// work that o took over.
func (r *Registry) rollBack(ctx context.Context, o *opener) []error {
	for _, retry := range r.stopRetries(o.rows) {
		<-retry.done
	}
	r.leaveToCloseAll()
	open := r.openAmong(o.rows)
	b := r.settings().rollBackBudget(ctx, len(open))
	defer b.stop()
	errs := r.shut(b, open)
	for _, row := range r.forget(o) {
		r.reopen(ctx, o, row.entry, backoff(1), "")
	}
	return errs
}

// leaveToCloseAll waits until a CloseAll under way has closed everything: it has a time of its own for that.
func (r *Registry) leaveToCloseAll() {
	r.mu.Lock()
	c := r.closing
	r.mu.Unlock()
	if c != nil {
		<-c.shut
	}
}

// forget takes their places from what o has not opened, except from what goes back to the background: it
// returns that.
func (r *Registry) forget(o *opener) (taken []row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.opened {
		taken = o.taken
	}
	for _, row := range o.rows {
		if !slices.ContainsFunc(taken, row.same) {
			row.turn = 0
		}
	}
	return taken
}
