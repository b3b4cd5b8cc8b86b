package registry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestOpenAllOpensInTheChosenOrder(t *testing.T) {
	var calls journal
	r := quiet(
		&fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls}, &fake{name: "c", calls: &calls})
	r.SetOrder("c", "a")
	mustOpen(t, r)
	calls.want(t, "configure c", "configure a", "configure b", "open c", "open a", "open b")
	mustClose(t, r)
	calls.want(t, "close b", "close a", "close c")
}

func TestOpenAllNamesWhatTheSettersDoNotKnow(t *testing.T) {
	var calls journal
	r := quiet(&fake{name: "mysql", calls: &calls}, &fake{name: "redis", calls: &calls})
	r.SetOrder("mysq", "redis")
	r.SetOptional("radis")
	r.SetTimeouts("rediss", registry.Timeouts{Open: time.Second})
	wantErrors(t, r.OpenAll(t.Context()),
		"open mysq: config: the order names a resource that is not registered (registered: redis, mysql; forgotten import?)",
		"open radis: config: SetOptional names a resource that is not registered (registered: redis, mysql; forgotten import?)",
		"open rediss: config: SetTimeouts names a resource that is not registered (registered: redis, mysql; forgotten import?)")
	calls.want(t, "configure redis", "configure mysql")
	if err := r.OpenAll(t.Context()); !errors.Is(err, registry.ErrNotRegistered) {
		t.Errorf("%v is not ErrNotRegistered", err)
	}
	r.SetStages([]string{"redis", "mysql"}, []string{"redis"})
	r.Register(&fake{name: "radis"})
	r.Register(&fake{name: "rediss"})
	wantErrors(t, r.OpenAll(t.Context()), "open redis: config: the order names it more than once")
	r.SetOrder("redis")
	r.SetOptional("redis")
	mustOpen(t, r)
	mustClose(t, r)
}

func TestOpenAllIsNilWhenAllAreOpen(t *testing.T) {
	var calls journal
	r := opened(t, &fake{name: "a", calls: &calls})
	calls.take()
	mustOpen(t, r)
	calls.want(t)
	mustClose(t, r)
}

func TestOpenAllOpensOnlyWhatIsNotOpen(t *testing.T) {
	var calls journal
	r := opened(t, &fake{name: "a", calls: &calls})
	calls.take()
	r.Register(&fake{name: "b", calls: &calls})
	r.SetOrder("b")
	mustOpen(t, r)
	calls.want(t, "configure b", "open b")
	mustClose(t, r)
	calls.want(t, "close b", "close a")
}

func TestOpenAllEndsDrain(t *testing.T) {
	r := opened(t, &fake{name: "a"})
	r.Drain()
	if !r.Draining() || !r.Opened() || !r.CheckAll(t.Context()).OK() {
		t.Error("Drain changes more than Draining")
	}
	mustOpen(t, r)
	if r.Draining() {
		t.Error("OpenAll does not end Drain")
	}
	r.Drain()
	mustClose(t, r)
	if !r.Draining() {
		t.Error("CloseAll ends Drain")
	}
}

func TestDrainDuringOpenAllLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: after(time.Second, nil)})
		first := openAll(t, r)
		second := openAll(t, r) // waits for the first
		r.Drain()
		for _, opening := range []<-chan error{first, second} {
			if err := <-opening; err != nil {
				t.Fatal(err)
			}
			if !r.Draining() {
				t.Error("OpenAll has ended a Drain that came after its beginning")
			}
		}
		mustOpen(t, r)
		if r.Draining() {
			t.Error("an OpenAll that begins later does not end Drain")
		}
		mustClose(t, r)
	})
}

func TestAnOpenAllThatCallsNothingDoesNotEndDrain(t *testing.T) {
	r := quiet(&fake{name: "a"})
	r.Drain()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.OpenAll(ctx); err == nil || !r.Draining() {
		t.Errorf("got %v, and draining: %v", err, r.Draining())
	}
}

func TestOpenedIsTrueFromOpenAllToCloseAll(t *testing.T) {
	var r *registry.Registry
	during := true
	look := func(context.Context) error {
		during = r.Opened()
		return nil
	}
	r = quiet(&fake{name: "a", open: look, close: look})
	if r.Opened() {
		t.Error("Opened before OpenAll")
	}
	mustOpen(t, r)
	if during || !r.Opened() {
		t.Errorf("Opened is %v during and %v after OpenAll", during, r.Opened())
	}
	r.Register(&fake{name: "b", open: failing(errDenied)})
	if err := r.OpenAll(t.Context()); err == nil || !r.Opened() {
		t.Errorf("Opened is %v after an OpenAll that failed later (%v)", r.Opened(), err)
	}
	mustClose(t, r)
	if during || r.Opened() {
		t.Errorf("Opened is %v during and %v after CloseAll", during, r.Opened())
	}
	if err := r.OpenAll(t.Context()); err == nil || r.Opened() {
		t.Errorf("Opened is %v after %v", r.Opened(), err)
	}
}

