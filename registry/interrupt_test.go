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

// openAll calls OpenAll in the background and comes back when it has come as far as it can.
func openAll(t *testing.T, r *registry.Registry) <-chan error {
	t.Helper()
	result := inBackground(func() error { return r.OpenAll(t.Context()) })
	synctest.Wait()
	return result
}

func wantClosed(t *testing.T, r *registry.Registry) {
	t.Helper()
	if r.Opened() {
		t.Error("Opened is true")
	}
	for _, result := range r.CheckAll(t.Context()).Results {
		wantKind(t, result.Err, registry.KindNotOpen)
	}
}

func TestCloseAllCancelsAnOpenAllThatConfigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls, configure: func() error { return after(50*time.Millisecond, nil)(t.Context()) }})
		opening := openAll(t, r)
		start := time.Now()
		mustClose(t, r)
		took(t, start, 50*time.Millisecond)
		wantErrors(t, <-opening, "open a: canceled: context canceled: CloseAll was called")
		calls.want(t, "configure a")
		wantClosed(t, r)
	})
}

func TestCloseAllCancelsAnOpenAllThatWaitsToTryAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls}, &fake{name: "b", open: failing(errRefused)})
		opening := openAll(t, r)
		<-time.After(10 * time.Second)
		start := time.Now()
		mustClose(t, r)
		took(t, start, 0)
		wantErrors(t, <-opening,
			"open b: canceled: context canceled: CloseAll was called; last attempt: connection refused")
		calls.want(t, "configure a", "open a", "close a")
		wantClosed(t, r)
	})
}

func TestWhoWaitsForACheckNeedNotWaitUntilCloseAllHasStoppedOpenAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := opened(t, &fake{name: "a", check: obey})
		r.Register(&fake{name: "b", open: hung.wait})
		opening := openAll(t, r)
		checking := inBackground(func() registry.Report { return r.CheckAll(t.Context()) })
		synctest.Wait()
		start := time.Now()
		closing := inBackground(func() error { return r.CloseAll(t.Context()) })
		wantKind(t, (<-checking).Results[0].Err, registry.KindNotOpen)
		took(t, start, 0)
		if err := <-closing; err != nil {
			t.Error(err)
		}
		wantKind(t, <-opening, registry.KindHung)
	})
}

func TestCloseAllReturnsAfterTheOpenAllThatItCancels(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			r := quiet(&fake{name: "a"}, &fake{name: "b", open: obey})
			opening := openAll(t, r)
			mustClose(t, r)
			if !r.Unregister("a") || !r.Unregister("b") {
				t.Error("OpenAll still wants them")
			}
			wantKind(t, <-opening, registry.KindCanceled)
		})
	}
}

func TestCloseAllCancelsAnOpenThatObeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls}, &fake{name: "b", open: obey}, &fake{name: "c", calls: &calls})
		opening := openAll(t, r)
		start := time.Now()
		mustClose(t, r)
		took(t, start, 0)
		wantErrors(t, <-opening, "open b: canceled: context canceled: CloseAll was called")
		calls.want(t, "configure a", "configure c", "open a", "close a")
		wantClosed(t, r)
	})
}

func TestCloseAllCancelsTheOpeningOfAnOptionalResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls, open: obey})
		r.SetOptional("a")
		opening := openAll(t, r)
		mustClose(t, r)
		wantErrors(t, <-opening, "open a: canceled: context canceled: CloseAll was called")
		calls.take()
		<-time.After(time.Hour)
		calls.want(t) // it is not opened in the background
	})
}

func TestCloseAllWaitsForAnOpenAsLongAsOpenAllDoes(t *testing.T) {
	for _, ctx := range []func(*testing.T) context.Context{(*testing.T).Context, ctxDone} {
		synctest.Test(t, func(t *testing.T) {
			var calls journal
			hung := newValve()
			r := quiet(&fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls, open: hung.wait})
			opening := openAll(t, r)
			calls.take()
			start := time.Now()
			if err := r.CloseAll(ctx(t)); err != nil {
				t.Error(err)
			}
			took(t, start, 100*time.Millisecond)
			wantErrors(t, <-opening, "open b: hung: abandoned after 100ms: context canceled")
			calls.want(t, "close a")
			wantClosed(t, r)
			hung.release()
			synctest.Wait()
			calls.want(t, "close b")
		})
	}
}

