package registry

import (
	"context"
	"fmt"
	"time"
)

// closer is a CloseAll under way.
type closer struct {
	shut chan struct{} // closed when every Close has returned or is abandoned
	done chan struct{} // closed when CloseAll returns
	err  error         // may be read when done is closed
}

// CloseAll closes every open resource, in the reverse of the order in which they were opened. It calls each
// Close whatever the state of ctx, under a context of its own. The time for all ends with ctx, or after CloseTimeout
// if ctx has no deadline. Each Close gets half of what is left of it, the last one all, and each at least 250ms; what
// one does not use is there for the next. The context of a Close ends 100ms before its share of the time does. One
// that takes longer than its share is abandoned and named in the error, and the next is closed. So CloseAll ends at
// most 250ms for each resource, and 100ms, after the time is over.
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

// awaitOpening stops whoever is opening and waits until nothing more is going to be opened: for half of the time that
// is left, and at least for a little longer than an Open that obeys its context needs.
func (r *Registry) awaitOpening(b *budget, rows []row) *opener {
	const enough = grace + grace/2
	timer := time.NewTimer(max(b.left()/2, enough))
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