func TestTheContextBoundsTheOpeningOnly(t *testing.T) {
	type key struct{}
	var value any
	r := quiet(&fake{name: "a", open: func(ctx context.Context) error {
		value = ctx.Value(key{})
		return nil
	}})
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
	if err := r.OpenAll(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if value != "kept" {
		t.Errorf("Open finds %v in its context", value)
	}
	if !r.Opened() || !r.CheckAll(t.Context()).OK() {
		t.Error("it is not open any more")
	}
	mustClose(t, r)
}

func TestOpenAllWithAContextThatIsDoneCallsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls})
		wantErrors(t, r.OpenAll(ctxDone(t)), "open all: canceled: context canceled")
		calls.want(t)
	})
}

func TestTheCauseOfACancellationIsTold(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("SIGTERM"))
	r := quiet(&fake{name: "a"})
	wantErrors(t, r.OpenAll(ctx), "open all: canceled: context canceled: SIGTERM")
}

func TestTwoOpenAllsRunOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fake{name: "a", open: after(time.Second, errDenied)}
		b := &fake{name: "b", open: after(time.Second, nil)}
		r := quiet(b, a)
		start := time.Now()
		first := inBackground(func() error { return r.OpenAll(t.Context()) })
		second := inBackground(func() error { return r.OpenAll(t.Context()) })
		wantErrors(t, <-first, "open a: auth: access denied")
		wantErrors(t, <-second, "open a: auth: access denied")
		took(t, start, 4*time.Second)
		if a.overlapped.Load() || b.overlapped.Load() {
			t.Error("two Opens of one resource at the same time")
		}
	})
}

func TestAnOpenAllThatWaitsForAnotherEndsWithItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: after(10*time.Second, nil)})
		first := inBackground(func() error { return r.OpenAll(t.Context()) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		wantErrors(t, r.OpenAll(ctx),
			"open all: timeout: stopped waiting for its turn: context deadline exceeded")
		took(t, start, time.Second)
		if err := <-first; err != nil {
			t.Error(err)
		}
		mustClose(t, r)
	})
}

func TestAResourceMayUseTheRegistryInOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *registry.Registry
		r = quiet(&fake{name: "a", open: func(ctx context.Context) error {
			r.Register(&fake{name: "late"})
			r.SetOrder(r.Names()...)
			wantKind(t, r.CheckAll(ctx).Err(), registry.KindNotOpen)
			if _, err := registry.GetFrom[*fake](r, "a"); err != nil {
				t.Error(err)
			}
			r.Drain()
			r.Unregister("late")
			return nil
		}})
		start := time.Now()
		mustOpen(t, r)
		took(t, start, 0)
		mustClose(t, r)
	})
}

func TestAnOpenThatCallsOpenAllWaitsForItselfUntilItsTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *registry.Registry
		r = quiet(&fake{name: "a", open: func(ctx context.Context) error { return r.OpenAll(ctx) }})
		r.OpenTimeout = time.Second
		start := time.Now()
		err := r.OpenAll(t.Context())
		wantKind(t, err, registry.KindTimeout)
		took(t, start, time.Second)
	})
}

func TestAGoexitInOpenOrConfigureIsAnError(t *testing.T) {
	r := quiet(&fake{name: "a", open: exit})
	wantErrors(t, r.OpenAll(t.Context()), "open a: panic: runtime.Goexit was called")
	r = quiet(&fake{name: "a", configure: func() error { return exit(t.Context()) }})
	wantErrors(t, r.OpenAll(t.Context()), "configure a: panic: runtime.Goexit was called")
}

// A registry keeps no timer and no channel beyond one opening, so one that is closed may move.
func TestARegistryMayMoveFromOneBubbleToAnother(t *testing.T) {
	r := quiet(&fake{name: "a", check: inTurn(failing(nil), after(7*time.Second, nil))})
	r.Observe(func(registry.Event) {})
	synctest.Test(t, func(t *testing.T) {
		mustOpen(t, r)
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		mustClose(t, r)
	})
	synctest.Test(t, func(t *testing.T) {
		mustOpen(t, r)
		start := time.Now()
		wantKind(t, r.CheckAll(t.Context()).Err(), registry.KindHung)
		took(t, start, 5*time.Second)
		mustClose(t, r)
		<-time.After(time.Minute)
	})
}

func TestAPanicInOpenOrConfigureIsAnErrorAndIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls, open: func(context.Context) error { panic("boom") }})
		err := r.OpenAll(t.Context())
		wantKind(t, err, registry.KindPanic)
		if text := err.Error(); !strings.HasPrefix(text, "open a: panic: boom (open_test.go:") {
			t.Error(text)
		}
		calls.want(t, "configure a", "open a")

		r = quiet(&fake{name: "a", configure: func() error { panic(errLost) }})
		err = r.OpenAll(t.Context())
		wantKind(t, err, registry.KindPanic)
		if text := err.Error(); !strings.HasPrefix(text, "configure a: panic: two messages were lost (open_test.go:") {
			t.Error(text)
		}
	})
}