func TestWhatOpensWhileCloseAllCancelsIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls, open: func(ctx context.Context) error {
			<-ctx.Done()
			<-time.After(99 * time.Millisecond)
			return nil
		}})
		opening := openAll(t, r)
		calls.take()
		if err := r.CloseAll(ctxDone(t)); err != nil {
			t.Error(err)
		}
		calls.want(t, "close b", "close a")
		wantErrors(t, <-opening, "open all: canceled: context canceled: CloseAll was called")
		wantClosed(t, r)
	})
}

func TestWhatOpensWhileCloseAllCancelsIsNotOpenForChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls, open: func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		}})
		blocked := newValve()
		defer blocked.release()
		r.Observe(func(registry.Event) { <-blocked })
		opening := openAll(t, r)
		closing := inBackground(func() error { return r.CloseAll(t.Context()) })
		synctest.Wait() // a is open, and the observer holds everything up
		wantKind(t, r.CheckAll(t.Context()).Err(), registry.KindNotOpen)
		if err := <-closing; err != nil {
			t.Error(err)
		}
		wantKind(t, <-opening, registry.KindCanceled)
		calls.want(t, "configure a", "open a", "close a")
	})
}

func TestACloseAllJustBeforeSuccessFailsOpenAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r, logs := logged(t, &fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls})
		closed := make(chan error, 1)
		logs.hook = func(message string) {
			if message == "opened" && r.Check(t.Context(), "b").Err == nil { // b is the last
				go func() { closed <- r.CloseAll(t.Context()) }()
				<-time.After(time.Millisecond)
			}
		}
		start := time.Now()
		wantErrors(t, r.OpenAll(t.Context()), "open all: canceled: context canceled: CloseAll was called")
		if err := <-closed; err != nil {
			t.Error(err)
		}
		tookAtMost(t, start, 300*time.Millisecond)
		calls.want(t, "configure a", "configure b", "open a", "open b", "check b", "close b", "close a")
		wantClosed(t, r)
	})
}

// An Open that returns at the last moment and an observer that blocks together hold OpenAll up for longer than
// CloseAll waits for it.
func TestAnOpenAllThatOutlastsCloseAllFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls, open: func(ctx context.Context) error {
			<-ctx.Done()
			<-time.After(90 * time.Millisecond)
			return nil
		}})
		blocked := newValve()
		defer blocked.release()
		r.Observe(func(registry.Event) { <-blocked })
		opening := openAll(t, r)
		start := time.Now()
		if err := r.CloseAll(ctxDone(t)); err != nil {
			t.Error(err)
		}
		tookAtMost(t, start, 350*time.Millisecond)
		calls.want(t, "configure a", "open a", "close a")
		wantErrors(t, <-opening, "open all: canceled: context canceled: CloseAll was called")
		wantClosed(t, r)
		calls.want(t)
	})
}

func TestCloseAllClosesInItsOwnTimeWhatOpenAllLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls, close: obey}, &fake{name: "b", calls: &calls, close: obey},
			&fake{name: "c", open: obey})
		opening := openAll(t, r)
		calls.take()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		wantErrors(t, r.CloseAll(ctx),
			"close b: timeout: context deadline exceeded", "close a: timeout: context deadline exceeded")
		took(t, start, 1900*time.Millisecond)
		wantErrors(t, <-opening, "open c: canceled: context canceled: CloseAll was called")
		calls.want(t, "close b", "close a")
	})
}

// rollingBack is a registry with an OpenAll whose roll-back is in the middle of closing c, with b and a to come.
func rollingBack(t *testing.T, calls *journal, c func(context.Context) error) (*registry.Registry, <-chan error) {
	t.Helper()
	r := quiet(&fake{name: "a", calls: calls}, &fake{name: "b", calls: calls},
		&fake{name: "c", calls: calls, close: c}, &fake{name: "d", open: failing(errDenied)})
	opening := openAll(t, r)
	<-time.After(time.Second)
	calls.take()
	return r, opening
}

func TestACloseAllDuringARollBackWaitsForItAndTellsItsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r, opening := rollingBack(t, &calls, after(3*time.Second, errLost))
		start := time.Now()
		wantErrors(t, r.CloseAll(t.Context()), "close c: two messages were lost")
		took(t, start, 2*time.Second)
		wantErrors(t, <-opening, "open d: auth: access denied", "close c: two messages were lost")
		calls.want(t, "close b", "close a") // each once
		wantClosed(t, r)
	})
}

