package registry_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

// optional registers a and the optional b, and opens what opens of them.
func optional(t *testing.T, b *fake) *registry.Registry {
	t.Helper()
	r := quiet(&fake{name: "a", calls: b.calls}, b)
	r.SetOptional("b")
	mustOpen(t, r)
	return r
}

func TestOpenAllGoesOnWithoutAnOptionalResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: failing(errDenied)}, &fake{name: "b"})
		r.SetOptional("a")
		start := time.Now()
		mustOpen(t, r)
		took(t, start, 0)
		if !r.Opened() {
			t.Error("Opened is false")
		}
		report := r.CheckAll(t.Context())
		if report.Status() != registry.Warn || report.Err() != nil || !report.Results[0].Optional {
			t.Errorf("report: %v", report)
		}
		err := report.Results[0].Err
		wantKind(t, err, registry.KindNotOpen)
		if want := "check a: not open: open a: auth: access denied"; err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
		mustClose(t, r)
	})
}

func TestAnOptionalResourceHasOneAttemptOfAtMost5s(t *testing.T) {
	for _, test := range []struct{ timeout, want time.Duration }{
		{0, 5 * time.Second}, {time.Minute, 5 * time.Second}, {2 * time.Second, 2 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := quiet(&fake{name: "a", open: obey})
			r.OpenTimeout = test.timeout
			r.SetOptional("a")
			events := observe(r)
			start := time.Now()
			mustOpen(t, r)
			took(t, start, test.want)
			events.want(t, "open a 1: timeout")
			mustClose(t, r)
		})
	}
}

func TestAnOptionalResourceIsOpenedInTheBackgroundUntilThatSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no := failing(errRefused)
		b := &fake{name: "b", calls: new(journal), open: inTurn(no, no, no, no, failing(nil))}
		r := optional(t, b)
		b.calls.want(t, "configure a", "configure b", "open a", "open b")
		events := observe(r)
		<-time.After(time.Minute)
		events.want(t, "open b 2: unreachable", "open b 3: unreachable", "open b 4: unreachable", "open b 5: <nil>")
		anew := []string{"configure b", "open b"} // a password may have been repaired
		b.calls.want(t, slices.Repeat(anew, 4)...)
		if report := r.CheckAll(t.Context()); report.Status() != registry.Pass {
			t.Errorf("report: %v", report)
		}
		mustOpen(t, r)
		b.calls.take()
		mustClose(t, r)
		b.calls.want(t, "close b", "close a")
	})
}

func TestTheBackgroundWaitsAsLongAsOpenAllWould(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		r := optional(t, &fake{name: "b", open: attempts(&at, errRefused)})
		<-time.After(time.Hour)
		mustClose(t, r)
		bound, longest := 100*time.Millisecond, time.Duration(0)
		for i := range len(at) - 1 {
			wait := at[i+1].Sub(at[i])
			if wait <= 0 || wait > bound {
				t.Errorf("wait %d is %v, want at most %v", i+1, wait, bound)
			}
			longest = max(longest, wait)
			bound = min(2*bound, 5*time.Second)
		}
		if longest < 4*time.Second {
			t.Errorf("no wait was longer than %v", longest)
		}
	})
}

func TestTheBackgroundRetriesEveryKindOfFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fake{name: "b", open: inTurn(failing(errDenied), failing(errLost), func(context.Context) error { panic("boom") },
			failing(registry.Classify(registry.KindConfig, errLost)), failing(nil))}
		r := optional(t, b)
		events := observe(r)
		<-time.After(time.Minute)
		events.want(t, "open b 2: unknown", "open b 3: panic", "open b 4: config", "open b 5: <nil>")
		mustClose(t, r)
	})
}

func TestTheBackgroundIsDetachedFromTheContextOfOpenAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var value any
		r := quiet(&fake{name: "a", open: inTurn(failing(errRefused), func(ctx context.Context) error {
			value = ctx.Value(key{})
			return ctx.Err()
		})})
		r.SetOptional("a")
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
		if err := r.OpenAll(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		<-time.After(time.Minute)
		if !r.Check(t.Context(), "a").OK() || r.Check(t.Context(), "a").Err != nil || value != "kept" {
			t.Errorf("it is not open, or its context holds %v", value)
		}
		mustClose(t, r)
	})
}

