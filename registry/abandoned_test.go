package registry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestAnOpenThatIgnoresItsContextIsAbandonedAndNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := quiet(&fake{name: "a"}, &fake{name: "b", open: hung.wait})
		r.OpenTimeout = 2 * time.Second
		start := time.Now()
		err := r.OpenAll(t.Context())
		took(t, start, 2*time.Second+100*time.Millisecond)
		wantErrors(t, err, "open b: hung: abandoned after 2.1s: context deadline exceeded")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error("it does not wrap the error of the context")
		}
	})
}

func TestAnOpenHas100msToReturnAfterItsContextIsDone(t *testing.T) {
	lingering := func(d time.Duration, err error) func(context.Context) error {
		return func(ctx context.Context) error {
			<-ctx.Done()
			<-time.After(d)
			return err
		}
	}
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: lingering(99*time.Millisecond, errDenied)})
		wantErrors(t, r.OpenAll(t.Context()), "open a: auth: access denied")
	})
	synctest.Test(t, func(t *testing.T) {
		r := opened(t, &fake{name: "a", open: lingering(99*time.Millisecond, nil)})
		if !r.CheckAll(t.Context()).OK() {
			t.Error("it is not open")
		}
		mustClose(t, r)
	})
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: lingering(101*time.Millisecond, nil)})
		wantKind(t, r.OpenAll(t.Context()), registry.KindHung)
		<-time.After(time.Millisecond) // it returns
		synctest.Wait()
	})
}

func TestOpenAllFailsAtOnceForAResourceWhoseOpenIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		hung := newValve()
		r := quiet(&fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls, open: inTurn(hung.wait, failing(nil))})
		_ = r.OpenAll(t.Context())
		calls.take()
		start := time.Now()
		wantErrors(t, r.OpenAll(t.Context()), "open b: hung: an earlier call of this resource has not returned yet")
		took(t, start, 0)
		calls.want(t)

		hung.release()
		synctest.Wait()
		calls.want(t, "close b") // what it opened late
		mustOpen(t, r)
		mustClose(t, r)
	})
}

func TestAnOpenThatSucceedsAfterAllIsClosedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		hung := newValve()
		r := quiet(&fake{name: "a", calls: &calls, open: hung.wait})
		_ = r.OpenAll(t.Context())
		events := observe(r)
		calls.take()
		hung.release()
		synctest.Wait()
		calls.want(t, "close a")
		events.want(t, "close a: <nil>")
		wantKind(t, r.Check(t.Context(), "a").Err, registry.KindNotOpen)
	})
}

func TestAnOpenThatFailsAfterAllLeavesNothingToClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		hung := newValve()
		r := quiet(&fake{name: "a", calls: &calls, open: hung.fails})
		_ = r.OpenAll(t.Context())
		events := observe(r)
		calls.take()
		hung.release()
		synctest.Wait()
		calls.want(t)
		events.want(t)
	})
}

func TestALateOpenNeverTouchesALaterOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		hung, closing := newValve(), newValve()
		res := &fake{name: "a", calls: &calls}
		res.open = inTurn(hung.wait, failing(nil))
		res.close = inTurn(closing.wait, failing(nil))
		r := quiet(res)
		_ = r.OpenAll(t.Context())
		hung.release()
		synctest.Wait() // the late success is being closed
		wantKind(t, r.OpenAll(t.Context()), registry.KindHung)
		closing.release()
		synctest.Wait()
		calls.take()
		mustOpen(t, r)
		<-time.After(time.Hour)
		calls.want(t, "configure a", "open a")
		if !r.CheckAll(t.Context()).OK() || res.overlapped.Load() {
			t.Error("the late open touched the later one")
		}
		mustClose(t, r)
	})
}

func TestALateOpenThatPanicsDoesNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		r := quiet(&fake{name: "a", open: inTurn(func(ctx context.Context) error {
			_ = hung.wait(ctx)
			panic("late")
		}, failing(nil))})
		_ = r.OpenAll(t.Context())
		hung.release()
		synctest.Wait()
		mustOpen(t, r)
		mustClose(t, r)
	})
}

func TestACloseThatPanicsAfterALateOpenDoesNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		r := quiet(&fake{
			name: "a", open: inTurn(hung.wait, failing(nil)),
			close: inTurn(func(context.Context) error { panic("late") }, failing(nil)),
		})
		_ = r.OpenAll(t.Context())
		events := observe(r)
		hung.release()
		synctest.Wait()
		events.want(t, "close a: panic")
		mustOpen(t, r)
		mustClose(t, r)
	})
}

func TestOpenAllFailsAtOnceForAResourceWhoseCloseIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		hung := newValve()
		res := &fake{name: "a", calls: &calls, close: inTurn(hung.wait, failing(nil))}
		r := opened(t, res)
		wantKind(t, r.CloseAll(t.Context()), registry.KindHung)
		calls.take()
		start := time.Now()
		wantErrors(t, r.OpenAll(t.Context()), "open a: hung: an earlier call of this resource has not returned yet")
		took(t, start, 0)
		calls.want(t)
		mustClose(t, r)
		calls.want(t) // it has been named once

		hung.release()
		synctest.Wait()
		mustOpen(t, r)
		if !r.CheckAll(t.Context()).OK() || res.overlapped.Load() {
			t.Error("the late close touched the later open")
		}
		mustClose(t, r)
		calls.want(t, "configure a", "open a", "check a", "close a")
	})
}

func TestAHungOpenCostsOneGoroutineHoweverOftenOpenAllIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := quiet(&fake{name: "a", open: hung.wait})
		before := goroutines()
		for range 100 {
			_ = r.OpenAll(t.Context())
		}
		if more := goroutines() - before; more != 1 {
			t.Errorf("%d goroutines more", more)
		}
	})
}
