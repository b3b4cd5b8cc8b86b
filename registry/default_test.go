package registry_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/vibework/mooring/registry"
)

// withDefault registers a resource in Default for the time of a test.
func withDefault(t *testing.T, res registry.Resource) {
	t.Helper()
	registry.Register(res)
	t.Cleanup(func() {
		if err := registry.CloseAll(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("CloseAll: %v", err)
		}
		registry.SetOrder()
		registry.SetOptional()
		if !registry.Unregister(res.Name()) {
			t.Errorf("%s stays registered", res.Name())
		}
	})
}

func TestOpenAllOfAnEmptyDefaultIsAnError(t *testing.T) {
	wantErrors(t, registry.OpenAll(t.Context()), "open all: config: nothing is registered (forgotten import?)")
	if registry.Opened() {
		t.Error("Opened is true")
	}
	if err := registry.New().OpenAll(t.Context()); err != nil {
		t.Errorf("any other registry: %v", err)
	}
}

func TestThePackageFunctionsAreShortcutsForDefault(t *testing.T) {
	var calls journal
	withDefault(t, &fake{name: "a", calls: &calls})
	if got := registry.Default().Names(); !slices.Equal(got, []string{"a"}) || !slices.Equal(registry.Names(), got) {
		t.Fatalf("Default has %q", got)
	}
	var events atomic.Int32
	stop := registry.Observe(func(registry.Event) { events.Add(1) })
	defer stop()
	registry.SetOrder("b")
	if err := registry.OpenAll(t.Context()); !errors.Is(err, registry.ErrNotRegistered) {
		t.Errorf("with an unknown name in the order: %v", err)
	}
	registry.SetOrder()
	registry.SetOptional("b")
	registry.SetTimeouts("b", registry.Timeouts{})
	if err := registry.OpenAll(t.Context()); len(registry.Errors(err)) != 2 {
		t.Errorf("with an unknown optional name that has timeouts: %v", err)
	}
	other := &fake{name: "b"}
	registry.Register(other)
	defer registry.Unregister("b")
	calls.want(t, "configure a", "configure a")
	if err := registry.OpenAll(t.Context()); err != nil || !registry.Opened() || !registry.Default().Opened() {
		t.Errorf("OpenAll: %v", err)
	}
	if report := registry.CheckAll(t.Context(), "a"); report.Status() != registry.Pass || len(report.Results) != 1 {
		t.Errorf("CheckAll: %v", report)
	}
	if last := registry.Last(); last.Status() != registry.Pass || len(last.Results) != 2 {
		t.Errorf("Last: %v", last)
	}
	if result := registry.Check(t.Context(), "a"); result.Err != nil {
		t.Errorf("Check: %v", result.Err)
	}
	registry.Drain()
	if !registry.Draining() || !registry.Default().Draining() {
		t.Error("Draining is false")
	}
	if err := registry.CloseAll(t.Context()); err != nil || registry.Opened() {
		t.Errorf("CloseAll: %v", err)
	}
	calls.want(t, "configure a", "open a", "check a", "check a", "close a")
	if n := events.Load(); n != 6 {
		t.Errorf("%d events", n)
	}
}

func TestGetReturnsAResourceOpenOrNot(t *testing.T) {
	res := &fake{name: "a"}
	withDefault(t, res)
	if got, err := registry.Get[*fake]("a"); err != nil || got != res {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := registry.Get[registry.Configurer]("a"); err != nil || got != registry.Configurer(res) {
		t.Errorf("as an interface: %v, %v", got, err)
	}
	r := opened(t, &fake{name: "b"})
	if got, err := registry.GetFrom[*fake](r, "b"); err != nil || got.name != "b" {
		t.Errorf("%v, %v", got, err)
	}
	mustClose(t, r)
	r.Unregister("b")
	if _, err := registry.GetFrom[*fake](r, "b"); !errors.Is(err, registry.ErrNotRegistered) {
		t.Errorf("after Unregister: %v", err)
	}
}

func TestGetOfAStrangerIsErrNotRegistered(t *testing.T) {
	r := quiet(&fake{name: "mysql"}, &fake{name: "redis"})
	got, err := registry.GetFrom[*fake](r, "mysql-replica")
	if got != nil || !errors.Is(err, registry.ErrNotRegistered) {
		t.Errorf("%v, %v", got, err)
	}
	if want := "get mysql-replica: config: not registered (registered: mysql, redis; forgotten import?)"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if e, ok := errors.AsType[*registry.Error](err); !ok || e.Op != registry.OpGet {
		t.Errorf("%#v", err)
	}
}

func TestGetOfAWrongTypeNamesBothTypes(t *testing.T) {
	r := quiet(&fake{name: "a"})
	_, err := registry.GetFrom[unconfigured](r, "a")
	if want := "get a: config: it is a *registry_test.fake, not a registry_test.unconfigured"; err == nil || err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	_, err = registry.GetFrom[interface{ Ping() }](r, "a")
	if want := "get a: config: it is a *registry_test.fake, not a interface { Ping() }"; err == nil || err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}