func TestAnAttemptInTheBackgroundTakesAtMost5s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var took time.Duration
		r := optional(t, &fake{name: "b", open: inTurn(failing(errRefused), func(ctx context.Context) error {
			start := time.Now()
			defer func() { took = time.Since(start) }()
			return obey(ctx)
		}, failing(nil))})
		<-time.After(time.Minute)
		synctest.Wait()
		if took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
		mustClose(t, r)
	})
}

func TestCancellingOpenAllDuringAnOptionalAttemptFailsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls}, &fake{name: "b", open: obey})
		r.SetOptional("b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		wantErrors(t, r.OpenAll(ctx), "open b: timeout: context deadline exceeded")
		took(t, start, time.Second)
		calls.want(t, "configure a", "open a", "close a")
	})
}

func TestCloseAllEndsTheOpeningInTheBackground(t *testing.T) {
	for _, open := range []func(context.Context) error{failing(errRefused), obey} {
		synctest.Test(t, func(t *testing.T) {
			b := &fake{name: "b", calls: new(journal), open: inTurn(failing(errRefused), open)}
			r := optional(t, b)
			<-time.After(10 * time.Second)
			b.calls.take()
			start := time.Now()
			mustClose(t, r)
			took(t, start, 0)
			b.calls.want(t, "close a")
			<-time.After(time.Hour)
			b.calls.want(t)
		})
	}
}

func TestWhatOpensInTheBackgroundWhenCloseAllIsCalledIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		}
		b := &fake{name: "b", calls: new(journal), open: inTurn(failing(errRefused), late)}
		r := optional(t, b)
		<-time.After(time.Second) // Open waits
		b.calls.take()
		mustClose(t, r)
		b.calls.want(t, "close b", "close a")
		wantKind(t, r.Check(t.Context(), "b").Err, registry.KindNotOpen)
	})
}

func TestCloseAllWaitsInVainForAHungOpenInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		b := &fake{name: "b", calls: new(journal), open: inTurn(failing(errRefused), hung.wait, failing(nil))}
		r := optional(t, b)
		<-time.After(time.Second)
		b.calls.take()
		start := time.Now()
		mustClose(t, r)
		took(t, start, 100*time.Millisecond)
		b.calls.want(t, "close a")

		mustOpen(t, r) // without b, which is still busy
		b.calls.want(t, "configure a", "open a")
		hung.release()
		<-time.After(time.Minute)
		b.calls.want(t, "close b", "configure b", "open b")
		if b.overlapped.Load() {
			t.Error("Open and Close at the same time")
		}
		mustClose(t, r)
	})
}

func TestTheNextOpenAllTakesOverFromTheBackground(t *testing.T) {
	for _, second := range []func(context.Context) error{failing(errRefused), obey} {
		synctest.Test(t, func(t *testing.T) {
			var up atomic.Bool
			b := &fake{name: "b", calls: new(journal), open: inTurn(failing(errRefused), func(ctx context.Context) error {
				if up.Load() {
					return nil
				}
				return second(ctx)
			})}
			r := optional(t, b)
			<-time.After(time.Second)
			b.calls.take()
			up.Store(true)
			mustOpen(t, r)
			b.calls.want(t, "configure b", "open b")
			if b.overlapped.Load() || r.Check(t.Context(), "b").Err != nil {
				t.Error("it is not open, or was opened twice at the same time")
			}
			<-time.After(time.Hour)
			b.calls.want(t, "check b")
			mustClose(t, r)
		})
	}
}

// optionalFirst is optional with b before a.
func optionalFirst(t *testing.T, b *fake) *registry.Registry {
	t.Helper()
	r := quiet(b, &fake{name: "a", calls: b.calls})
	r.SetOptional("b")
	mustOpen(t, r)
	return r
}

func TestAnOpenAllThatFailsPutsTheBackgroundBackToWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no := failing(errRefused)
		b := &fake{name: "b", calls: new(journal), open: inTurn(no, no, no, failing(nil))}
		r := optionalFirst(t, b)
		r.Register(&fake{name: "c", open: failing(errDenied)})
		if err := r.OpenAll(t.Context()); err == nil {
			t.Fatal("OpenAll is nil")
		}
		<-time.After(time.Minute)
		if err := r.Check(t.Context(), "b").Err; err != nil {
			t.Error(err)
		}
		b.calls.take()
		mustClose(t, r)
		b.calls.want(t, "close a", "close b") // its place is that of the first OpenAll
	})
}

