package registry_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestARetryableFailureIsTriedAgain(t *testing.T) {
	for _, kind := range []registry.Kind{
		registry.KindUnreachable, registry.KindTimeout, registry.KindLoading, registry.KindExhausted,
		registry.KindReadOnly,
	} {
		synctest.Test(t, func(t *testing.T) {
			if !kind.Retryable() {
				t.Errorf("%q is not retryable", kind)
			}
			fails := failing(registry.Classify(kind, errLost))
			r := quiet(&fake{name: "a", open: inTurn(fails, fails, fails, failing(nil))})
			events := observe(r)
			mustOpen(t, r)
			verdict := ": " + string(kind)
			events.want(t, "open a 1"+verdict, "open a 2"+verdict, "open a 3"+verdict, "open a 4: <nil>")
			mustClose(t, r)
		})
	}
}

func TestAnyOtherFailureIsFinal(t *testing.T) {
	for _, kind := range []registry.Kind{
		registry.KindConfig, registry.KindAuth, registry.KindPermission, registry.KindTLS, registry.KindHung,
		registry.KindDegraded, registry.KindNotOpen, registry.KindPanic, registry.KindUnknown, "",
	} {
		synctest.Test(t, func(t *testing.T) {
			if kind.Retryable() {
				t.Errorf("%q is retryable", kind)
			}
			var calls journal
			r := quiet(&fake{name: "a", calls: &calls, open: failing(registry.Classify(kind, errLost))})
			start := time.Now()
			if err := r.OpenAll(t.Context()); !errors.Is(err, errLost) {
				t.Errorf("OpenAll: %v", err)
			}
			took(t, start, 0)
			calls.want(t, "configure a", "open a")
		})
	}
}

// A driver cancels what goes on over a connection when it finds out, elsewhere, that the server has gone.
func TestWhatADriverCancelsByItselfCanBeTriedAgain(t *testing.T) {
	for _, byDriver := range []error{
		fmt.Errorf("connection pool cleared: %w", context.Canceled), registry.Classify(registry.KindCanceled, errLost),
	} {
		synctest.Test(t, func(t *testing.T) {
			want := "unreachable: broken off, and not by the caller: " + byDriver.Error()
			open, check := failing(byDriver), inTurn(failing(byDriver), obey)
			r := quiet(&fake{name: "a", open: inTurn(open, failing(nil)), check: check})
			mustOpen(t, r)
			err := r.Check(t.Context(), "a").Err
			if errors.Is(err, context.Canceled) || err.Error() != "check a: "+want {
				t.Errorf("Check: %v", err)
			}
			mustClose(t, r)
			r = quiet(&fake{name: "a", open: open})
			if err := r.OpenAll(t.Context()); errors.Is(err, context.Canceled) || err.Error() != "open a: "+want {
				t.Errorf("OpenAll: %v", err)
			}
		})
	}
}

// attempts records when Open is called.
func attempts(at *[]time.Time, err error) func(context.Context) error {
	return func(context.Context) error {
		*at = append(*at, time.Now())
		return err
	}
}

func TestTheWaitsAreRandomAndGrowFrom100msTo5s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		r := quiet(&fake{name: "a", open: attempts(&at, errRefused)})
		r.OpenTimeout = time.Hour
		_ = r.OpenAll(t.Context())
		bound, shortest, longest := 100*time.Millisecond, time.Hour, time.Duration(0)
		for i := range len(at) - 1 {
			wait := at[i+1].Sub(at[i])
			if wait <= 0 || wait > bound {
				t.Errorf("wait %d is %v, want at most %v", i+1, wait, bound)
			}
			if i > 6 {
				shortest, longest = min(shortest, wait), max(longest, wait)
			}
			bound = min(2*bound, 5*time.Second)
		}
		// With full jitter, some 1400 waits spread over all of the 5s.
		if shortest > 200*time.Millisecond || longest < 4800*time.Millisecond {
			t.Errorf("the waits are between %v and %v", shortest, longest)
		}
	})
}

