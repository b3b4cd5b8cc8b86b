package registry_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

// observe lists the events of these operations, or of all.
func observe(r *registry.Registry, ops ...registry.Op) *journal {
	var events journal
	r.Observe(func(ev registry.Event) {
		if len(ops) > 0 && !slices.Contains(ops, ev.Op) {
			return
		}
		attempt, outcome := "", "<nil>"
		if ev.Attempt > 0 {
			attempt = fmt.Sprintf(" %d", ev.Attempt)
		}
		if ev.Err != nil {
			outcome = string(registry.KindOf(ev.Err))
		}
		events.add(fmt.Sprintf("%s %s%s: %s", ev.Op, ev.Name, attempt, outcome))
	})
	return &events
}

func TestThereIsOneEventForEachAttemptCheckAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		second := func(err error) func(context.Context) error { return after(time.Second, err) }
		r := quiet(&fake{name: "a", open: inTurn(second(errRefused), second(nil)), check: second(errDenied), close: second(errLost)})
		var events []registry.Event
		r.Observe(func(ev registry.Event) { events = append(events, ev) })
		mustOpen(t, r)
		report := r.CheckAll(t.Context())
		closed := r.CloseAll(t.Context())
		want := []registry.Event{
			{Op: registry.OpOpen, Name: "a", Attempt: 1, Duration: time.Second},
			{Op: registry.OpOpen, Name: "a", Attempt: 2, Duration: time.Second},
			{Op: registry.OpCheck, Name: "a", Duration: time.Second, Err: report.Results[0].Err},
			{Op: registry.OpClose, Name: "a", Duration: time.Second, Err: causes(t, closed)[0]},
		}
		if len(events) != len(want) {
			t.Fatalf("events: %v", events)
		}
		if text := fmt.Sprint(events[0].Err); text != "open a: unreachable: connection refused" {
			t.Error(text)
		}
		want[0].Err = events[0].Err
		if !slices.Equal(events, want) {
			t.Errorf("events:\n%v, want\n%v", events, want)
		}
	})
}

func TestTheEventOfACheckIsOutBeforeItsCallersReturn(t *testing.T) {
	for range 100 {
		r := opened(t, &fake{name: "a"})
		events := observe(r)
		r.CheckAll(t.Context())
		events.want(t, "check a: <nil>")
		mustClose(t, r)
		events.want(t, "close a: <nil>")
	}
}

func TestTheEventsOfAResourceComeOneAfterTheOtherAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a"}, &fake{name: "b"})
		var ops [2][]registry.Op
		var inFlight [2]atomic.Int32
		var together atomic.Bool
		r.Observe(func(ev registry.Event) {
			i := int(ev.Name[0] - 'a')
			if inFlight[i].Add(1) > 1 {
				t.Error("two events of one resource at the same time")
			}
			if inFlight[1-i].Load() > 0 {
				together.Store(true)
			}
			<-time.After(300 * time.Millisecond) // longer than OpenAll and CloseAll wait
			ops[i] = append(ops[i], ev.Op)
			inFlight[i].Add(-1)
		})
		mustOpen(t, r)
		r.CheckAll(t.Context())
		mustClose(t, r)
		<-time.After(time.Minute)
		synctest.Wait()
		want := []registry.Op{registry.OpOpen, registry.OpCheck, registry.OpClose}
		if !slices.Equal(ops[0], want) || !slices.Equal(ops[1], want) {
			t.Errorf("events: %v", ops)
		}
		if !together.Load() {
			t.Error("a slow observer of one resource holds up the events of another")
		}
	})
}

// Between an Open and its event there is a record, which may take its time.
func TestTheEventOfAnOpeningComesBeforeThoseOfItsChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newValve()
		r, logs := logged(t, &fake{name: "a"})
		logs.hook = func(message string) {
			if message == "opened" {
				<-slow
			}
		}
		events := observe(r)
		opening := openAll(t, r)
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		slow.release()
		if err := <-opening; err != nil {
			t.Error(err)
		}
		events.want(t, "open a 1: <nil>", "check a: <nil>")
		mustClose(t, r)
	})
}

func TestTheEventOfAHungCheckComesBeforeThatOfTheClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, hung := newValve(), newValve()
		defer hung.release()
		r, logs := logged(t, &fake{name: "a", check: hung.wait})
		logs.hook = func(message string) {
			if message == "unhealthy" {
				<-slow
			}
		}
		mustOpen(t, r)
		events := observe(r)
		checking := inBackground(func() registry.Report { return r.CheckAll(t.Context()) })
		<-time.After(6 * time.Second)
		mustClose(t, r)
		slow.release()
		wantKind(t, (<-checking).Err(), registry.KindNotOpen)
		events.want(t, "check a: hung", "close a: <nil>")
	})
}

func TestAnObserverSeesWhatHappensFromThenOnUntilItIsStopped(t *testing.T) {
	r := opened(t, &fake{name: "a"})
	var first, second journal
	stop := r.Observe(func(ev registry.Event) { first.add(string(ev.Op)) })
	r.Observe(func(ev registry.Event) { second.add(string(ev.Op)) })
	r.CheckAll(t.Context())
	stop()
	stop()
	mustClose(t, r)
	first.want(t, "check")
	second.want(t, "check", "close")
}

