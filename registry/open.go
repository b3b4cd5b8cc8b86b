package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

var errClosing = fmt.Errorf("%w: CloseAll was called", context.Canceled)

// opener is an OpenAll under way. Its rows, and closed, are guarded by the registry's mu.
type opener struct {
	cancel  context.CancelCauseFunc
	settled chan struct{} // closed when it opens nothing more
	done    chan struct{} // closed when OpenAll returns
	rows    []row         // what it opens, in order
	taken   []row         // what of that was being opened in the background
	closed  bool          // CloseAll was called
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
// OpenAll ends an earlier Drain when it begins, and returns nil when all are open. Otherwise the error is a
// *multierror.Error of *Error: what did not open, and what did not close after that. Concurrent calls run one
// after the other. CloseAll cancels those under way, and closes what they have opened. ctx bounds the opening
// alone: what is open stays open when ctx ends.
func (r *Registry) OpenAll(ctx context.Context) error {
	r.draining.Store(false) // now, not in the end: a Drain that comes meanwhile has to last
	ctx, o, err := r.beginOpening(ctx)
	if err != nil {
		return join([]error{newError(OpOpen, all, err)})
	}
	defer r.endOpening(o)
	r.readSettings()
	errs := r.open(ctx, o)
	if len(errs) == 0 && !r.succeed(o) {
		errs = []error{newError(OpOpen, all, errClosing)}
	}
	close(o.settled)
	if len(errs) > 0 {
		errs = append(errs, r.rollBack(ctx, o)...)
	}
	return join(errs)
}

// beginOpening waits until no other OpenAll or CloseAll is under way. A CloseAll that comes after it ends that.
func (r *Registry) beginOpening(ctx context.Context) (context.Context, *opener, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	closings := r.closings
	for r.closing != nil || r.opening != nil {
		var turn <-chan struct{}
		if r.closing != nil {
			turn = r.closing.done
		} else {
			turn = r.opening.done
		}
		r.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
		}
		var stopped error
		if ctx.Err() != nil { // its cause may be the program's own: it is read while no lock is held
			stopped = fmt.Errorf("stopped waiting for an earlier OpenAll or CloseAll: %w", canceled(ctx))
		}
		r.mu.Lock()
		if r.closings != closings {
			return nil, nil, errClosing
		}
		if stopped != nil {
			return nil, nil, stopped
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r.opening = &opener{cancel: cancel, settled: make(chan struct{}), done: make(chan struct{})}
	return ctx, r.opening, nil
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
	return o != nil && slices.ContainsFunc(o.rows, row{entry: e}.same)
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
	if errs := r.configure(ctx, o.rows); len(errs) > 0 {
		return errs
	}
	r.logOrder(rows)
	for _, row := range o.rows {
		if err := r.openRow(ctx, o, row); err != nil {
			return []error{err}
		}
	}
	return nil
}

func (r *Registry) logOrder(rows []row) {
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.name
	}
	r.settings().log(slog.LevelInfo, "opening resources", OpOpen, all, nil, slog.Any("order", names))
}

func (r *Registry) openRow(ctx context.Context, o *opener, row row) *Error {
	if row.optional {
		return r.openOptional(ctx, o, row.entry)
	}
	return r.openRequired(ctx, row.entry)
}

// install makes e open: checks of it are answered from now on, unless CloseAll has been called, and none of them is
// announced before the opening is. It must be called with mu held.
func (r *Registry) install(e *entry, announce func()) {
	current := newOpening(r, e)
	current.mu.Lock()
	defer current.mu.Unlock()
	current.ended = r.closing != nil
	e.failure.Store(nil)
	e.current.Store(current)
	announce()
}

// succeed marks the registry as opened, unless CloseAll has been called.
func (r *Registry) succeed(o *opener) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o.closed {
		return false
	}
	r.opened = true
	return true
}
