package registry

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// closer is a CloseAll under way.
type closer struct {
	shut chan struct{} // closed when every Close has returned or is abandoned
	done chan struct{} // closed when CloseAll returns
	err  error         // may be read when done is closed
}

// CloseAll closes every open resource, in the reverse of the order in which they were opened. It calls each
// Close whatever the state of ctx, under a context of its own: each gets what is left of ctx less 250ms for
// every resource after it, at most CloseTimeout and at least 250ms (or CloseTimeout, if that is less). One that
// takes longer is abandoned and named in the error, and the next is closed. So CloseAll ends at most 250ms for
// each resource, and 100ms, after ctx.
//
// Before that it cancels every OpenAll under way, the opening in the background and all running checks, and
// waits at most 100ms for those checks. Checks answer KindNotOpen from then on.
//
// The error is nil or a *multierror.Error with an *Error for every Close that failed. A call while another is
// under way waits for that one and returns its error, or the error of its own ctx if that ends first. Closing
// what is closed is nil. After CloseAll, OpenAll can open again.
func (r *Registry) CloseAll(ctx context.Context) error {
	c, first := r.beginClosing()
	if !first {
		return c.wait(ctx)
	}
	defer r.endClosing(c)
	rows := r.sorted()
	b := r.settings().closingBudget(ctx, len(rows))
	defer b.stop()
	silence(r.openAmong(rows))
	o := r.awaitOpening(b, rows)
	c.err = join(r.shut(b, r.openAmong(rows)))
	close(c.shut)
	if o != nil {
		await([]<-chan struct{}{o.done}, b.patience(grace, 0))
	}
	return c.err
}

// wait waits for a CloseAll that somebody else has called.
func (c *closer) wait(ctx context.Context) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		err := fmt.Errorf("stopped waiting for the CloseAll under way: %w", canceled(ctx))
		return join([]error{newError(OpClose, all, err)})
	}
}

// beginClosing makes the caller the one who closes, unless somebody else is at it.
func (r *Registry) beginClosing() (c *closer, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closings++
	if r.closing != nil {
		return r.closing, false
	}
	r.closing, r.opened = &closer{shut: make(chan struct{}), done: make(chan struct{})}, false
	if r.opening != nil {
		r.opening.closed = true
		r.opening.cancel(errClosing)
	}
	return r.closing, true
}

func (r *Registry) endClosing(c *closer) {
	r.watchdog.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		if e.current.Load() == nil {
			e.turn = 0
		}
	}
	r.closing = nil
	close(c.done)
}

// awaitOpening stops whoever is opening and waits until nothing more is going to be opened: for as long as ctx
// can spare, and for a little longer than an Open that obeys its context needs.
func (r *Registry) awaitOpening(b *budget, rows []row) *opener {
	const enough = grace + grace/2
	timer := time.NewTimer(max(b.share(len(rows))-b.least, enough))
	defer timer.Stop()
	defer context.AfterFunc(b.ctx, func() { timer.Reset(enough) })()
	r.mu.Lock()
	o := r.opening
	r.mu.Unlock()
	var ends []<-chan struct{}
	if o != nil {
		ends = append(ends, o.settled)
	}
	for _, retry := range r.stopRetries(rows) {
		ends = append(ends, retry.done)
	}
	for _, end := range ends {
		select {
		case <-end:
		case <-timer.C:
			return o
		}
	}
	return o
}

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
	live, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), b.share(after))
	defer cancel()
	if b.ctx.Err() == nil {
		hurry := context.AfterFunc(b.ctx, func() { time.AfterFunc(b.least, cancel) })
		defer hurry()
	}
	start := time.Now()
	r.mu.Lock()
	if e.current.Load() == nil { // somebody else has just closed it
		r.mu.Unlock()
		return nil
	}
	t, err := r.start(live, e, job{call: e.res.Close, ended: func(error) { e.current.Store(nil) }})
	r.mu.Unlock()
	if err != nil {
		return e.alongside(live, t)
	}
	err = r.outcome(live, e, t, func() time.Duration { return b.patience(grace/5, after) })
	told, failed := r.closed(e, start, err)
	hearOut(told, b.patience(grace, after))
	return failed
}

// alongside waits until somebody else has closed e.
func (e *entry) alongside(ctx context.Context, t *task) error {
	select {
	case <-t.done:
		if t.err == nil {
			return nil
		}
		return newError(OpClose, e.name, t.err)
	case <-ctx.Done():
		return newError(OpClose, e.name, errBusy)
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
	told, _ := r.closed(e, start, contain(func() error { return e.res.Close(ctx) }))
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
