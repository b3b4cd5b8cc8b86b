package registry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestCloseAllClosesInTheReverseOrderOfOpening(t *testing.T) {
	var calls journal
	r := opened(t, &fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls}, &fake{name: "c", calls: &calls})
	r.SetOrder("c") // too late for what is open
	calls.take()
	mustClose(t, r)
	calls.want(t, "close c", "close b", "close a")
}

func TestCloseAllClosesEveryResourceAfterTheContextIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var calls journal
		live := func(ctx context.Context) error {
			if deadline, limited := ctx.Deadline(); limited && ctx.Err() == nil {
				calls.add(fmt.Sprintf("live for %v, %v", time.Until(deadline), ctx.Value(key{})))
			}
			return nil
		}
		r := opened(t, &fake{name: "a", close: live}, &fake{name: "b", close: live})
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
		cancel()
		if err := r.CloseAll(ctx); err != nil {
			t.Error(err)
		}
		calls.want(t, "live for 150ms, kept", "live for 150ms, kept")
	})
}

func TestCloseAllKeepsEveryError(t *testing.T) {
	r := opened(t, &fake{name: "a", close: failing(errLost)}, &fake{name: "b"},
		&fake{name: "c", close: exit}, &fake{name: "d", close: failing(errors.Join(errRefused, errDenied))},
		&fake{name: "e", close: func(context.Context) error { panic("boom") }})
	err := r.CloseAll(t.Context())
	wantKinds := []registry.Kind{registry.KindPanic, registry.KindUnreachable, registry.KindPanic, registry.KindUnknown}
	for i, cause := range causes(t, err) {
		wantKind(t, cause, wantKinds[i])
		if cause.Op != registry.OpClose {
			t.Errorf("Op: %v", cause.Op)
		}
	}
	if n := len(causes(t, err)); n != 4 || !errors.Is(err, errLost) || !errors.Is(err, errDenied) {
		t.Errorf("%d errors: %v", n, err)
	}
	wantErrors(t, r.CloseAll(t.Context())) // a later call is nil
}

func TestCloseAllOfWhatIsNotOpenIsNil(t *testing.T) {
	var calls journal
	r := quiet(&fake{name: "a", calls: &calls, close: failing(errLost)})
	for range 2 {
		if err := r.CloseAll(ctxDone(t)); err != nil { // not even a typed nil
			t.Errorf("%v (%T)", err, err)
		}
	}
	calls.want(t)
}

func TestAfterCloseAllOpenAllCanOpenAgain(t *testing.T) {
	var calls journal
	r := opened(t, &fake{name: "a", calls: &calls, close: inTurn(failing(errLost), failing(nil))})
	_ = r.CloseAll(t.Context())
	calls.take()
	mustOpen(t, r)
	if !r.Opened() || !r.CheckAll(t.Context()).OK() {
		t.Error("it is not open")
	}
	mustClose(t, r)
	calls.want(t, "configure a", "open a", "check a", "close a")
}

func TestWithoutADeadlineACloseAllHasCloseTimeout(t *testing.T) {
	for _, timeout := range []time.Duration{0, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			hung := newValve()
			defer hung.release()
			r := quiet(&fake{name: "a", close: hung.wait}, &fake{name: "b", close: hung.wait})
			r.CloseTimeout = timeout
			mustOpen(t, r)
			if timeout == 0 {
				timeout = 25 * time.Second
			}
			start := time.Now()
			half := timeout / 2
			wantErrors(t, r.CloseAll(t.Context()),
				fmt.Sprintf("close b: hung: abandoned after %v: context deadline exceeded", half),
				fmt.Sprintf("close a: hung: abandoned after %v: context deadline exceeded", half))
			took(t, start, timeout)
		})
	}
}

// shares opens resources that take all the time they get to close, and returns how much that is.
func shares(ctx context.Context, t *testing.T, timeout time.Duration, resources int) (got []time.Duration) {
	t.Helper()
	r := quiet()
	r.CloseTimeout = timeout
	for i := range resources {
		r.Register(&fake{name: fmt.Sprintf("r%d", i), close: func(ctx context.Context) error {
			start := time.Now()
			<-ctx.Done()
			got = append(got, time.Since(start))
			return ctx.Err()
		}})
	}
	mustOpen(t, r)
	if n := len(causes(t, r.CloseAll(ctx))); n != resources {
		t.Errorf("%d errors", n)
	}
	return got
}

