package registry

import (
	"context"
	"fmt"
)

// prepare takes the opening of optional resources over from the background, and decides what to open. A
// required resource whose last Open or Close has still not returned is an error at once.
func (r *Registry) prepare(rows []row, o *opener) (errs []error) {
	taken := r.stopRetries(rows)
	for _, retry := range taken {
		<-retry.done
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, retry := range taken {
		if retry.row.current.Load() == nil {
			o.taken = append(o.taken, retry.row)
		}
	}
	for _, row := range rows {
		if row.current.Load() != nil || r.byName[row.name] != row.entry {
			continue
		}
		if row.task != nil && !row.optional {
			errs = append(errs, newError(OpOpen, row.name, errBusy))
		}
		if row.turn == 0 {
			r.turns++
			row.turn = r.turns
		}
		o.rows = append(o.rows, row)
	}
	return errs
}

// configure calls every Configure and returns all that is wrong. What is in the way of an optional resource is the
// business of the background, as for Open.
func (r *Registry) configure(ctx context.Context, rows []row) (errs []error) {
	for _, row := range rows {
		c, ok := row.res.(Configurer)
		if !ok || row.optional && r.busy(row.entry) {
			continue
		}
		if err := r.configureOne(ctx, row.entry, c); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// busy reports whether a call of e has not returned yet.
func (r *Registry) busy(e *entry) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return e.task != nil
}

// configureOne gives a Configure the time that an Open has, lest a file on a dead disk keep OpenAll from ending.
func (r *Registry) configureOne(ctx context.Context, e *entry, c Configurer) error {
	ctx, cancel := context.WithTimeout(ctx, r.settings().open)
	defer cancel()
	err := r.within(ctx, grace, e, job{op: OpConfigure, call: func(context.Context) error { return c.Configure() }})
	if err == nil {
		return nil
	}
	failed := newError(OpConfigure, e.name, err)
	if failed.Kind == KindConfig {
		hint := fmt.Errorf("%w (not wanted? drop its import, or call registry.Unregister(%q))", failed.Err, e.name)
		return &Error{OpConfigure, e.name, KindConfig, hint}
	}
	return failed
}
