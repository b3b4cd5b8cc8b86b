package registry_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

// goroutines counts those of the registry once they have come to rest.
func goroutines() (n int) {
	synctest.Wait()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "mooring/registry.") {
			n++
		}
	}
	return n
}

func TestACheckThatIgnoresItsContextIsHungAtCheckTimeout(t *testing.T) {
	for _, timeout := range []time.Duration{0, 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			hung := newValve()
			defer hung.release()
			r := quiet(&fake{name: "a", check: hung.wait}, &fake{name: "b"})
			r.CheckTimeout = timeout
			mustOpen(t, r)
			if timeout == 0 {
				timeout = 5 * time.Second
			}
			start := time.Now()
			report := r.CheckAll(t.Context())
			took(t, start, timeout)
			wantErrors(t, report.Err(), "check a: hung: the check has not returned within "+timeout.String())
			wantKind(t, report.Results[0].Err, registry.KindHung)
			if got := report.Results[0].Duration; got != timeout {
				t.Errorf("Duration: %v", got)
			}
			if err := report.Results[1].Err; err != nil {
				t.Error(err)
			}
			mustClose(t, r)
		})
	}
}

func TestEveryoneWhoWaitsLearnsAtOnceThatACheckIsHung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := opened(t, &fake{name: "a", check: hung.wait})
		start := time.Now()
		first := inBackground(func() registry.Report { return r.CheckAll(t.Context()) })
		<-time.After(4 * time.Second)
		report := r.CheckAll(t.Context()) // it joins when a second is left
		took(t, start, 5*time.Second)
		wantKind(t, report.Err(), registry.KindHung)
		wantKind(t, (<-first).Err(), registry.KindHung)
		took(t, start, 5*time.Second)
		mustClose(t, r)
	})
}

func TestALaterCallerLearnsAtOnceThatACheckIsHung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		hung := newValve()
		r := opened(t, &fake{name: "a", calls: &calls, check: inTurn(hung.wait, failing(nil))})
		r.CheckAll(t.Context())
		calls.take()
		<-time.After(5 * time.Second)
		start := time.Now()
		result := r.CheckAll(t.Context()).Results[0]
		took(t, start, 0)
		wantKind(t, result.Err, registry.KindHung)
		if result.Duration != 10*time.Second {
			t.Errorf("Duration: %v", result.Duration)
		}
		calls.want(t)

		hung.release()
		synctest.Wait()
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Errorf("after its return: %v", err)
		}
		calls.want(t, "check a")
		mustClose(t, r)
	})
}

func TestAHungCheckCostsOneGoroutineHoweverOftenItIsProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := opened(t, &fake{name: "a", check: hung.wait})
		before := goroutines()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range 500 {
			r.CheckAll(ctx)
		}
		for range 500 {
			r.CheckAll(t.Context())
		}
		if more := goroutines() - before; more != 1 {
			t.Errorf("%d goroutines more", more)
		}
		mustClose(t, r)
	})
}

func TestACheckIsHungEvenIfNobodyWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := opened(t, &fake{name: "a", check: hung.wait})
		events := observe(r)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r.CheckAll(ctx)
		events.want(t)
		<-time.After(4 * time.Second)
		synctest.Wait()
		events.want(t, "check a: hung")
		mustClose(t, r)
	})
}

func TestTheLateReturnOfAHungCheckIsNoEvent(t *testing.T) {
	for _, late := range []error{nil, errRefused} {
		synctest.Test(t, func(t *testing.T) {
			var logs logbook
			hung := newValve()
			r := quiet(&fake{name: "a", check: inTurn(func(context.Context) error {
				<-hung
				return late
			}, failing(nil))})
			r.Logger = logs.logger()
			mustOpen(t, r)
			logs.settle = synctest.Wait
			logs.take()
			events := observe(r)
			r.CheckAll(t.Context())
			events.want(t, "check a: hung")
			logs.want(t, "WARN unhealthy")
			hung.release()
			synctest.Wait()
			events.want(t)
			logs.want(t)
			r.CheckAll(t.Context())
			events.want(t, "check a: <nil>")
			logs.want(t, "INFO healthy again")
			mustClose(t, r)
		})
	}
}

func TestChecksBecomeHungEachAtItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := opened(t, &fake{name: "a", check: hung.wait}, &fake{name: "b", check: hung.wait}, &fake{name: "c"})
		start := time.Now()
		checked := make(chan registry.Result)
		check := func(name string) { checked <- r.Check(t.Context(), name) }
		go check("a")
		<-time.After(2 * time.Second)
		go check("b")
		r.CheckAll(ctxDone(t))
		for _, want := range []time.Duration{5 * time.Second, 7 * time.Second} {
			result := <-checked
			took(t, start, want)
			wantKind(t, result.Err, registry.KindHung)
		}
		mustClose(t, r)
	})
}

func TestAShorterCheckTimeoutHoldsWhileAnOlderCheckRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := opened(t, &fake{name: "a", check: hung.wait}, &fake{name: "b", check: hung.wait})
		start := time.Now()
		first := inBackground(func() registry.Result { return r.Check(t.Context(), "a") })
		synctest.Wait()
		r.CheckTimeout = time.Second
		mustOpen(t, r)
		wantKind(t, r.Check(t.Context(), "b").Err, registry.KindHung)
		took(t, start, time.Second)
		<-first
		took(t, start, 5*time.Second)
		mustClose(t, r)
	})
}

func TestACheckThatReturnsJustInTimeIsNotHung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := opened(t, &fake{name: "a", check: after(5*time.Second-1, errRefused)})
		wantKind(t, r.CheckAll(t.Context()).Err(), registry.KindUnreachable)
		mustClose(t, r)
	})
}

func TestAHungCheckOutlivesItsCloseAndIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logs logbook
		hung := newValve()
		r := quiet(&fake{name: "a", check: inTurn(hung.fails, failing(nil))})
		r.Logger = logs.logger()
		mustOpen(t, r)
		r.CheckAll(t.Context())
		start := time.Now()
		mustClose(t, r)
		took(t, start, 0) // nobody waits for a check that is hung
		mustOpen(t, r)
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Errorf("the next opening: %v", err)
		}
		events := observe(r)
		logs.take()
		hung.release()
		<-time.After(time.Hour)
		events.want(t)
		logs.want(t)
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		mustClose(t, r)
	})
}