func TestACloseGetsHalfOfWhatIsLeftAndTheLastAll(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		left, timeout time.Duration // no deadline below 0
		want          []time.Duration
	}{
		{2000 * ms, 0, []time.Duration{900 * ms, 450 * ms, 550 * ms}},
		{20000 * ms, 0, []time.Duration{9900 * ms, 4950 * ms, 5050 * ms}},
		{20000 * ms, 1000 * ms, []time.Duration{9900 * ms, 4950 * ms, 5050 * ms}},
		{600 * ms, 0, []time.Duration{200 * ms, 150 * ms, 150 * ms}},
		{0, 0, []time.Duration{150 * ms, 150 * ms, 150 * ms}},
		{-1, 8000 * ms, []time.Duration{3900 * ms, 1950 * ms, 2050 * ms}},
		{-1, 100 * ms, []time.Duration{150 * ms, 150 * ms, 150 * ms}},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			if test.left >= 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, test.left)
				defer cancel()
			}
			if got := shares(ctx, t, test.timeout, 3); fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("with %v left and CloseTimeout %v: %v, want %v", test.left, test.timeout, got, test.want)
			}
		})
	}
}

func TestAHungCloseLeavesTimeForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flush := func(ctx context.Context) error { // it needs 300ms, or says what it lost
			select {
			case <-time.After(300 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return errLost
			}
		}
		hung := newValve()
		defer hung.release()
		r := opened(t, &fake{name: "a", close: flush}, &fake{name: "b", close: flush},
			&fake{name: "c", close: flush}, &fake{name: "d", close: hung.wait})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		wantErrors(t, r.CloseAll(ctx), "close d: hung: abandoned after 5s: context deadline exceeded")
		took(t, start, 5900*time.Millisecond)
	})
}

func TestACloseHas100msToSayWhatItLost(t *testing.T) {
	for _, left := range []time.Duration{0, 10 * time.Second, -1} {
		for late, want := range map[time.Duration]registry.Kind{
			99 * time.Millisecond: registry.KindUnknown, 101 * time.Millisecond: registry.KindHung,
		} {
			synctest.Test(t, func(t *testing.T) {
				r := opened(t, &fake{name: "a"}, &fake{name: "b", close: func(ctx context.Context) error {
					<-ctx.Done()
					<-time.After(late)
					return errLost
				}})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if left >= 0 {
					ctx, cancel = context.WithTimeout(ctx, left)
					defer cancel()
				} else {
					time.AfterFunc(time.Second, cancel)
				}
				err := r.CloseAll(ctx)
				if wantKind(t, err, want); errors.Is(err, errLost) != (want == registry.KindUnknown) {
					t.Errorf("%v late: %v", late, err)
				}
				<-time.After(time.Second)
			})
		}
	}
}

func TestACloseThatIsCancelledMidwayHas250msFromThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		got := shares(ctx, t, 0, 3)
		want := []time.Duration{3150 * time.Millisecond, 150 * time.Millisecond, 150 * time.Millisecond}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", got, want)
		}
		took(t, start, 3450*time.Millisecond)
	})
}

func TestACloseThatOutlivesItsShareIsAbandonedAndNamedAndTheNextIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		hung := newValve()
		defer hung.release()
		r := opened(t, &fake{name: "a", calls: &calls}, &fake{name: "b", close: hung.wait},
			&fake{name: "c", calls: &calls, close: failing(errLost)})
		calls.take()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := r.CloseAll(ctx)
		tookAtMost(t, start, time.Second)
		calls.want(t, "close c", "close a")
		errs := causes(t, err)
		if len(errs) != 2 || errs[0].Name != "c" || errs[1].Name != "b" || errs[1].Kind != registry.KindHung {
			t.Errorf("errors: %v", err)
		}
		if want := "close b: hung: abandoned after 500ms: context deadline exceeded"; errs[1].Error() != want {
			t.Errorf("%q, want %q", errs[1], want)
		}
	})
}