func TestACloseAllDuringARollBackThatHangsNamesItAndClosesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		hung := newValve()
		r, opening := rollingBack(t, &calls, inTurn(hung.wait, failing(nil)))
		start := time.Now()
		wantErrors(t, r.CloseAll(ctxDone(t)), "close c: hung: an earlier call of this resource has not returned yet")
		tookAtMost(t, start, 350*time.Millisecond)
		calls.want(t, "close b", "close a")
		errs := causes(t, <-opening)
		if len(errs) != 2 || errs[0].Name != "d" || errs[1].Name != "c" || errs[1].Kind != registry.KindHung {
			t.Errorf("OpenAll: %v", errs)
		}
		tookAtMost(t, start, 25*time.Second)
		calls.want(t)
		hung.release()
		synctest.Wait()
		if err := r.OpenAll(t.Context()); registry.KindOf(err) != registry.KindAuth {
			t.Error(err)
		}
	})
}

func TestCloseAllCancelsAnOpenAllThatWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls, open: obey})
		first := openAll(t, r)
		second := openAll(t, r)
		mustClose(t, r)
		wantErrors(t, <-first, "open a: canceled: context canceled: CloseAll was called")
		wantErrors(t, <-second, "open all: canceled: stopped waiting for its turn: context canceled: CloseAll was called")
		calls.want(t, "configure a", "open a")
	})
}

func TestCloseAllCancelsAnOpenAllThatWaitsForAnEarlierCloseAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := opened(t, &fake{name: "a", calls: &calls, close: after(time.Second, nil)})
		closing := inBackground(func() error { return r.CloseAll(t.Context()) })
		synctest.Wait()
		opening := openAll(t, r)
		calls.take()
		mustClose(t, r)
		wantErrors(t, <-opening, "open all: canceled: stopped waiting for its turn: context canceled: CloseAll was called")
		calls.want(t)
		if err := <-closing; err != nil {
			t.Error(err)
		}
	})
}

func TestACloseAllThatIsCancelledStopsWaitingForTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		var calls journal
		late := func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		}
		b := &fake{name: "b", calls: &calls, open: inTurn(failing(errRefused), late), close: hung.wait}
		r := optional(t, b)
		<-time.After(time.Second)
		calls.take()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		err := r.CloseAll(ctx)
		tookAtMost(t, start, time.Second+600*time.Millisecond)
		wantErrors(t, err, "close b: hung: abandoned after 1.25s: context canceled")
		calls.want(t, "close b", "close a")
		hung.release()
		synctest.Wait()
		wantClosed(t, r)
	})
}

func TestACloseAllDuringAnOpenAllEndsInTimeWhenEverythingHangs(t *testing.T) {
	for _, resources := range []int{1, 2, 5, 20} {
		for _, hangs := range []int{0, resources / 2, resources - 1, resources} { // which Open does; none is the last
			t.Run(fmt.Sprint(hangs, " of ", resources), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { interruptHung(t, resources, hangs) })
			})
		}
	}
}

func interruptHung(t *testing.T, resources, hangs int) {
	hung, waits, logging := newValve(), newValve(), newValve()
	defer hung.release()
	r, logs := logged(t)
	for i := range resources {
		res := &fake{name: fmt.Sprintf("r%02d", i), check: hung.wait, close: hung.wait}
		if i == hangs {
			res.open = hung.wait
		}
		r.Register(res)
	}
	var opened atomic.Int32
	logs.hook = func(message string) {
		if message == "opened" && int(opened.Add(1)) == resources {
			waits.release() // the last has been opened: CloseAll comes just before success
			<-logging
		}
	}
	opening := inBackground(func() error { return r.OpenAll(t.Context()) })
	if hangs == resources {
		<-waits
	}
	synctest.Wait()
	r.Observe(func(registry.Event) { <-hung })
	checking := inBackground(func() registry.Report { return r.CheckAll(t.Context()) })
	synctest.Wait()
	start := time.Now()
	err := r.CloseAll(ctxDone(t))
	tookAtMost(t, start, time.Duration(resources)*250*time.Millisecond+100*time.Millisecond)
	var names []string
	for _, cause := range causes(t, err) {
		names = append(names, cause.Name)
	}
	if len(names) != hangs || !slices.IsSortedFunc(names, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("CloseAll names %q", names)
	}
	logging.release()
	if err := <-opening; err == nil {
		t.Errorf("OpenAll: %v", err)
	}
	tookAtMost(t, start, 20*time.Second)
	<-checking
}
