package registry_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

// panicOf returns the text that f panics with, or "".
func panicOf(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

// here is the caller's place so many lines further down, as a panic tells it.
func here(below int) string {
	_, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("%s:%d", file, line+below)
}

func TestTheZeroRegistryIsEmptyAndReady(t *testing.T) {
	var r registry.Registry
	if err := r.OpenAll(t.Context()); err != nil {
		t.Errorf("OpenAll: %v", err)
	}
	if report := r.CheckAll(t.Context()); !report.OK() || len(report.Results) != 0 {
		t.Errorf("CheckAll: %v", report)
	}
	if err := r.CloseAll(t.Context()); err != nil {
		t.Errorf("CloseAll: %v", err)
	}
	if len(r.Names()) != 0 || r.Unregister("a") || r.Draining() || r.Opened() {
		t.Error("the zero registry is not empty")
	}
	r.Register(&fake{name: "a"})
	if got := r.Names(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("Names: %q", got)
	}
}

func TestRegisterOnlyRecords(t *testing.T) {
	var calls journal
	r := registry.New()
	r.Register(&fake{name: "a", calls: &calls})
	calls.want(t)
}

type nameless struct {
	registry.Resource

	ask func() string
}

func (n nameless) Name() string { return n.ask() }

func TestNoLockIsHeldWhenAResourceIsAskedForItsName(t *testing.T) {
	r := quiet(&fake{name: "a"})
	r.Register(nameless{ask: func() string { return r.Names()[0] + "-replica" }})
	if got := r.Names(); !slices.Equal(got, []string{"a", "a-replica"}) {
		t.Errorf("Names: %q", got)
	}
}

func TestRegisterPanicsOnANilResource(t *testing.T) {
	for _, res := range []registry.Resource{nil, (*fake)(nil)} {
		place := here(1)
		text := panicOf(func() { registry.New().Register(res) })
		if want := "registry: Register of a nil resource at " + place; text != want {
			t.Errorf("panics with %q, want %q", text, want)
		}
	}
}

func TestRegisterPanicsOnAMalformedName(t *testing.T) {
	for _, name := range []string{
		"", "-", "a-", "-a", "a--b", "A", "mySQL", "1a", "a_b", "a b", "a.b", "a/b", "é", "a\n",
	} {
		place := here(1)
		text := panicOf(func() { registry.New().Register(&fake{name: name}) })
		want := fmt.Sprintf("registry: malformed resource name %q at %s: ", name, place)
		if !strings.HasPrefix(text, want) || !strings.Contains(text, "mysql-replica") {
			t.Errorf("panics with %q, want %q and an example", text, want)
		}
	}
}

func TestRegisterTakesNamesOfWordsAndDigits(t *testing.T) {
	for _, name := range []string{"a", "mysql", "mysql-replica", "a1", "a-1", "a1-b2-c3", "s3"} {
		if text := panicOf(func() { registry.New().Register(&fake{name: name}) }); text != "" {
			t.Errorf("%q: panics with %q", name, text)
		}
	}
}

func TestRegisterPanicsOnADuplicateAndNamesBothPlaces(t *testing.T) {
	r := registry.New()
	first := here(1)
	r.Register(&fake{name: "a"})
	second := here(1)
	text := panicOf(func() { r.Register(&fake{name: "a"}) })
	want := fmt.Sprintf("registry: %q is registered twice: at %s and at %s", "a", first, second)
	if text != want {
		t.Errorf("panics with %q, want %q", text, want)
	}
	if got := r.Names(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("Names: %q, want the first", got)
	}
}

func TestAPanicNamesTheFileOfTheRegistration(t *testing.T) {
	text := panicOf(func() { registry.New().Register(&fake{}) })
	if !strings.Contains(text, string(filepath.Separator)+"register_test.go:") {
		t.Errorf("panics with %q, which does not name this file", text)
	}
}

func TestNamesAreInTheOrderOfOpening(t *testing.T) {
	r := quiet(&fake{name: "a"}, &fake{name: "b"}, &fake{name: "c"}, &fake{name: "d"})
	want := func(names ...string) {
		t.Helper()
		if got := r.Names(); !slices.Equal(got, names) {
			t.Errorf("Names: %q, want %q", got, names)
		}
	}
	want("a", "b", "c", "d")
	r.SetOrder("d", "b")
	want("d", "b", "a", "c")
	r.SetOrder("c") // it replaces what was set
	want("c", "a", "b", "d")
	r.SetOrder("b", "a", "b")
	want("b", "a", "c", "d")
	r.Unregister("a")
	want("b", "c", "d")
	r.Register(&fake{name: "a"})
	want("b", "a", "c", "d")
	r.SetOrder()
	want("b", "c", "d", "a")
}

func TestTheCallerOwnsWhatNamesReturns(t *testing.T) {
	r := quiet(&fake{name: "a"}, &fake{name: "b"})
	r.Names()[0] = "z"
	order := []string{"b"}
	r.SetOrder(order...)
	order[0] = "a"
	if got := r.Names(); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("Names: %q", got)
	}
}

func TestUnregisterDropsAResourceThatIsNotOpen(t *testing.T) {
	var calls journal
	r := quiet(&fake{name: "a", calls: &calls}, &fake{name: "b"})
	if !r.Unregister("a") {
		t.Fatal("Unregister is false")
	}
	if r.Unregister("a") || r.Unregister("c") {
		t.Error("Unregister of a stranger is true")
	}
	mustOpen(t, r)
	mustClose(t, r)
	calls.want(t)
	if !r.Unregister("b") {
		t.Error("Unregister after CloseAll is false")
	}
}