func TestAConcurrentCloseAllWaitsForTheFirstAndReturnsItsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := opened(t, &fake{name: "a", calls: &calls, close: after(time.Second, errLost)})
		calls.take()
		start := time.Now()
		var results []<-chan error
		for range 5 {
			results = append(results, inBackground(func() error { return r.CloseAll(t.Context()) }))
		}
		for _, result := range results {
			wantErrors(t, <-result, "close a: two messages were lost")
		}
		took(t, start, time.Second)
		calls.want(t, "close a")
	})
}

func TestAJoinedCloseAllEndsWithItsOwnContextAndTheFirstGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := opened(t, &fake{name: "a", close: after(2*time.Second, errLost)})
		first := inBackground(func() error { return r.CloseAll(t.Context()) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		wantErrors(t, r.CloseAll(ctx),
			"close all: timeout: stopped waiting for the CloseAll under way: context deadline exceeded")
		took(t, start, time.Second)
		wantErrors(t, <-first, "close a: two messages were lost")
		took(t, start, 2*time.Second)
	})
}

func TestAnOpenAllDuringCloseAllWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := opened(t, &fake{name: "a", calls: &calls, close: after(time.Second, nil)})
		calls.take()
		closing := inBackground(func() error { return r.CloseAll(t.Context()) })
		synctest.Wait()
		start := time.Now()
		mustOpen(t, r)
		took(t, start, time.Second)
		if err := <-closing; err != nil {
			t.Error(err)
		}
		calls.want(t, "close a", "configure a", "open a")
		if !r.Opened() {
			t.Error("Opened is false")
		}
		mustClose(t, r)
	})
}

func TestCloseAllCancelsRunningChecksAndWaitsForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		lingering := func(ctx context.Context) error {
			<-ctx.Done()
			<-time.After(50 * time.Millisecond)
			calls.add("returned")
			return ctx.Err()
		}
		r := opened(t, &fake{name: "a", check: lingering, calls: &calls}, &fake{name: "b", check: lingering})
		events := observe(r, registry.OpCheck)
		waiting := inBackground(func() registry.Report { return r.CheckAll(t.Context()) })
		<-time.After(time.Second)
		calls.take()
		start := time.Now()
		closing := inBackground(func() error { return r.CloseAll(t.Context()) })
		wantKind(t, (<-waiting).Err(), registry.KindNotOpen)
		took(t, start, 0) // those who wait get that at once
		if err := <-closing; err != nil {
			t.Error(err)
		}
		took(t, start, 50*time.Millisecond)
		calls.want(t, "returned", "returned", "close a")
		events.want(t)
	})
}

func TestCloseAllWaitsAtMost100msForAllChecksTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := opened(t, &fake{name: "a", check: hung.wait}, &fake{name: "b", check: hung.wait}, &fake{name: "c"})
		waiting := inBackground(func() registry.Report { return r.CheckAll(t.Context()) })
		<-time.After(time.Second)
		start := time.Now()
		mustClose(t, r)
		took(t, start, 100*time.Millisecond)
		<-waiting
	})
}

func TestEveryResourceIsNotOpenBeforeTheFirstClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *registry.Registry
		var calls journal
		look := func(ctx context.Context) error {
			for _, result := range r.CheckAll(ctx).Results {
				calls.add(fmt.Sprint(result.Name, " is ", registry.KindOf(result.Err)))
			}
			return nil
		}
		r = opened(t, &fake{name: "a"}, &fake{name: "b"}, &fake{name: "c", close: look})
		mustClose(t, r)
		calls.want(t, "a is not_open", "b is not_open", "c is not_open")
	})
}

func TestACloseMayUseTheRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r *registry.Registry
		r = opened(t, &fake{name: "a", close: func(ctx context.Context) error {
			r.Names()
			r.Drain()
			r.Register(&fake{name: "b"})
			if r.Unregister("a") || !r.Unregister("b") {
				t.Error("Unregister")
			}
			return r.CloseAll(ctx) // waits for itself until its time is up
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		wantKind(t, r.CloseAll(ctx), registry.KindTimeout)
		took(t, start, 900*time.Millisecond)
	})
}

