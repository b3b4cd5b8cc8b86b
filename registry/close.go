package registry

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// leastShare is what every Close gets, however little time is left.
const leastShare = 250 * time.Millisecond

// closer is a CloseAll under way.
type closer struct {
	done chan struct{}
	err  error // may be read when done is closed
}

// CloseAll closes every open resource, in the reverse of the order in which they were opened. It calls each
// Close whatever the state of ctx, under a context of its own: each gets what is left of ctx less 250ms for
// every resource after it, at most CloseTimeout and at least 250ms (or CloseTimeout, if that is less). One that
// takes longer is abandoned and named in the error, and the next is closed. So CloseAll ends at most 250ms for
// each resource, and 100ms, after ctx.
//
// Before that it cancels an OpenAll under way, the opening in the background and all running checks, and waits
// at most 100ms for those checks. Checks answer KindNotOpen from then on.
//
// The error is nil or a *multierror.Error with an *Error for every Close that failed. A call while another is
// under way waits for that one and returns its error, or the error of its own ctx if that ends first. Closing
// what is closed is nil. After CloseAll, OpenAll can open again.
func (r *Registry) CloseAll(ctx context.Context) error {
	start := time.Now()
	c, first := r.beginClosing()
	if !first {
		select {
		case <-c.done:
			return c.err
		case <-ctx.Done():
			return join([]error{newError(OpClose, all, canceled(ctx))})
		}
	}
	rows := r.sorted()
	silence(r.openAmong(rows))
	r.awaitOpening(ctx, rows)
	c.err = join(r.shut(ctx, start, r.openAmong(rows)))
	r.watchdog.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closing = nil
	close(c.done)
	return c.err
}

// beginClosing makes the caller the one who closes, unless somebody else is at it.
func (r *Registry) beginClosing() (c *closer, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing != nil {
		return r.closing, false
	}
	r.closing, r.opened = &closer{done: make(chan struct{})}, false
	if r.opening != nil {
		r.opening.cancel(errClosing)
	}
	return r.closing, true
}

// awaitOpening stops whoever is opening and waits for them: for as long as ctx can spare, and for a little
// longer than an Open that obeys its context needs.
func (r *Registry) awaitOpening(ctx context.Context, rows []row) {
	patience := max(share(ctx, len(rows), r.settings().close)-leastShare, grace+grace/2)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var ends []<-chan struct{}
	r.mu.Lock()
	if r.opening != nil {
		ends = append(ends, r.opening.done)
	}
	r.mu.Unlock()
	for _, retry := range r.stopRetries(rows) {
		ends = append(ends, retry.done)
	}
	for _, end := range ends {
		select {
		case <-end:
		case <-timer.C:
			return
		}
	}
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

// shut closes the entries in reverse. Checks are silenced before the first Close; start is when the 100ms
// began that their ends, and the returns of calls that obey their context, may take in all.
func (r *Registry) shut(ctx context.Context, start time.Time, entries []*entry) (errs []error) {
	slack := grace - time.Since(start)
	slack -= await(silence(entries), slack)
	for after, e := range slices.Backward(entries) {
		own := share(ctx, after, r.settings().close)
		begun := time.Now()
		if err := r.closeOne(ctx, e, own, min(max(slack, 0), grace/5)); err != nil {
			errs = append(errs, err)
		}
		slack -= max(time.Since(begun)-own, 0)
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

// await waits for all ends, at most patience, and returns how long it took.
func await(ends []<-chan struct{}, patience time.Duration) time.Duration {
	start := time.Now()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for _, end := range ends {
		select {
		case <-end:
		case <-timer.C:
			return time.Since(start)
		}
	}
	return time.Since(start)
}

// share returns the time for one Close when so many more come after it.
func share(ctx context.Context, after int, most time.Duration) time.Duration {
	deadline, limited := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		return min(most, leastShare)
	case !limited:
		return most
	default:
		left := time.Until(deadline) - time.Duration(after)*leastShare
		return min(most, max(left, leastShare))
	}
}

// closeOne closes e within its share. If ctx is cancelled meanwhile, it has the least share from then on.
func (r *Registry) closeOne(ctx context.Context, e *entry, share, patience time.Duration) error {
	live, cancel := context.WithTimeout(context.WithoutCancel(ctx), share)
	defer cancel()
	if ctx.Err() == nil {
		hurry := context.AfterFunc(ctx, func() { time.AfterFunc(leastShare, cancel) })
		defer hurry()
	}
	start := time.Now()
	err := r.within(live, patience, e, e.res.Close, func(error) {})
	r.mu.Lock()
	e.current.Store(nil)
	e.turn = 0
	r.mu.Unlock()
	return r.closed(e, start, err)
}

// closeLate closes what an abandoned Open has opened after all. The entry stays busy meanwhile.
func (r *Registry) closeLate(e *entry, err error) {
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.settings().close)
	defer cancel()
	start := time.Now()
	_ = r.closed(e, start, contain(func() error { return e.res.Close(ctx) }))
}

// closed records the end of one Close.
func (r *Registry) closed(e *entry, start time.Time, err error) error {
	event := Event{Op: OpClose, Name: e.name, Duration: time.Since(start)}
	duration := slog.Duration("duration", event.Duration)
	if err == nil {
		r.settings().log(slog.LevelInfo, "closed", OpClose, e.name, nil, duration)
		r.tell(e, event, grace)
		return nil
	}
	failed := newError(OpClose, e.name, err)
	if failed.Kind == KindHung {
		failed.Err = fmt.Errorf("abandoned after %v: %w", event.Duration.Round(time.Millisecond), failed.Err)
	}
	event.Err = failed
	r.settings().log(slog.LevelWarn, "close failed", OpClose, e.name, failed, duration)
	r.tell(e, event, grace)
	return failed
}