func TestAnObserverMayStopItself(t *testing.T) {
	r := opened(t, &fake{name: "a"})
	var seen journal
	var stop func()
	stop = r.Observe(func(ev registry.Event) {
		seen.add(string(ev.Op))
		stop()
	})
	r.CheckAll(t.Context())
	r.CheckAll(t.Context())
	mustClose(t, r)
	seen.want(t, "check")
}

func TestAPanicOrAGoexitInAnObserverHarmsNobody(t *testing.T) {
	r := quiet(&fake{name: "a"})
	r.Observe(func(registry.Event) { panic("boom") })
	r.Observe(func(registry.Event) { _ = exit(t.Context()) })
	r.Observe(nil)
	events := observe(r)
	mustOpen(t, r)
	if err := r.CheckAll(t.Context()).Err(); err != nil {
		t.Error(err)
	}
	mustClose(t, r)
	events.want(t, "open a 1: <nil>", "check a: <nil>", "close a: <nil>")
}

func TestAnObserverMayUseTheRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a"}, &fake{name: "b"})
		other := map[string]string{"a": "b", "b": "a"}
		r.Observe(func(ev registry.Event) {
			r.Names()
			r.Opened()
			r.SetOrder("b")
			r.Register(&fake{name: "c-" + string(ev.Op) + "-" + ev.Name})
			r.Unregister("c-" + string(ev.Op) + "-" + ev.Name)
			if ev.Op != registry.OpCheck {
				r.Check(t.Context(), other[ev.Name])
			}
			r.Observe(func(registry.Event) {})()
		})
		start := time.Now()
		mustOpen(t, r)
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		mustClose(t, r)
		took(t, start, 0)
	})
}

func TestAnObserverThatBlocksMakesTheCheckLookHungAndNothingWorse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		blocked := newValve()
		r := opened(t, &fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls})
		calls.take()
		stop := r.Observe(func(ev registry.Event) {
			if ev.Name == "a" {
				<-blocked
			}
		})
		start := time.Now()
		report := r.CheckAll(t.Context())
		took(t, start, 5*time.Second)
		wantKind(t, report.Results[0].Err, registry.KindHung)
		if err := report.Results[1].Err; err != nil {
			t.Errorf("the other: %v", err)
		}
		wantKind(t, r.Check(t.Context(), "a").Err, registry.KindHung)
		took(t, start, 5*time.Second)

		stop()
		blocked.release()
		synctest.Wait()
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		mustClose(t, r)
	})
}

func TestOpenAllAndCloseAllWaitAtMost100msForAnObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := newValve()
		defer blocked.release()
		r := quiet(&fake{name: "a"})
		r.Observe(func(registry.Event) { <-blocked })
		start := time.Now()
		mustOpen(t, r)
		tookAtMost(t, start, 100*time.Millisecond)
		start = time.Now()
		mustClose(t, r)
		tookAtMost(t, start, 100*time.Millisecond)
	})
}

func TestAnObserverThatChecksItsOwnResourceWaitsForItselfUntilCheckTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := opened(t, &fake{name: "a"})
		inner := make(chan registry.Result, 1)
		stop := r.Observe(func(ev registry.Event) { inner <- r.Check(t.Context(), "a") })
		start := time.Now()
		wantKind(t, r.CheckAll(t.Context()).Err(), registry.KindHung)
		wantKind(t, (<-inner).Err, registry.KindHung)
		took(t, start, 5*time.Second)
		stop()
		synctest.Wait()
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		mustClose(t, r)
	})
}

func TestAnObserverMayCallCloseAll(t *testing.T) {
	for _, op := range []registry.Op{registry.OpOpen, registry.OpCheck, registry.OpClose} {
		synctest.Test(t, func(t *testing.T) {
			var calls journal
			r := quiet(&fake{name: "a", calls: &calls})
			closed := make(chan error, 1)
			r.Observe(func(ev registry.Event) {
				if ev.Op == op {
					closed <- r.CloseAll(t.Context())
				}
			})
			start := time.Now()
			_ = r.OpenAll(t.Context())
			r.CheckAll(t.Context())
			_ = r.CloseAll(t.Context())
			if err := <-closed; err != nil {
				t.Error(err)
			}
			tookAtMost(t, start, 400*time.Millisecond)
			if lines := calls.take(); lines[len(lines)-1] != "close a" {
				t.Errorf("calls: %q", lines)
			}
			wantClosed(t, r)
		})
	}
}

func TestAnObserverMayCallOpenAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: inTurn(failing(errRefused), failing(nil))})
		r.SetOptional("a")
		again := make(chan error, 10)
		r.Observe(func(ev registry.Event) {
			if ev.Op == registry.OpOpen {
				again <- r.OpenAll(t.Context())
			}
		})
		start := time.Now()
		mustOpen(t, r)
		if err := <-again; err != nil {
			t.Error(err)
		}
		tookAtMost(t, start, time.Second)
		mustClose(t, r)
	})
}