func TestCloseAllEndsInTimeWhenEverythingHangs(t *testing.T) {
	for _, left := range []time.Duration{0, 50 * time.Millisecond, time.Second, 20 * time.Second} {
		for _, resources := range []int{1, 2, 3, 10, 50} {
			t.Run(fmt.Sprint(left, " for ", resources), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { closeAllThatHangs(t, left, resources) })
			})
		}
	}
}

// closeAllThatHangs closes resources of which nothing ever returns, nor do the observers.
func closeAllThatHangs(t *testing.T, left time.Duration, resources int) {
	var calls journal
	hung := newValve()
	defer hung.release()
	r := quiet()
	for i := range resources {
		r.Register(&fake{name: fmt.Sprintf("r%d", i), calls: &calls, check: hung.wait, close: hung.wait})
	}
	mustOpen(t, r)
	waiting := inBackground(func() registry.Report { return r.CheckAll(t.Context()) })
	synctest.Wait()
	calls.take()
	r.Observe(func(registry.Event) { <-hung })
	ctx, cancel := context.WithTimeout(t.Context(), left)
	defer cancel()
	start := time.Now()
	err := r.CloseAll(ctx)
	tookAtMost(t, start, left+time.Duration(resources)*250*time.Millisecond+100*time.Millisecond)
	if n := len(causes(t, err)); n != resources || len(calls.take()) != resources {
		t.Errorf("%d of %d are named", n, resources)
	}
	<-waiting
}

func TestCloseAllEndsInTimeWhenItIsCancelledMidway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := quiet()
		for _, name := range []string{"a", "b", "c", "d"} {
			r.Register(&fake{name: name, close: hung.wait})
		}
		mustOpen(t, r)
		r.Observe(func(registry.Event) { <-hung })
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(13*time.Second, cancel) // while the second is being closed
		start := time.Now()
		if n := len(causes(t, r.CloseAll(ctx))); n != 4 {
			t.Errorf("%d errors", n)
		}
		tookAtMost(t, start, 13*time.Second+4*250*time.Millisecond+100*time.Millisecond)
	})
}

func TestADeadlineThatPassedLongAgoIsOneThatPassesNow(t *testing.T) {
	for _, ago := range []time.Duration{0, 90 * time.Millisecond, time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			lose := func(ctx context.Context) error {
				<-ctx.Done()
				<-time.After(5 * time.Millisecond)
				return errLost
			}
			var calls journal
			r := opened(t, &fake{name: "a", close: lose}, &fake{name: "b", close: lose},
				&fake{name: "c", close: lose, check: func(ctx context.Context) error {
					<-ctx.Done()
					<-time.After(50 * time.Millisecond)
					calls.add("the check has returned")
					return ctx.Err()
				}})
			checking := inBackground(func() registry.Report { return r.CheckAll(t.Context()) })
			synctest.Wait()
			r.Observe(func(ev registry.Event) {
				<-time.After(5 * time.Millisecond)
				calls.add("observed " + ev.Name)
			})
			ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-ago))
			defer cancel()
			start := time.Now()
			wantErrors(t, r.CloseAll(ctx), "close c: two messages were lost", "close b: two messages were lost",
				"close a: two messages were lost")
			tookAtMost(t, start, 3*250*time.Millisecond+100*time.Millisecond)
			calls.want(t, "the check has returned", "observed c", "observed b", "observed a")
			<-checking
		})
	}
}

// Checks that ignore their context and a Close that hangs use up the spare time of a CloseAll; the next Close
// still has a moment to return when its context is done.
func TestACloseThatObeysIsNeverCalledHung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := quiet()
		for i := range 9 {
			r.Register(&fake{name: fmt.Sprintf("r%d", i), check: hung.wait, close: obey})
		}
		for i := range 9 {
			r.Register(&fake{name: fmt.Sprintf("s%d", i), check: hung.wait, close: hung.wait})
		}
		mustOpen(t, r)
		waiting := inBackground(func() registry.Report { return r.CheckAll(t.Context()) })
		synctest.Wait()
		errs := causes(t, r.CloseAll(ctxDone(t)))
		for i, err := range errs {
			want := registry.KindHung
			if i >= 9 {
				want = registry.KindTimeout
			}
			wantKind(t, err, want)
		}
		if len(errs) != 18 {
			t.Errorf("%d errors", len(errs))
		}
		<-waiting
	})
}
