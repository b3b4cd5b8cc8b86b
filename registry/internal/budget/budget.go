// Package budget is the arithmetic of the time that closing has.
//
// Closing happens in stages, one after the other. A stage gets half of the time that is left, and the last stage
// all of it; what a stage does not use is there for those after it. However little is left, a stage gets a least
// share.
//
// Half, and not an equal share for each: a stage that hangs then leaves the others as much as it had, and one that
// works for long, to deliver what was accepted, has time for it wherever it stands in the order.
//
// All bounds follow from one: with n stages the last ends at most n least shares and a Margin after the end. Whatever
// is done besides, such as waiting for checks, takes from what those leave over.
package budget

import (
	"context"
	"sync"
	"time"
)

const (
	// Least is the least share of a stage of a CloseAll.
	Least = 250 * time.Millisecond
	// Margin is what remains of a share when the context of its stage ends: time to say what was lost.
	Margin = 100 * time.Millisecond
)

// Budget is the time for closing a number of stages. It is safe for concurrent use.
type Budget struct {
	ctx    context.Context
	least  time.Duration // for a stage
	rest   time.Duration // after the end, beside the least shares
	stages int

	mu  sync.Mutex
	end time.Time
}

// Until returns a budget that ends with ctx, or after so long if ctx has no deadline. A deadline that has passed is
// one that passes now: who comes late gets the least shares whole, and not what a clock that ran meanwhile has left of
// them. Closing so many stages ends at most a least share for each, and Margin, after the end.
func Until(ctx context.Context, otherwise time.Duration, stages int) *Budget {
	left := otherwise
	if end, limited := ctx.Deadline(); limited {
		left = max(0, time.Until(end))
	}
	return &Budget{ctx: ctx, end: time.Now().Add(left), least: Least, rest: Margin, stages: stages}
}

// Within returns a budget in which so many stages end after so long, least shares included: the end comes that much
// earlier, and a total that is too small for the usual least shares has smaller ones. Its contexts have the values of
// ctx and nothing else of it.
func Within(ctx context.Context, total time.Duration, stages int) *Budget {
	rest := min(Margin, total/2)
	least := min(Least, (total-rest)/time.Duration(max(stages, 1)))
	end := time.Now().Add(total - rest - time.Duration(stages)*least)
	return &Budget{ctx: context.WithoutCancel(ctx), end: end, least: least, rest: rest, stages: stages}
}

// Left returns the time before the end; it is negative after it. The first call after the budget's context is cancelled
// brings the end forward: whoever cancels is in a hurry.
func (b *Budget) Left() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); b.ctx.Err() != nil && now.Before(b.end) {
		b.end = now
	}
	return time.Until(b.end)
}

// Share returns the time of a stage when so many stages come after it.
func (b *Budget) Share(after int) time.Duration {
	left := b.Left()
	if after > 0 {
		left /= 2
	}
	return max(b.least, left)
}

// Patience returns how long to wait for something besides the stages when so many are still to come: most, or what
// there is beyond their least shares.
func (b *Budget) Patience(most time.Duration, after int) time.Duration {
	beyond := time.Duration(b.stages-after)*b.least + b.rest
	return max(0, min(most-beyond, b.Left())+beyond) // in this order, since there may be all the time in the world
}

// Context returns the context for a share, and how much of the share remains when it ends. When the budget's own
// context ends first, the context lives on for a least share: a Close that is under way still has time to save what
// it can.
func (b *Budget) Context(share time.Duration) (_ context.Context, margin time.Duration, cancel context.CancelFunc) {
	margin = min(Margin, share*2/5) // of a tiny share most is for the work
	ctx, cancel := b.bounded(share-margin, b.least-margin)
	return ctx, margin, cancel
}

// Before returns a context for what has to end before the first of so many stages. It lasts half of the time that is
// left; also with no time left it lasts as long as a call needs that obeys the end of its context, Margin and a half.
func (b *Budget) Before(stages int) (context.Context, context.CancelFunc) {
	const obeying = Margin + Margin/2
	return b.bounded(max(b.Left()/2, b.Patience(obeying, stages)), obeying)
}

// bounded returns a context that ends after most. When the budget's own context ends while it lasts, it ends that much
// later, and the budget's time ends at once.
func (b *Budget) bounded(most, later time.Duration) (context.Context, context.CancelFunc) {
	ctx, end := context.WithTimeout(context.WithoutCancel(b.ctx), most)
	if b.ctx.Err() != nil {
		return ctx, end
	}
	forget := context.AfterFunc(b.ctx, func() {
		b.Left()
		time.AfterFunc(later, end)
	})
	return ctx, func() {
		forget()
		end()
	}
}
