package registry_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestAStageTakesAsLongAsItsSlowestResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet()
		for i, name := range []string{"d", "c", "b", "a"} {
			seconds := time.Duration(i+1) * time.Second
			r.Register(&fake{name: name, calls: &calls, open: after(seconds, nil), close: after(seconds, nil)})
		}
		r.SetStages([]string{"a", "b"}, []string{"c"})
		if names := r.Names(); !slices.Equal(names, []string{"a", "b", "c", "d"}) {
			t.Errorf("Names: %q", names)
		}
		start := time.Now()
		mustOpen(t, r)
		took(t, start, (4+2+1)*time.Second) // a with b, then c, then d
		calls.take()
		start = time.Now()
		mustClose(t, r)
		took(t, start, (1+2+4)*time.Second)
		lines := calls.take()
		slices.Sort(lines[2:])
		if want := []string{"close d", "close c", "close a", "close b"}; !slices.Equal(lines, want) {
			t.Errorf("calls: %q", lines)
		}
	})
}

func TestTheFirstFinalFailureOfAStageEndsTheRetriesOfItsNeighbours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "denied", open: after(time.Second, errDenied)},
			&fake{name: "retried", open: failing(errRefused)},
			&fake{name: "slow", open: after(1900*time.Millisecond, nil), calls: &calls},
			&fake{name: "slower", open: obey})
		r.SetStages([]string{"denied", "retried", "slow", "slower"})
		start := time.Now()
		wantErrors(t, r.OpenAll(t.Context()), "open denied: auth: access denied", "open retried: unreachable: connection refused")
		took(t, start, 2*time.Second)
		calls.want(t, "configure slow", "open slow", "close slow")
	})
}

func TestSetOrderIsSetStagesWithOneNameInEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: after(time.Second, nil)}, &fake{name: "b", open: after(time.Second, nil)})
		r.SetStages([]string{"a", "b"})
		r.SetOrder("b", "a")
		start := time.Now()
		mustOpen(t, r)
		took(t, start, 2*time.Second)
		mustClose(t, r)
	})
}

func TestAStageWhoseClosesHangDelaysTheNextByOneShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := quiet(&fake{name: "first"}, &fake{name: "x", close: hung.wait}, &fake{name: "y", close: hung.wait})
		r.SetStages([]string{"first"}, []string{"x", "y"})
		mustOpen(t, r)
		start := time.Now()
		err := r.CloseAll(ctxDone(t))
		took(t, start, 250*time.Millisecond)
		if names := namesOf(err); !slices.Equal(names, []string{"x", "y"}) {
			t.Errorf("CloseAll names %q", names)
		}
	})
}

func namesOf(err error) (names []string) {
	for _, e := range registry.Errors(err) {
		names = append(names, e.Name)
	}
	return names
}

func TestAResourceMayHaveTimeoutsOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		own := registry.Timeouts{Open: time.Second, Check: 2 * time.Second, Close: 3 * time.Second}
		r := quiet(&fake{name: "a", open: obey})
		r.SetTimeouts("a", own)
		start := time.Now()
		wantKind(t, r.OpenAll(t.Context()), registry.KindTimeout)
		took(t, start, own.Open)

		r = quiet(&fake{name: "a", check: hung.wait, close: hung.wait}, &fake{name: "b", check: hung.wait})
		r.SetTimeouts("a", own)
		mustOpen(t, r)
		start = time.Now()
		wantKind(t, r.Check(t.Context(), "a").Err, registry.KindHung)
		took(t, start, own.Check)
		r.CheckAll(t.Context())
		took(t, start, own.Check+5*time.Second)
		start = time.Now()
		wantErrors(t, r.CloseAll(t.Context()), "close a: hung: abandoned after 3s: context deadline exceeded")
		took(t, start, own.Close)
	})
}

func TestTimeoutsHoldFromTheNextOpenAllOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		defer hung.release()
		r := opened(t, &fake{name: "a", check: hung.wait})
		r.SetTimeouts("a", registry.Timeouts{Check: time.Second})
		mustOpen(t, r)
		start := time.Now()
		wantKind(t, r.Check(t.Context(), "a").Err, registry.KindHung)
		took(t, start, time.Second)
		mustClose(t, r)
	})
}

func TestOptionalResourcesOpenBesideTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "x", open: obey}, &fake{name: "y", open: obey}, &fake{name: "a", open: after(4*time.Second, nil)})
		r.SetOptional("x", "y")
		start := time.Now()
		mustOpen(t, r)
		took(t, start, 5*time.Second) // x and y began together, and a was not kept waiting
		mustClose(t, r)
	})
}

func TestARequiredFailureEndsTheAttemptsOfOptionalResources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "x", open: obey}, &fake{name: "a", open: after(time.Second, errDenied)})
		r.SetOptional("x")
		start := time.Now()
		wantErrors(t, r.OpenAll(t.Context()), "open a: auth: access denied")
		took(t, start, time.Second)
	})
}

func TestErrorsFindsEveryErrorOfARegistry(t *testing.T) {
	r := quiet(&fake{name: "a", close: failing(errLost)}, &fake{name: "b", close: failing(errDenied)})
	mustOpen(t, r)
	closed := r.CloseAll(t.Context())
	found := registry.Errors(errors.Join(errLost, closed))
	if len(found) != 2 || found[0].Name != "b" || found[1].Name != "a" || found[0].Kind != registry.KindAuth {
		t.Errorf("Errors: %v", found)
	}
	if registry.Errors(nil) != nil || registry.Errors(errLost) != nil {
		t.Error("there are errors in what no registry has returned")
	}
}

func TestEveryKindHasAStatusAndAdvice(t *testing.T) {
	var retryable []registry.Kind
	for _, kind := range registry.Kinds() {
		if kind.Retryable() {
			retryable = append(retryable, kind)
		}
		want := registry.Fail
		if kind == registry.KindDegraded {
			want = registry.Warn
		}
		if kind.Status() != want || kind.Advice() == "" {
			t.Errorf("%s: %s, %q", kind, kind.Status(), kind.Advice())
		}
		if got := (registry.Result{Err: registry.Classify(kind, errLost)}).Status(); got != want {
			t.Errorf("a result of kind %s: %s", kind, got)
		}
	}
	want := []registry.Kind{
		registry.KindUnreachable, registry.KindTimeout, registry.KindExhausted, registry.KindLoading, registry.KindReadOnly,
	}
	if !slices.Equal(retryable, want) {
		t.Errorf("retryable: %q", retryable)
	}
	if other := registry.Kind("other"); other.Retryable() || other.Status() != registry.Fail || other.Advice() != "" {
		t.Error("a kind that nobody knows is not a final failure")
	}
}
