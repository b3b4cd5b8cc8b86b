package registry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestOpenAllClosesInReverseWhatItHasOpenedWhenOneFails(t *testing.T) {
	var calls journal
	r := quiet(&fake{name: "a", calls: &calls}, &fake{name: "b", calls: &calls},
		&fake{name: "c", calls: &calls, open: failing(errDenied)}, &fake{name: "d", calls: &calls})
	wantErrors(t, r.OpenAll(t.Context()), "open c: auth: access denied")
	calls.want(t, "configure a", "configure b", "configure c", "configure d",
		"open a", "open b", "open c", "close b", "close a")
	if r.Opened() {
		t.Error("Opened after a roll-back")
	}
	for _, result := range r.CheckAll(t.Context()).Results {
		wantKind(t, result.Err, registry.KindNotOpen)
	}
	mustClose(t, r)
	calls.want(t)
}

func TestTheOpenErrorAndTheCloseErrorsComeBackTogether(t *testing.T) {
	r := quiet(&fake{name: "a", close: failing(errLost)}, &fake{name: "b", close: failing(errRefused)},
		&fake{name: "c", open: failing(errDenied)})
	wantErrors(t, r.OpenAll(t.Context()),
		"open c: auth: access denied",
		"close b: unreachable: connection refused",
		"close a: two messages were lost")
}

func TestTheRollBackRunsUnderALiveContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var state error
		var value any
		r := quiet(&fake{name: "a", close: func(ctx context.Context) error {
			state, value = ctx.Err(), ctx.Value(key{})
			return nil
		}}, &fake{name: "b", open: obey})
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "kept"), time.Second)
		defer cancel()
		wantErrors(t, r.OpenAll(ctx), "open b: timeout: context deadline exceeded")
		if state != nil || value != "kept" {
			t.Errorf("Close has a context that is %v and holds %v", state, value)
		}
	})
}

func TestTheRollBackTakesOneCloseTimeoutInAll(t *testing.T) {
	for _, timeout := range []time.Duration{0, time.Second, 300 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			var calls journal
			hung := newValve()
			defer hung.release()
			r := quiet()
			r.CloseTimeout = timeout
			for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
				r.Register(&fake{name: name, calls: &calls, close: hung.wait})
			}
			r.Register(&fake{name: "z", open: failing(errDenied)})
			start := time.Now()
			err := r.OpenAll(t.Context())
			if timeout == 0 {
				timeout = 25 * time.Second
			}
			tookAtMost(t, start, timeout)
			lines := calls.take()
			if closes := len(lines) - 16; closes != 8 {
				t.Errorf("%d of 8 were closed: %q", closes, lines)
			}
			if errs := causes(t, err); len(errs) != 9 || errs[1].Kind != registry.KindHung {
				t.Errorf("errors: %v", err)
			}
		})
	}
}

func TestTheRollBackLeavesAloneWhatWasOpenBefore(t *testing.T) {
	var calls journal
	r := opened(t, &fake{name: "a", calls: &calls})
	calls.take()
	r.Register(&fake{name: "b", calls: &calls})
	r.Register(&fake{name: "c", calls: &calls, open: failing(errDenied)})
	wantErrors(t, r.OpenAll(t.Context()), "open c: auth: access denied")
	calls.want(t, "configure b", "configure c", "open b", "open c", "close b")
	if !r.Check(t.Context(), "a").OK() {
		t.Error("what was open is unwell")
	}
	mustClose(t, r)
	calls.want(t, "check a", "close a")
}

func TestARollBackLeavesTheCheckOfANeighbourAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := opened(t, &fake{name: "a", calls: &calls, check: after(2*time.Second, nil)})
		calls.take()
		events := observe(r, registry.OpCheck)
		r.Register(&fake{name: "b", check: obey})
		r.Register(&fake{name: "c", open: after(time.Second, errDenied)})
		opening := openAll(t, r) // b is open, c is being opened
		start := time.Now()
		report := r.CheckAll(t.Context())
		took(t, start, 2*time.Second)
		wantKind(t, <-opening, registry.KindAuth)
		if err := report.Results[0].Err; err != nil {
			t.Errorf("the neighbour: %v", err)
		}
		for _, result := range report.Results[1:] {
			wantKind(t, result.Err, registry.KindNotOpen)
		}
		calls.want(t, "check a")
		events.want(t, "check a: <nil>")
		mustClose(t, r)
		<-time.After(3 * time.Second) // the check of b, which shares its context with that of a, ends at its time
	})
}

func TestAnOpenAllThatFailsForANameClosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := opened(t, &fake{name: "a", calls: &calls})
		calls.take()
		r.SetOptional("nobody")
		if err := r.OpenAll(t.Context()); err == nil {
			t.Error("a name that is not registered is no error")
		}
		calls.want(t)
		if err := r.Check(t.Context(), "a").Err; err != nil {
			t.Error(err)
		}
	})
}