func TestUnregisterKeepsAnOpenResource(t *testing.T) {
	r := opened(t, &fake{name: "a"})
	if r.Unregister("a") {
		t.Error("Unregister is true")
	}
	if !r.CheckAll(t.Context()).OK() || len(r.Names()) != 1 {
		t.Error("it is gone")
	}
	mustClose(t, r)
}

func TestUnregisterKeepsWhatOpenAllIsGoingToOpen(t *testing.T) {
	var r *registry.Registry
	unregistered := true
	r = quiet(&fake{name: "a", open: func(context.Context) error {
		unregistered = r.Unregister("b")
		return nil
	}}, &fake{name: "b"})
	mustOpen(t, r)
	if unregistered {
		t.Error("Unregister is true during OpenAll")
	}
	mustClose(t, r)
}

func TestUnregisterWhileOpenAllBeginsLeavesNothingOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		slow := func(ctx context.Context) error {
			<-ctx.Done()
			<-time.After(50 * time.Millisecond)
			return ctx.Err()
		}
		r := quiet(&fake{name: "slow", open: inTurn(failing(errRefused), slow, failing(nil))})
		r.SetOptional("slow")
		mustOpen(t, r)
		<-time.After(time.Second) // the background waits in Open
		r.Register(&fake{name: "b", calls: &calls})
		result := inBackground(func() error { return r.OpenAll(t.Context()) })
		synctest.Wait() // OpenAll waits until the background has ended
		dropped := r.Unregister("b")
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		if dropped {
			calls.want(t)
		}
		mustClose(t, r)
	})
}

func TestUnregisterIsFalseWhileAnAbandonedOpenOrCloseRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := newValve()
		r := quiet(&fake{name: "a", open: hung.wait})
		if err := r.OpenAll(t.Context()); err == nil {
			t.Fatal("OpenAll is nil")
		}
		if r.Unregister("a") {
			t.Error("Unregister is true during Open")
		}
		hung.release()
		synctest.Wait()
		if !r.Unregister("a") {
			t.Error("Unregister is false after Open")
		}

		hung = newValve()
		r = opened(t, &fake{name: "a", close: hung.wait})
		if err := r.CloseAll(ctxDone(t)); err == nil {
			t.Fatal("CloseAll is nil")
		}
		if r.Unregister("a") {
			t.Error("Unregister is true during Close")
		}
		hung.release()
		synctest.Wait()
		if !r.Unregister("a") {
			t.Error("Unregister is false after Close")
		}
	})
}

func TestUnregisterEndsTheOpeningInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		r := quiet(&fake{name: "a", open: failing(errRefused), calls: &calls})
		r.SetOptional("a")
		mustOpen(t, r)
		if !r.Unregister("a") {
			t.Fatal("Unregister is false")
		}
		calls.take()
		<-time.After(time.Minute)
		calls.want(t)
		if report := r.CheckAll(t.Context()); len(report.Results) != 0 {
			t.Errorf("CheckAll: %v", report)
		}
		r.SetOptional()
		mustOpen(t, r)
		mustClose(t, r)
	})
}

func TestUnregisterIsFalseDuringAnAttemptInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: inTurn(failing(errRefused), obey)})
		r.SetOptional("a")
		mustOpen(t, r)
		<-time.After(time.Second)
		if r.Unregister("a") {
			t.Error("Unregister is true")
		}
		mustClose(t, r)
	})
}

func TestWhatOpensInTheBackgroundJustWhenThatIsStoppedIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls journal
		late := func(ctx context.Context) error {
			<-ctx.Done()
			return nil
		}
		r := quiet(&fake{name: "a", calls: &calls, open: inTurn(failing(errRefused), late)})
		r.SetOptional("a")
		mustOpen(t, r)
		<-time.After(time.Second)
		calls.take()
		mustClose(t, r)
		calls.want(t, "close a")
		if !r.Unregister("a") {
			t.Error("Unregister is false after CloseAll")
		}
	})
}

func TestUnregisterIsFalseDuringConfigureAndDuringARollBack(t *testing.T) {
	var r *registry.Registry
	var during []bool
	look := func(context.Context) error {
		during = append(during, r.Unregister("a"), r.Unregister("b"))
		return errDenied
	}
	r = quiet(&fake{name: "a", configure: func() error {
		_ = look(t.Context())
		return nil
	}, close: look},
		&fake{name: "b", open: failing(errDenied)})
	_ = r.OpenAll(t.Context())
	if slices.Contains(during, true) || len(during) != 4 {
		t.Errorf("Unregister is %v", during)
	}
	if !r.Unregister("a") || !r.Unregister("b") {
		t.Error("Unregister is false after the roll-back")
	}
}

func TestAResourceRegisteredAfterOpenAllIsOpenAfterTheNext(t *testing.T) {
	r := opened(t, &fake{name: "a"})
	r.Register(&fake{name: "b"})
	wantKind(t, r.Check(t.Context(), "b").Err, registry.KindNotOpen)
	if !r.Check(t.Context(), "a").OK() {
		t.Error("the other is unwell")
	}
	mustOpen(t, r)
	if report := r.CheckAll(t.Context()); !report.OK() {
		t.Error(report.Err())
	}
	mustClose(t, r)
}
