package registry

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/vibework/mooring/registry/internal/budget"
	"github.com/vibework/mooring/registry/internal/wait"
)

// CloseAll closes what is open, whoever has opened it, and keeps within its time whatever the resources do. A roll-back
// is the same for what one OpenAll has opened, in a time of its own. How the time is shared out is the budget's
// business.

// CloseAll closes every open resource, in the reverse of the order in which they were opened; those that SetStages
// opened at the same time are closed at the same time. It calls each Close whatever the state of ctx, under a context
// of its own. The time for all ends with ctx, or after CloseTimeout if ctx has no deadline. Each stage gets half of
// what is left of it, the last one all, and each at least 250ms; what one does not use is there for the next. The
// context of a Close ends 100ms before its share of the time does. A Close that takes longer than its share is
// abandoned and named in the error, and the next stage is closed. So CloseAll ends at most 250ms for each stage, and
// 100ms, after the time is over.
//
// Before that it cancels every OpenAll under way, the opening in the background and all running checks, and waits at
// most 100ms for those checks. Checks answer KindNotOpen from the beginning. In the end it gives the observers at most
// 100ms for the events that wait.
//
// A program calls it once, at its end. The deadline of ctx is when the program has to have ended. Do not pass a context
// that the signal to stop has cancelled: it would leave each stage 250ms.
//
// The error is nil, or [Errors] of it are an *Error for every Close that failed. A call while another is under way
// waits for that one and returns its error, or the error of its own ctx if that ends first. Closing what is closed is
// nil. After CloseAll, OpenAll can open again.
func (r *Registry) CloseAll(ctx context.Context) error {
	c, before, first := r.beginClose()
	if !first {
		if !wait.For(ctx, c.done) {
			return joinAll(OpClose, fmt.Errorf("stopped waiting for the CloseAll under way: %w", cause(ctx)))
		}
		return join(c.unclosed)
	}
	defer r.leave(c)
	b := budget.Until(ctx, r.applied().Close, len(r.current().stages))
	stages := r.openStages(nil)
	endSessions(stages, true)
	others, cancel := b.Before(len(stages))
	defer cancel()
	wait.For(others, r.stopBackground())
	for _, other := range before {
		if wait.For(others, other.done) { // if not, what is open is closed all the same: what an Open that hangs has opened
			c.unclosed = append(c.unclosed, other.unclosed...)
		}
	}
	closeStages(b, c, r.openStages(nil))
	r.flush(b.Patience(budget.Margin, 0))
	return join(c.unclosed)
}

// beginClose makes the caller the one who closes, unless somebody else is at it, and returns what it has cancelled:
// every OpenAll under way. From here on nothing is open for a check.
func (r *Registry) beginClose() (c *run, before []*run, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c = r.closing.Load()
	for _, run := range r.runs {
		if run != c {
			run.closed.Store(true)
			run.cancel(errClosing)
		}
	}
	if c != nil {
		return c, nil, false
	}
	c, before = &run{done: make(chan struct{})}, slices.Clone(r.runs)
	r.runs = append(r.runs, c)
	r.closing.Store(c)
	r.opened.Store(false)
	return c, before, true
}

// rollBack closes what the run has opened, and leaves to a CloseAll under way what it has not closed by then. Its
// context has only the values of ctx, which is often done by now. What it could not close is kept for a CloseAll that
// waits for it: that one found nothing to close, and must not return nil.
//
// It does not cancel the checks under way, unlike CloseAll: they share a context with those of resources that stay
// open.
func (r *Registry) rollBack(ctx context.Context, run *run) {
	stages := r.openStages(run)
	closeStages(budget.Within(ctx, r.applied().Close, len(stages)), run, stages)
}

// openStages returns the entries that are open or being closed, of those that the run is for, in the stages in which
// they were opened; nil means all entries. The stages are those of opening and not the ones that are set: SetStages may
// have been called since.
func (r *Registry) openStages(by *run) (stages [][]*entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	opened := make(map[int][]*entry)
	for _, e := range r.entries {
		if e.session.Load() != nil && (by == nil || slices.Contains(by.entries, e)) {
			opened[e.stage] = append(opened[e.stage], e)
		}
	}
	for _, stage := range slices.Sorted(maps.Keys(opened)) {
		stages = append(stages, opened[stage])
	}
	return stages
}

// endSessions makes the entries not open for every caller, at once. It returns what closes when their checks have
// returned, nil for one that is hung or has no check in flight. A Close is better off without a check beside it, and so
// they are waited for, but never for long.
func endSessions(stages [][]*entry, cancel bool) (returned []<-chan struct{}) {
	for _, e := range slices.Concat(stages...) {
		if s := e.session.Load(); s != nil {
			returned = append(returned, s.Close(cancel))
		}
	}
	return returned
}

// closeStages ends the sessions and closes the stages of a run in reverse, until somebody else takes over: a CloseAll,
// which closes the rest in the time that its own caller gives it. Each Close has the share of its stage, or less where
// SetTimeouts says so. Its context ends before the share does: what is left is for Close to return, with an error that
// says what was lost.
func closeStages(b *budget.Budget, run *run, stages [][]*entry) {
	wait.All(b.Patience(budget.Margin, len(stages)), endSessions(stages, false)...)
	for after, entries := range slices.Backward(stages) {
		if run.closed.Load() {
			break
		}
		share := b.Share(after)
		run.unclosed = append(run.unclosed, wait.AtOnce(entries, func(e *entry) *Error {
			ctx, margin, cancel := b.Context(min(share, cmp.Or(e.limits.Load().Close, share)))
			defer cancel()
			return e.do(ctx, Event{Op: OpClose}, open, margin, e.res.Close)
		})...)
	}
}
