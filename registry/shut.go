package registry

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// openAmong returns those of the rows that are open, in the order in which they were opened.
func (r *Registry) openAmong(rows []row) []*entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	var open []*entry
	for _, row := range rows {
		if row.current.Load() != nil {
			open = append(open, row.entry)
		}
	}
	slices.SortFunc(open, func(a, b *entry) int { return a.turn - b.turn })
	return open
}

// shut closes the entries in reverse, after their checks have ended or had their 100ms to.
func (r *Registry) shut(b *budget, entries []*entry) (errs []error) {
	await(silence(entries), min(grace-time.Since(b.began), b.spare(len(entries))/5*4))
	for after, e := range slices.Backward(entries) {
		if err := r.closeOne(b, e, after); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// silence ends the checks of the entries for all callers and returns what closes when they have returned.
func silence(entries []*entry) (ends []<-chan struct{}) {
	for _, e := range entries {
		if current := e.current.Load(); current != nil {
			current.end()
		}
	}
	for _, e := range entries {
		if current := e.current.Load(); current != nil {
			if end := current.interrupt(); end != nil {
				ends = append(ends, end)
			}
		}
	}
	return ends
}

// await waits for all ends, at most patience.
func await(ends []<-chan struct{}, patience time.Duration) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for _, end := range ends {
		select {
		case <-end:
		case <-timer.C:
			return
		}
	}
}

// closeOne closes e within its share when so many more come after it. If the budget's context is cancelled
// meanwhile, it has the least share from then on.
func (r *Registry) closeOne(b *budget, e *entry, after int) error {
	share := b.share(after)
	late := margin(share)
	live, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), share-late)
	defer cancel()
	if b.ctx.Err() == nil {
		hurry := context.AfterFunc(b.ctx, func() { time.AfterFunc(b.least-late, cancel) })
		defer hurry()
	}
	start := time.Now()
	r.mu.Lock()
	if e.current.Load() == nil { // somebody else has just closed it
		r.mu.Unlock()
		return nil
	}
	t, err := r.start(live, e, job{op: OpClose, call: e.res.Close, ended: func(error) { e.current.Store(nil) }})
	r.mu.Unlock()
	if err != nil {
		return e.alongside(live, t, late)
	}
	err = r.outcome(live, e, t, late)
	told, failed := r.closed(e, start, err)
	hearOut(told, b.patience(grace, after))
	return failed
}

// alongside waits until somebody else has closed e.
func (e *entry) alongside(ctx context.Context, t *task, patience time.Duration) error {
	switch {
	case !t.returns(ctx, patience):
		return newError(OpClose, e.name, errBusy)
	case t.err == nil:
		return nil
	default:
		return newError(OpClose, e.name, t.err)
	}
}

// closeLate closes what an abandoned Open has opened after all. The entry stays busy meanwhile.
func (r *Registry) closeLate(e *entry, err error) {
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.settings().close)
	defer cancel()
	start := time.Now()
	told, _ := r.closed(e, start, apart(OpClose, e.name, func() error { return e.res.Close(ctx) }))
	hearOut(told, grace)
}

// closed records the end of one Close, and returns its error as an *Error.
func (r *Registry) closed(e *entry, start time.Time, err error) (told <-chan struct{}, failed error) {
	event := Event{Op: OpClose, Name: e.name, Duration: time.Since(start)}
	duration := slog.Duration("duration", event.Duration)
	if err == nil {
		r.settings().log(slog.LevelInfo, "closed", OpClose, e.name, nil, duration)
		return r.post(e, event), nil
	}
	cause := newError(OpClose, e.name, err)
	event.Err = cause
	r.settings().log(slog.LevelWarn, "close failed", OpClose, e.name, cause, duration)
	return r.post(e, event), cause
}
