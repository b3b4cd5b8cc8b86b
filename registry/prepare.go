package registry

import (
	"context"
	"errors"
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

// configure calls every Configure and returns all that is wrong.
func (r *Registry) configure(ctx context.Context, rows []row) (errs []error) {
	for _, row := range rows {
		c, ok := row.res.(Configurer)
		if !ok {
			continue
		}
		err := r.configureOne(ctx, row.entry, c)
		if row.optional && errors.Is(err, errBusy) {
			continue // what is in the way is the business of the background, as for Open
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// configureOne gives a Configure the time that an Open has, lest a file on a dead disk keep OpenAll from ending.
func (r *Registry) configureOne(ctx context.Context, e *entry, c Configurer) error {
	ctx, cancel := context.WithTimeout(ctx, r.settings().open)
	defer cancel()
	err := r.within(ctx, grace, e, job{call: func(context.Context) error { return c.Configure() }})
	if err == nil {
		return nil
	}
	kind := classOf(err)
	if kind == "" || kind == KindUnknown {
		kind = KindConfig
	}
	if kind == KindConfig {
		err = fmt.Errorf("%w (not wanted? drop its import, or call registry.Unregister(%q))", err, e.name)
	}
	return &Error{OpConfigure, e.name, kind, err}
}
