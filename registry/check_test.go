package registry_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/vibework/mooring/registry"
)

func TestCheckAllChecksAllAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := opened(t, &fake{name: "a", check: after(3*time.Second, nil)}, &fake{name: "b", check: after(2*time.Second, nil)},
			&fake{name: "c", check: after(4*time.Second, nil)})
		start := time.Now()
		report := r.CheckAll(t.Context())
		took(t, start, 4*time.Second)
		if err := report.Err(); err != nil {
			t.Error(err)
		}
		mustClose(t, r)
	})
}

func TestTheReportIsInTheOrderOfOpening(t *testing.T) {
	r := quiet(&fake{name: "a"}, &fake{name: "b"}, &fake{name: "c"})
	r.SetOrder("c", "b")
	mustOpen(t, r)
	var names []string
	for _, result := range r.CheckAll(t.Context()).Results {
		names = append(names, result.Name)
	}
	if !slices.Equal(names, r.Names()) {
		t.Errorf("the report has %q, Names %q", names, r.Names())
	}
	mustClose(t, r)
}

func TestAFailedCheckIsAnErrorOfItsResource(t *testing.T) {
	r := opened(t, &fake{name: "a"}, &fake{name: "b", check: failing(errRefused)})
	report := r.CheckAll(t.Context())
	wantErrors(t, report.Err(), "check b: unreachable: connection refused")
	err, ok := errors.AsType[*registry.Error](report.Results[1].Err)
	if !ok || err.Op != registry.OpCheck || err.Name != "b" || !errors.Is(err, errRefused) {
		t.Errorf("%#v", report.Results[1])
	}
	mustClose(t, r)
}

func TestCheckIsCheckAllForOneResource(t *testing.T) {
	var calls journal
	r := opened(t, &fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls, check: failing(errRefused)})
	r.SetOptional("b")
	calls.take()
	result := r.Check(t.Context(), "b")
	calls.want(t, "check b")
	if result.Name != "b" || !result.Optional || registry.KindOf(result.Err) != registry.KindUnreachable {
		t.Errorf("%#v", result)
	}
	r.SetOptional()
	mustClose(t, r)
}

func TestCheckOfAStrangerIsErrNotRegistered(t *testing.T) {
	r := quiet(&fake{name: "mysql"}, &fake{name: "redis"})
	result := r.Check(t.Context(), "mysq")
	if !errors.Is(result.Err, registry.ErrNotRegistered) || result.Name != "mysq" || result.OK() {
		t.Errorf("%#v", result)
	}
	want := "check mysq: config: not registered (registered: mysql, redis; forgotten import?)"
	if got := result.Err.Error(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	want = "check a: config: not registered (registered: nothing; forgotten import?)"
	if got := registry.New().Check(t.Context(), "a").Err.Error(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWhatIsNotOpenIsNotChecked(t *testing.T) {
	var calls journal
	r := quiet(&fake{name: "a", calls: &calls})
	err := r.CheckAll(t.Context()).Results[0].Err
	wantKind(t, err, registry.KindNotOpen)
	if !errors.Is(err, registry.ErrNotOpen) || err.Error() != "check a: not open" {
		t.Error(err)
	}
	calls.want(t)
}

func TestTheReasonWhyItIsNotOpenIsTold(t *testing.T) {
	r := quiet(&fake{name: "a", open: inTurn(failing(errDenied), failing(nil))})
	_ = r.OpenAll(t.Context())
	err := r.Check(t.Context(), "a").Err
	wantKind(t, err, registry.KindNotOpen)
	if err.Error() != "check a: not open: open a: auth: access denied" {
		t.Error(err)
	}
	mustOpen(t, r)
	mustClose(t, r)
	if err := r.Check(t.Context(), "a").Err; err.Error() != "check a: not open" {
		t.Error(err)
	}
}

func TestACheckThatObeysAnswersWithItsOwnErrorAtNineteenTwentiethsOfItsTime(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		0: 4750 * time.Millisecond, 2 * time.Second: 1900 * time.Millisecond, 20: 19,
	} {
		synctest.Test(t, func(t *testing.T) {
			var deadline time.Time
			r := quiet(&fake{name: "a", check: func(ctx context.Context) error {
				deadline, _ = ctx.Deadline()
				<-ctx.Done()
				return errors.Join(ctx.Err(), errLost)
			}})
			r.CheckTimeout = timeout
			mustOpen(t, r)
			start := time.Now()
			err := r.CheckAll(t.Context()).Results[0].Err
			took(t, start, want)
			wantKind(t, err, registry.KindTimeout)
			if !errors.Is(err, errLost) {
				t.Errorf("%v is not its own error", err)
			}
			if got := deadline.Sub(start); got != want {
				t.Errorf("the deadline is %v after the start, want %v", got, want)
			}
			mustClose(t, r)
		})
	}
}

func TestACallerWaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := opened(t, &fake{name: "a"}, &fake{name: "b", check: hung.wait})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		report := r.CheckAll(ctx)
		took(t, start, time.Second)
		if err := report.Results[0].Err; err != nil {
			t.Errorf("the check that was done: %v", err)
		}
		err := report.Results[1].Err
		wantKind(t, err, registry.KindTimeout)
		if want := "check b: timeout: the caller stopped waiting: context deadline exceeded"; err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
		if got := report.Results[1].Duration; got != time.Second {
			t.Errorf("Duration: %v", got)
		}
		mustClose(t, r)
	})
}

func TestACallerThatCancelsGetsKindCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := opened(t, &fake{name: "a", check: obey})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		wantKind(t, r.Check(ctx, "a").Err, registry.KindCanceled)
		mustClose(t, r)
	})
}

func TestACallerThatIsDoneAlreadyStartsNoCheck(t *testing.T) {
	var calls journal
	r := opened(t, &fake{name: "a", calls: &calls})
	calls.take()
	wantKind(t, r.CheckAll(ctxDone(t)).Err(), registry.KindCanceled)
	calls.want(t)
	mustClose(t, r)
}

func TestAnImpatientCallerSpoilsNothingForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		var logs logbook
		r := quiet(&fake{name: "a", calls: &calls, check: func(ctx context.Context) error {
			select {
			case <-time.After(2 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}})
		r.Logger = logs.logger()
		mustOpen(t, r)
		logs.take()
		calls.take()
		events := observe(r)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		impatient := inBackground(func() registry.Report { return r.CheckAll(ctx) })
		synctest.Wait() // the impatient caller is the one who started the check
		patient := inBackground(func() registry.Report { return r.CheckAll(t.Context()) })

		wantKind(t, (<-impatient).Err(), registry.KindTimeout)
		events.want(t)
		logs.want(t)
		if report := <-patient; report.Status() != registry.Pass || report.Results[0].Duration != 2*time.Second {
			t.Errorf("the patient caller: %v", report)
		}
		calls.want(t, "check a")
		events.want(t, "check a: <nil>")
		logs.want(t)
		mustClose(t, r)
	})
}

func TestCallersLeaveInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := opened(t, &fake{name: "a", check: after(4500*time.Millisecond, nil)})
		start := time.Now()
		var all sync.WaitGroup
		for _, patience := range []time.Duration{3, 9, 1, 4, 2, 8} {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience*time.Second)
				defer cancel()
				err := r.CheckAll(ctx).Err()
				if patience > 4 {
					took(t, start, 4500*time.Millisecond)
					wantKind(t, err, "")
				} else {
					took(t, start, patience*time.Second)
					wantKind(t, err, registry.KindTimeout)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		mustClose(t, r)
	})
}

func TestTheContextOfACheckIsNotThatOfACaller(t *testing.T) {
	type key struct{}
	var value any
	r := opened(t, &fake{name: "a", check: func(ctx context.Context) error {
		value = ctx.Value(key{})
		return ctx.Err()
	}})
	r.CheckAll(context.WithValue(t.Context(), key{}, "the caller's"))
	if value != nil {
		t.Errorf("the check finds %v in its context", value)
	}
	mustClose(t, r)
}

func TestTheContextOfFinishedChecksIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		contexts := make(chan context.Context, 2)
		keep := func(ctx context.Context) error {
			contexts <- ctx
			return nil
		}
		r := opened(t, &fake{name: "a", check: keep}, &fake{name: "b", check: keep})
		r.CheckAll(t.Context())
		synctest.Wait()
		for range 2 {
			if ctx := <-contexts; ctx.Err() == nil {
				t.Error("the context of a check lives on")
			}
		}
		mustClose(t, r)
	})
}

func TestACheckThatIsLeftBehindKeepsItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		contexts := make(chan context.Context, 2)
		keep := func(check func(context.Context) error) func(context.Context) error {
			return func(ctx context.Context) error {
				contexts <- ctx
				return check(ctx)
			}
		}
		r := opened(t, &fake{name: "slow", check: keep(after(3*time.Second, nil))},
			&fake{name: "quick", check: keep(after(0, nil))})
		slow := inBackground(func() registry.Result { return r.Check(t.Context(), "slow") })
		ofSlow := <-contexts
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.CheckAll(hasty) // waits for the slow check in vain, and has not started it
		ofQuick := <-contexts
		synctest.Wait()
		if ofQuick.Err() == nil {
			t.Error("a caller without checks in flight has left a context")
		}
		err := (<-slow).Err
		synctest.Wait()
		if err != nil || ofSlow.Err() == nil {
			t.Errorf("the slow check: %v, and its context: %v", err, ofSlow.Err())
		}

		hasty, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.Check(hasty, "slow")
		ofSlow = <-contexts
		if result := r.Check(t.Context(), "slow"); result.Err != nil {
			t.Error(result.Err)
		}
		synctest.Wait()
		if ofSlow.Err() == nil {
			t.Error("the context of a check outlives it")
		}
		mustClose(t, r)
	})
}

