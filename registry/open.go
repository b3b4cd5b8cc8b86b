package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

var errClosing = fmt.Errorf("%w: CloseAll was called", context.Canceled)

// opener is an OpenAll under way. Its rows are guarded by the registry's mu.
type opener struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
	rows   []row // what it opens, in order
	taken  []row // what was being opened in the background
}

// OpenAll opens every resource that is not open: it calls each Configure, then each Open, in order. An Open
// that fails with a retryable [Kind] is tried again, after random waits that grow from 100ms to 5s, until
// OpenTimeout has passed or ctx is done; any other failure is final. At the first final failure everything that
// this call has opened is closed in reverse, within CloseTimeout and whatever the state of ctx.
//
// A resource that SetOptional names gets one attempt of at most 5s. If it fails, OpenAll goes on, and the
// resource is opened in the background, with the same waits, until that succeeds or CloseAll is called. Bad
// configuration is fatal for it, too.
//
// OpenAll returns nil when all are open, and ends Drain. Otherwise the error is a *multierror.Error of *Error:
// what did not open, and what did not close after that. Concurrent calls run one after the other; CloseAll
// cancels a call under way. ctx bounds the opening alone: what is open stays open when ctx ends.
func (r *Registry) OpenAll(ctx context.Context) error {
	ctx, o, err := r.beginOpening(ctx)
	if err != nil {
		return join([]error{newError(OpOpen, all, err)})
	}
	defer r.endOpening(o)
	r.readSettings()
	r.expire()
	errs := r.open(ctx, o)
	if len(errs) == 0 && !r.succeed() {
		errs = []error{newError(OpOpen, all, errClosing)}
	}
	if len(errs) > 0 {
		errs = append(errs, r.rollBack(ctx, o)...)
	}
	return join(errs)
}

// beginOpening waits until no other OpenAll or CloseAll is under way.
func (r *Registry) beginOpening(ctx context.Context) (context.Context, *opener, error) {
	for {
		r.mu.Lock()
		var turn <-chan struct{}
		switch {
		case r.closing != nil:
			turn = r.closing.done
		case r.opening != nil:
			turn = r.opening.done
		default:
			ctx, cancel := context.WithCancelCause(ctx)
			r.opening = &opener{cancel: cancel, done: make(chan struct{})}
			defer r.mu.Unlock()
			return ctx, r.opening, nil
		}
		r.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			return nil, nil, canceled(ctx)
		}
	}
}

func (r *Registry) endOpening(o *opener) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o.cancel(nil)
	r.opening = nil
	close(o.done)
}

// wants says whether an OpenAll under way is going to open e. It must be called with mu held.
func (o *opener) wants(e *entry) bool {
	return o != nil && slices.ContainsFunc(o.rows, func(row row) bool { return row.entry == e })
}

// open does what OpenAll promises, short of undoing it.
func (r *Registry) open(ctx context.Context, o *opener) []error {
	rows := r.sorted()
	if errs := r.unknownNames(); len(errs) > 0 {
		return errs
	}
	if len(rows) == 0 && r == Default() {
		return []error{&Error{OpOpen, all, KindConfig, errors.New("nothing is registered (forgotten import?)")}}
	}
	if errs := r.prepare(rows, o); len(errs) > 0 {
		return errs
	}
	if len(o.rows) == 0 {
		return nil
	}
	if errs := configure(o.rows); len(errs) > 0 {
		return errs
	}
	r.logOrder(rows)
	for _, row := range o.rows {
		if err := r.openRow(ctx, row); err != nil {
			return []error{err}
		}
	}
	return nil
}

// prepare takes the opening of optional resources over from the background, and decides what to open. A
// required resource whose last Open or Close has still not returned is an error at once.
func (r *Registry) prepare(rows []row, o *opener) (errs []error) {
	for _, retry := range r.stopRetries(rows) {
		<-retry.done
		o.taken = append(o.taken, retry.row)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, row := range rows {
		if row.current.Load() != nil {
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
func configure(rows []row) (errs []error) {
	for _, row := range rows {
		c, ok := row.res.(Configurer)
		if !ok {
			continue
		}
		err := contain(c.Configure)
		if err == nil {
			continue
		}
		kind := KindOf(err)
		if kind == KindUnknown {
			kind = KindConfig
		}
		hint := fmt.Errorf("%w (not wanted? drop its import, or call registry.Unregister(%q))", err, row.name)
		errs = append(errs, &Error{OpConfigure, row.name, kind, hint})
	}
	return errs
}

func (r *Registry) logOrder(rows []row) {
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.name
	}
	r.settings().log(slog.LevelInfo, "opening resources", OpOpen, all, nil, slog.Any("order", names))
}

func (r *Registry) openRow(ctx context.Context, row row) *Error {
	if row.optional {
		return r.openOptional(ctx, row.entry)
	}
	return r.openRequired(ctx, row.entry)
}

// adopt makes e open. Checks of it are answered from now on, unless CloseAll has been called.
func (r *Registry) adopt(e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.install(e)
}

// install is adopt for those who hold mu.
func (r *Registry) install(e *entry) {
	if e.turn == 0 {
		r.turns++
		e.turn = r.turns
	}
	current := newOpening(r, e)
	if r.closing != nil {
		current.end()
	}
	e.current.Store(current)
}

// succeed marks the registry as opened, unless CloseAll has been called.
func (r *Registry) succeed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing != nil {
		return false
	}
	r.opened = true
	r.draining.Store(false)
	return true
}

// rollBack closes what o has opened and puts the background back to work that o took over.
func (r *Registry) rollBack(ctx context.Context, o *opener) []error {
	live, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.settings().close)
	defer cancel()
	for _, retry := range r.stopRetries(o.rows) {
		<-retry.done
	}
	errs := r.shut(live, time.Now(), r.openAmong(o.rows))
	r.mu.Lock()
	for _, row := range o.rows {
		if row.current.Load() == nil {
			row.turn = 0
		}
	}
	r.mu.Unlock()
	if r.Opened() {
		for _, row := range o.taken {
			r.reopen(ctx, row.entry, backoff(1), "")
		}
	}
	return errs
}
