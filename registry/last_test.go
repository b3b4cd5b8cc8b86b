package registry_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestLastTellsWhatIsKnownWithoutAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls, open: after(time.Second, nil), check: after(time.Second, errRefused)},
			&fake{name: "b", open: failing(errDenied)})
		r.SetOptional("b")
		wantKind(t, r.Last().Results[0].Err, registry.KindNotOpen)
		mustOpen(t, r)
		calls.take()
		last := r.Last().Results
		if last[0].Err != nil || last[0].CheckedAt != time.Now() || last[0].Duration != time.Second {
			t.Errorf("after the opening: %v", last[0])
		}
		if got := last[1].Err.Error(); got != "check b: not open: open b: auth: access denied" {
			t.Error(got)
		}
		if !last[1].CheckedAt.IsZero() || last[1].Status() != registry.Warn {
			t.Errorf("what is not open: %v", last[1])
		}
		<-time.After(time.Second)
		checked := r.Check(t.Context(), "a")
		<-time.After(time.Hour)
		calls.want(t, "check a")
		if last := r.Last().Results[0]; last != checked || last.CheckedAt != time.Now().Add(-time.Hour) {
			t.Errorf("last: %v, and the check was %v", last, checked)
		}
		mustClose(t, r)
		wantKind(t, r.Last().Results[0].Err, registry.KindNotOpen)
	})
}

func TestEveryChecksInTheBackgroundWhileOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var checks atomic.Int32
		fail := atomic.Bool{}
		r := quiet(&fake{name: "a", check: func(context.Context) error {
			checks.Add(1)
			if fail.Load() {
				return errRefused
			}
			return nil
		}})
		r.Every = 10 * time.Second
		mustOpen(t, r)
		events := observe(r)
		<-time.After(time.Minute)
		if n := checks.Load(); n < 6 || n > 8 {
			t.Errorf("%d checks in a minute", n)
		}
		events.take()
		fail.Store(true)
		<-time.After(r.Every)
		if lines := events.take(); len(lines) == 0 || lines[0] != "check a: unreachable" { // with nobody asking
			t.Errorf("events: %q", lines)
		}
		wantKind(t, r.Last().Results[0].Err, registry.KindUnreachable)
		mustClose(t, r)
		checks.Store(0)
		<-time.After(time.Hour)
		if n := checks.Load(); n != 0 {
			t.Errorf("%d checks after CloseAll", n)
		}
	})
}

func TestACheckThatHangsDelaysNoOtherInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		var checks atomic.Int32
		r := quiet(&fake{name: "a", check: hung.wait}, &fake{name: "b", check: func(context.Context) error {
			checks.Add(1)
			return nil
		}})
		r.Every = time.Second
		mustOpen(t, r)
		<-time.After(time.Minute)
		if n := checks.Load(); n < 60 {
			t.Errorf("%d checks of b in a minute", n)
		}
		wantKind(t, r.Last().Results[0].Err, registry.KindHung)
		hung.release()
		mustClose(t, r)
	})
}

func TestAResultIsStaleAfterTwiceEveryAndTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := newValve()
		r := quiet(&fake{name: "a", check: func(context.Context) error {
			<-blocked
			return nil
		}})
		r.Every, r.CheckTimeout = time.Second, time.Hour
		r.SetTimeouts("a", registry.Timeouts{Check: time.Hour})
		mustOpen(t, r)
		<-time.After(2*time.Second + time.Hour/2)
		if err := r.Last().Err(); err != nil {
			t.Errorf("before its time: %v", err)
		}
		r.SetTimeouts("a", registry.Timeouts{Check: 5 * time.Second})
		mustOpen(t, r)
		wantErrors(t, r.Last().Err(), "check a: timeout: the last check ended 30m2s ago")
		blocked.release()
		mustClose(t, r)
	})
}