func TestRetryingEndsAtOpenTimeout(t *testing.T) {
	for _, timeout := range []time.Duration{0, 7 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := quiet(&fake{name: "a", open: failing(errRefused)})
			r.OpenTimeout = timeout
			start := time.Now()
			wantErrors(t, r.OpenAll(t.Context()), "open a: unreachable: connection refused")
			if timeout == 0 {
				timeout = 30 * time.Second
			}
			took(t, start, timeout)
		})
	}
}

func TestEachResourceHasAnOpenTimeoutOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: after(20*time.Second, nil)}, &fake{name: "b", open: after(20*time.Second, nil)})
		start := time.Now()
		mustOpen(t, r)
		took(t, start, 40*time.Second)
		mustClose(t, r)
	})
}

func TestCancellingOpenAllEndsTheRetryingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls}, &fake{name: "b", open: failing(errRefused)})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		start := time.Now()
		err := r.OpenAll(ctx)
		took(t, start, 10*time.Second)
		wantErrors(t, err, "open b: canceled: context canceled; last attempt: connection refused")
		wantKind(t, err, registry.KindCanceled)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, errRefused) {
			t.Errorf("%v does not wrap both reasons", err)
		}
		calls.want(t, "configure a", "open a", "close a")
	})
}

func TestCancellingOpenAllEndsAnOpenThatObeysAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: obey})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		wantErrors(t, r.OpenAll(ctx), "open a: canceled: context canceled")
		took(t, start, time.Second)
	})
}

func TestTheReasonOfACancellationIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, open := range []func(context.Context) error{obey, failing(errRefused)} {
			r := quiet(&fake{name: "a", open: open})
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(errors.New("SIGTERM")) })
			err := r.OpenAll(ctx)
			wantKind(t, err, registry.KindCanceled)
			if text := err.Error(); !strings.HasPrefix(text, "open a: canceled: context canceled: SIGTERM") {
				t.Error(text)
			}
		}
	})
}

func TestTheDeadlineOfTheCallerEndsTheRetrying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: failing(errRefused)})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		wantErrors(t, r.OpenAll(ctx), "open a: unreachable: connection refused")
		took(t, start, 3*time.Second)
	})
}

func TestTheTimeoutsAreReadWhenOpenAllStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: inTurn(failing(nil), obey), check: obey, close: obey})
		r.CheckTimeout, r.CloseTimeout = 2*time.Second, 3*time.Second
		mustOpen(t, r)
		r.OpenTimeout, r.CheckTimeout, r.CloseTimeout = 4*time.Second, 100*time.Second, 5*time.Second
		start := time.Now()
		r.CheckAll(t.Context())
		took(t, start, 1900*time.Millisecond)

		mustOpen(t, r) // all are open, and the new timeouts hold
		start = time.Now()
		r.CheckAll(t.Context())
		took(t, start, 95*time.Second)
		start = time.Now()
		wantKind(t, r.CloseAll(t.Context()), registry.KindTimeout)
		took(t, start, 4900*time.Millisecond)
		start = time.Now()
		wantKind(t, r.OpenAll(t.Context()), registry.KindTimeout)
		took(t, start, 4*time.Second)
	})
}

// lateContext has a deadline and ends only later, as a context does on a busy machine: the sockets of an attempt keep the
// time by themselves.
type lateContext struct {
	context.Context
	deadline time.Time
}

func (c lateContext) Deadline() (time.Time, bool) { return c.deadline, true }

func TestAnAttemptThatTheDeadlineCutsOffHidesNoBetterCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		times := func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			<-time.After(time.Until(deadline))
			return os.ErrDeadlineExceeded
		}
		r := quiet(&fake{name: "a", open: inTurn(failing(errRefused), times)})
		err := r.OpenAll(lateContext{ctx, start.Add(time.Second)})
		took(t, start, time.Second)
		if want := "open a: unreachable: connection refused"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

func TestTheAttemptThatOpenTimeoutCutsOffHidesNoBetterCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		r := quiet(&fake{name: "a", open: inTurn(failing(errRefused), silent)})
		start := time.Now()
		err := r.OpenAll(t.Context())
		took(t, start, 30*time.Second)
		if want := "open a: unreachable: connection refused"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}
