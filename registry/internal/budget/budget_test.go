package budget_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry/internal/budget"
)

func TestAStageGetsHalfOfWhatIsLeftAndTheLastAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.Until(t.Context(), 16*time.Second, 3)
		for after, want := range map[int]time.Duration{2: 8 * time.Second, 1: 8 * time.Second, 0: 16 * time.Second} {
			if got := b.Share(after); got != want {
				t.Errorf("%d stages to come: %v, want %v", after, got, want)
			}
		}
		<-time.After(15900 * time.Millisecond)
		if got := b.Share(0); got != budget.Least {
			t.Errorf("with 100 ms left: %v", got)
		}
	})
}

func TestAnEndThatHasPassedIsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
		defer cancel()
		b := budget.Until(ctx, time.Hour, 2)
		if b.Left() != 0 || b.Share(1) != budget.Least || b.Patience(budget.Margin, 2) != budget.Margin {
			t.Errorf("left %v, a share %v, patience %v", b.Left(), b.Share(1), b.Patience(budget.Margin, 2))
		}
	})
}

func TestTheContextOfAShareEndsAMarginBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, stop := context.WithCancel(t.Context())
		b := budget.Until(parent, 10*time.Second, 1)
		start := time.Now()
		ctx, margin, cancel := b.Context(b.Share(0))
		defer cancel()
		<-ctx.Done()
		if took := time.Since(start); margin != budget.Margin || took != 10*time.Second-budget.Margin {
			t.Errorf("it ended after %v, with a margin of %v", took, margin)
		}
		b = budget.Until(parent, 10*time.Second, 1)
		start = time.Now()
		ctx, _, cancel = b.Context(b.Share(0))
		defer cancel()
		time.AfterFunc(time.Second, stop)
		<-ctx.Done()
		if took := time.Since(start); took != time.Second+budget.Least-budget.Margin {
			t.Errorf("after a cancellation it lived %v", took)
		}
	})
}

// FuzzWithin closes stages that each use all of their share: they end in the time.
func FuzzWithin(f *testing.F) {
	f.Add(int64(time.Second), 4)
	f.Add(int64(1), 1)
	f.Add(int64(25*time.Second), 1000)
	f.Fuzz(func(t *testing.T, total int64, stages int) {
		if total <= 0 || total > int64(time.Hour) || stages < 1 || stages > 1000 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			b := budget.Within(t.Context(), time.Duration(total), stages)
			start := time.Now()
			<-time.After(b.Patience(budget.Margin, stages))
			for after := stages - 1; after >= 0; after-- {
				<-time.After(b.Share(after))
			}
			if took := time.Since(start); took > time.Duration(total) {
				t.Errorf("%d stages took %v of %v", stages, took, time.Duration(total))
			}
		})
	})
}