func TestEveryMayBeAllTheTimeInTheWorld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a"})
		r.Every, r.CloseTimeout = math.MaxInt64, math.MaxInt64
		mustOpen(t, r)
		<-time.After(time.Hour)
		if last := r.Last(); last.Status() != registry.Pass {
			t.Errorf("Last: %v", last.Err())
		}
		events := 0
		r.Observe(func(registry.Event) { <-time.After(50 * time.Millisecond); events++ })
		mustClose(t, r)
		if events != 1 {
			t.Errorf("CloseAll has not waited for the observer: it has %d events", events)
		}
	})
}

func TestCheckAllOfNamesReportsOnThemInTheirOrder(t *testing.T) {
	var calls journal
	r := opened(t, &fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls}, &fake{name: "c", calls: &calls})
	calls.take()
	results := r.CheckAll(t.Context(), "c", "x", "a").Results
	if len(results) != 3 || results[0].Name != "c" || results[1].Name != "x" || results[2].Name != "a" {
		t.Fatalf("results: %v", results)
	}
	if results[0].Err != nil || results[2].Err != nil {
		t.Errorf("results: %v", results)
	}
	if got := results[1].Err.Error(); got != "check x: config: not registered (registered: a, b, c; forgotten import?)" {
		t.Error(got)
	}
	if lines := calls.take(); len(lines) != 2 {
		t.Errorf("calls: %q", lines)
	}
	mustClose(t, r)
}

func TestCheckAllGivesOptionalResources100msMoreThanTheRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := after(3*time.Second, errDenied)
		r := quiet(&fake{name: "silent", check: silent}, &fake{name: "quick", check: after(1090*time.Millisecond, errRefused)},
			&fake{name: "a", check: after(time.Second, nil)})
		r.SetOptional("silent", "quick")
		mustOpen(t, r)
		<-time.After(time.Hour) // the openings are too old to stand for checks
		start := time.Now()
		report := r.CheckAll(t.Context())
		took(t, start, 1100*time.Millisecond)
		if got := report.Results[0].Err.Error(); got != "check silent: timeout: no answer yet" {
			t.Error(got)
		}
		wantKind(t, report.Results[1].Err, registry.KindUnreachable)
		if report.Status() != registry.Warn {
			t.Errorf("status: %s", report.Status())
		}
		<-time.After(2 * time.Second) // the check of silent has ended
		report = r.CheckAll(t.Context())
		wantKind(t, report.Results[0].Err, registry.KindAuth) // its last result
		start = time.Now()
		wantKind(t, r.Check(t.Context(), "silent").Err, registry.KindAuth)
		took(t, start, 1900*time.Millisecond) // Check waits
		mustClose(t, r)
	})
}

func TestCheckAllOfOptionalResourcesAloneDoesNotWaitForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", check: obey})
		r.SetOptional("a")
		mustOpen(t, r)
		start := time.Now()
		if err := r.CheckAll(t.Context()).Results[0].Err; err != nil {
			t.Errorf("%v, and it has just been opened", err)
		}
		took(t, start, 100*time.Millisecond)
		mustClose(t, r)
	})
}

func TestACheckMayAnswerInItsLastTwentieth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := opened(t, &fake{name: "a", check: func(ctx context.Context) error {
			<-ctx.Done()
			<-time.After(200 * time.Millisecond) // less than a twentieth of 5s
			return errRefused
		}})
		start := time.Now()
		wantKind(t, r.CheckAll(t.Context()).Err(), registry.KindUnreachable)
		took(t, start, 4950*time.Millisecond)
		mustClose(t, r)
	})
}

func TestEveryGoesOnWhileALaterOpenAllRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a"})
		r.Every = time.Second
		mustOpen(t, r)
		r.Register(&fake{name: "b", open: after(20*time.Second, errDenied), close: after(time.Second, nil)})
		r.Register(&fake{name: "c"})
		r.SetStages([]string{"c"})
		failed := inBackground(func() error { return r.OpenAll(t.Context()) })
		for range 21 {
			<-time.After(time.Second)
			if a := r.Last().Results[1]; a.Err != nil || time.Since(a.CheckedAt) > r.Every {
				t.Fatalf("%v, found at %v", a, a.CheckedAt)
			}
		}
		wantErrors(t, <-failed, "open b: auth: access denied")
		mustClose(t, r)
	})
}