func TestWhatAFailedOpenAllClosesAgainGoesBackToTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fake{name: "b", calls: new(journal), open: inTurn(failing(errRefused), failing(nil))}
		r := optionalFirst(t, b)
		r.Register(&fake{name: "c", calls: b.calls})
		r.Register(&fake{name: "d", open: after(time.Second, errDenied)})
		b.calls.take()
		if err := r.OpenAll(t.Context()); err == nil {
			t.Fatal("OpenAll is nil")
		}
		lines := b.calls.take()
		slices.Sort(lines[2:4]) // b and c open at the same time
		want := []string{"configure b", "configure c", "open b", "open c", "close c", "close b"}
		if !slices.Equal(lines, want) {
			t.Errorf("calls: %q", lines)
		}
		<-time.After(time.Second)
		b.calls.want(t, "configure b", "open b")
		r.Unregister("d")
		mustOpen(t, r)
		b.calls.take()
		mustClose(t, r)
		b.calls.want(t, "close c", "close a", "close b")
	})
}

// The event of an opening in the background may still be on its way when the next OpenAll takes over.
func TestAFailedOpenAllNeverReopensWhatIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fake{name: "b", calls: new(journal), open: inTurn(failing(errRefused), failing(nil))}
		r := optional(t, b)
		told := newValve()
		defer told.release()
		stop := r.Observe(func(registry.Event) { <-told })
		<-time.After(100 * time.Millisecond) // it is open, and the observer blocks
		stop()
		r.Register(&fake{name: "c", open: failing(errDenied)})
		b.calls.take()
		if err := r.OpenAll(t.Context()); err == nil {
			t.Fatal("OpenAll is nil")
		}
		<-time.After(time.Minute)
		b.calls.want(t)
		mustClose(t, r)
		b.calls.want(t, "close b", "close a")
	})
}

func TestALateOpeningKeepsItsPlaceInTheOrderOfClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls},
			&fake{name: "b", calls: &calls, open: inTurn(failing(errRefused), failing(nil))},
			&fake{name: "c", calls: &calls})
		r.SetOptional("b")
		mustOpen(t, r)
		<-time.After(time.Second)
		calls.take()
		mustClose(t, r)
		calls.want(t, "close c", "close b", "close a")
	})
}

func TestAResourceThatNeverOpenedHasNoPlaceInTheNextOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", calls: &calls, open: inTurn(failing(errDenied), failing(nil))},
			&fake{name: "b", calls: &calls})
		r.SetOptional("a")
		mustOpen(t, r)
		mustClose(t, r)
		r.SetOrder("b", "a")
		calls.take()
		mustOpen(t, r)
		mustClose(t, r)
		calls.want(t, "configure b", "configure a", "open b", "open a", "close a", "close b")
	})
}

func TestAFailedOpenAllGivesNoPlaceInTheNextOrder(t *testing.T) {
	var calls journal
	r := quiet(&fake{name: "a", calls: &calls, open: inTurn(failing(errDenied), failing(nil))},
		&fake{name: "b", calls: &calls})
	_ = r.OpenAll(t.Context())
	r.SetOrder("b")
	calls.take()
	mustOpen(t, r)
	mustClose(t, r)
	calls.want(t, "configure b", "configure a", "open b", "open a", "close a", "close b")
}

func TestAHungOptionalResourceIsAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		b := &fake{name: "b", calls: new(journal), open: inTurn(hung.wait, failing(nil))}
		start := time.Now()
		r := optional(t, b)
		took(t, start, 5*time.Second+100*time.Millisecond)
		<-time.After(time.Minute)
		result := r.Check(t.Context(), "b")
		if result.Status() != registry.Warn || !strings.Contains(result.Err.Error(), "abandoned after 5.1s") {
			t.Errorf("check: %v", result.Err)
		}
		b.calls.take()
		hung.release()
		<-time.After(time.Minute)
		b.calls.want(t, "close b", "configure b", "open b")
		if r.Check(t.Context(), "b").Err != nil || b.overlapped.Load() {
			t.Error("it is not open, or Open met Close")
		}
		mustClose(t, r)
	})
}

func TestSetOptionalAddsToWhatWasSet(t *testing.T) {
	r := quiet(&fake{name: "a"}, &fake{name: "b"}, &fake{name: "c"})
	r.SetOptional("a")
	r.SetOptional()
	r.SetOptional("b", "a")
	var names []string
	for _, result := range r.CheckAll(t.Context()).Results {
		if result.Optional {
			names = append(names, result.Name)
		}
	}
	if !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("optional: %q", names)
	}
}
