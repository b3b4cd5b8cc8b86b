package registry_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

// observe lists the events of these operations, or of all, as they have arrived once everything has come to rest.
func observe(r *registry.Registry, ops ...registry.Op) *journal {
	events := journal{settle: synctest.Wait}
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
		synctest.Wait()
		if len(events) != len(want) {
			t.Fatalf("events: %v", events)
		}
		if text := fmt.Sprint(events[0].Err); text != "open a: unreachable: connection refused" {
			t.Error(text)
		}
		want[0].Err = events[0].Err
		for i, ev := range events {
			want[i].Time = ev.Time // when it begins is the time after the one before, and its wait
			if i > 0 && ev.Time.Before(events[i-1].Time.Add(time.Second)) {
				t.Errorf("event %d is of %v, the one before of %v", i, ev.Time, events[i-1].Time)
			}
		}
		if !slices.Equal(events, want) {
			t.Errorf("events:\n%v, want\n%v", events, want)
		}
	})
}

func TestTheEventsOfAnObserverComeOneAfterTheOtherAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a"}, &fake{name: "b"})
		ops := make(map[string][]registry.Op)
		var inFlight atomic.Int32
		r.Observe(func(ev registry.Event) {
			if inFlight.Add(1) > 1 {
				t.Error("two events at the same time")
			}
			<-time.After(300 * time.Millisecond)
			ops[ev.Name] = append(ops[ev.Name], ev.Op)
			inFlight.Add(-1)
		})
		mustOpen(t, r)
		r.CheckAll(t.Context())
		mustClose(t, r)
		<-time.After(time.Minute)
		synctest.Wait()
		want := []registry.Op{registry.OpOpen, registry.OpCheck, registry.OpClose}
		if !slices.Equal(ops["a"], want) || !slices.Equal(ops["b"], want) {
			t.Errorf("events: %v", ops)
		}
	})
}

func TestAnObserverThatBlocksKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := newValve()
		defer blocked.release()
		r := quiet(&fake{name: "a"})
		r.Observe(func(registry.Event) { <-blocked })
		events := observe(r)
		start := time.Now()
		mustOpen(t, r)
		for range 10 {
			if err := r.CheckAll(t.Context()).Err(); err != nil {
				t.Error(err)
			}
		}
		took(t, start, 0)
		if lines := events.take(); len(lines) != 11 {
			t.Errorf("the other observer has %q", lines)
		}
		mustClose(t, r)
		took(t, start, 100*time.Millisecond) // in case it comes to
	})
}

func TestAnObserverThatIsStoppedIsNotCalledAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := newValve()
		var calls atomic.Int32
		r := opened(t, &fake{name: "a"})
		stop := r.Observe(func(registry.Event) {
			calls.Add(1)
			<-blocked
		})
		for range 5 {
			r.CheckAll(t.Context())
		}
		synctest.Wait()
		stop()
		blocked.release()
		mustClose(t, r)
		synctest.Wait()
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestAFullQueueDropsTheOldestEventsAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := newValve()
		var checks atomic.Int32
		r, logs := logged(t, &fake{name: "a"})
		mustOpen(t, r)
		r.Observe(func(registry.Event) {
			<-blocked
			checks.Add(1)
		})
		const more = 10
		for range 1 + 1024 + more { // one is with the observer
			r.CheckAll(t.Context())
			synctest.Wait()
		}
		logs.take()
		blocked.release()
		synctest.Wait()
		if n := checks.Load(); n != 1+1024 {
			t.Errorf("%d events", n)
		}
		logs.want(t, "WARN events dropped: an observer is too slow")
		if n := logs.last(t, "events")["events"].Int64(); n != more {
			t.Errorf("%d are said to be dropped", n)
		}
		mustClose(t, r)
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
		wantKind(t, (<-checking).Err(), registry.KindHung) // whatever the logger does
		events.want(t, "check a: hung", "close a: <nil>")
	})
}

func TestAnObserverSeesWhatHappensFromThenOnUntilItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := opened(t, &fake{name: "a"})
		first, second := journal{settle: synctest.Wait}, journal{settle: synctest.Wait}
		stop := r.Observe(func(ev registry.Event) { first.add(string(ev.Op)) })
		r.Observe(func(ev registry.Event) { second.add(string(ev.Op)) })
		r.CheckAll(t.Context())
		synctest.Wait()
		stop()
		stop()
		mustClose(t, r)
		first.want(t, "check")
		second.want(t, "check", "close")
	})
}

func TestAnObserverMayStopItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := opened(t, &fake{name: "a"})
		seen := journal{settle: synctest.Wait}
		var stop func()
		stop = r.Observe(func(ev registry.Event) {
			seen.add(string(ev.Op))
			stop()
		})
		r.CheckAll(t.Context())
		r.CheckAll(t.Context())
		mustClose(t, r)
		seen.want(t, "check")
	})
}

func TestAPanicOrAGoexitInAnObserverHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a"})
		r.Observe(func(registry.Event) { panic("boom") })
		r.Observe(func(registry.Event) { _ = exit(t.Context()) })
		events := observe(r)
		mustOpen(t, r)
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		mustClose(t, r)
		events.want(t, "open a 1: <nil>", "check a: <nil>", "close a: <nil>")
	})
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

func TestAnObserverMayCheckItsOwnResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := opened(t, &fake{name: "a"})
		inner := make(chan registry.Result, 1)
		var stop func()
		stop = r.Observe(func(registry.Event) {
			stop()
			inner <- r.Check(t.Context(), "a")
		})
		start := time.Now()
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		if err := (<-inner).Err; err != nil {
			t.Error(err)
		}
		took(t, start, 0)
		mustClose(t, r)
	})
}

func TestObserveOfNilPanicsAndSaysWhere(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "event_test.go:") {
			t.Error(got)
		}
	}()
	quiet().Observe(nil)
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