func TestNothingKeepsAReportFromBeingCollected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := opened(t, &fake{name: "a"}, &fake{name: "b"})
		report := r.CheckAll(t.Context())
		results := weak.Make(&report.Results[0])
		runtime.KeepAlive(report)
		synctest.Wait() // the goroutines of the checks are gone
		runtime.GC()
		if results.Value() != nil {
			t.Error("the registry holds on to the results of a call that has returned")
		}
		mustClose(t, r)
	})
}

func TestConcurrentCallersShareOneCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := opened(t, &fake{name: "a", calls: &calls, check: after(time.Second, errRefused)})
		calls.take()
		events := observe(r)
		start := time.Now()
		var reports []<-chan registry.Report
		var results []<-chan registry.Result
		for range 50 {
			reports = append(reports, inBackground(func() registry.Report { return r.CheckAll(t.Context()) }))
			results = append(results, inBackground(func() registry.Result { return r.Check(t.Context(), "a") }))
		}
		<-time.After(500 * time.Millisecond)
		late := r.Check(t.Context(), "a")
		took(t, start, time.Second)
		for i := range reports {
			for _, result := range []registry.Result{(<-reports[i]).Results[0], <-results[i], late} {
				wantKind(t, result.Err, registry.KindUnreachable)
				if result.Duration != time.Second {
					t.Errorf("Duration is %v, want that of the check", result.Duration)
				}
			}
		}
		calls.want(t, "check a")
		events.want(t, "check a: unreachable")
		r.CheckAll(t.Context())
		calls.want(t, "check a") // once it is done, the next caller starts another
		mustClose(t, r)
	})
}

func TestACheckOutlivesItsCallersAndIsJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := opened(t, &fake{name: "a", calls: &calls, check: after(3*time.Second, nil)})
		calls.take()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.CheckAll(ctx)
		start := time.Now()
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		took(t, start, 2*time.Second)
		calls.want(t, "check a")
		mustClose(t, r)
	})
}

func TestAPanicInACheckIsAFailureAndNamesItsPlace(t *testing.T) {
	r := opened(t, &fake{name: "a", check: func(context.Context) error { panic("boom") }},
		&fake{name: "b", check: func(context.Context) error {
			none := make([]error, 0)
			return none[1]
		}}, &fake{name: "c"})
	report := r.CheckAll(t.Context())
	for _, result := range report.Results[:2] {
		wantKind(t, result.Err, registry.KindPanic)
		if text := result.Err.Error(); !strings.Contains(text, ": panic: ") || !strings.Contains(text, "(check_test.go:") {
			t.Error(text)
		}
	}
	if report.Results[2].Err != nil {
		t.Error(report.Results[2].Err)
	}
	mustClose(t, r)
}

func TestAGoexitInACheckIsAFailure(t *testing.T) {
	r := opened(t, &fake{name: "a", check: exit})
	err := r.CheckAll(t.Context()).Err()
	wantErrors(t, err, "check a: panic: runtime.Goexit was called")
	wantKind(t, err, registry.KindPanic)
	mustClose(t, r)
}

func TestNoResultCrossesACloseAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newValve()
		r := opened(t, &fake{name: "a", check: inTurn(first.fails, failing(nil))})
		waiting := inBackground(func() registry.Report { return r.CheckAll(t.Context()) })
		synctest.Wait()
		mustClose(t, r)
		wantKind(t, (<-waiting).Err(), registry.KindNotOpen)
		mustOpen(t, r)
		events := observe(r)
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Errorf("a check of the second opening: %v", err)
		}
		joined := inBackground(func() registry.Report { return r.CheckAll(t.Context()) })
		first.release() // the check of the first opening fails at last
		if err := (<-joined).Err(); err != nil {
			t.Errorf("a check of the second opening: %v", err)
		}
		synctest.Wait()
		events.want(t, "check a: <nil>", "check a: <nil>")
		mustClose(t, r)
	})
}

func TestACheckMayUseTheRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *registry.Registry
		var inner atomic.Pointer[registry.Report]
		r = opened(t, &fake{name: "b", check: func(ctx context.Context) error {
			r.Register(&fake{name: "c"})
			r.Unregister("c")
			report := r.Check(ctx, "a")
			inner.Store(&registry.Report{Results: []registry.Result{report}})
			return report.Err
		}}, &fake{name: "a"})
		start := time.Now()
		if err := r.CheckAll(t.Context()).Err(); err != nil || !inner.Load().OK() {
			t.Error(err)
		}
		took(t, start, 0)
		mustClose(t, r)
	})
}

func TestACheckThatCallsCloseAllIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *registry.Registry
		closed := make(chan error, 1)
		r = opened(t, &fake{name: "a", check: func(ctx context.Context) error {
			closed <- r.CloseAll(ctx)
			return nil
		}})
		start := time.Now()
		wantKind(t, r.CheckAll(t.Context()).Err(), registry.KindNotOpen)
		took(t, start, 0)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		tookAtMost(t, start, 100*time.Millisecond)
	})
}
