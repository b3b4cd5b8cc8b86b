package registrytest_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

func TestAFakeKeepsTheContractWhileItIsUp(t *testing.T) {
	registrytest.Run(t, registrytest.Target{
		New: func(*testing.T) registry.Resource { return registrytest.Fake("fake") },
	})
}

func TestAFakeFailsAsItIsToldUntilItIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := opened(t)
		check := func() error { return r.Check(t.Context(), "fake").Err }
		for _, test := range []struct {
			tell func()
			want registry.Kind
		}{
			{func() {}, ""},
			{func() { f.Down(registry.KindUnreachable) }, registry.KindUnreachable},
			{func() { f.Down(registry.KindReadOnly) }, registry.KindReadOnly},
			{f.Panic, registry.KindPanic},
			{f.Hang, registry.KindHung},
			{f.Up, ""},
		} {
			test.tell()
			synctest.Wait() // for the check that hung
			if err := check(); registry.KindOf(err) != test.want {
				t.Errorf("%v, want %q", err, test.want)
			}
		}
		if err := r.CloseAll(t.Context()); err != nil || f.IsOpen() {
			t.Errorf("%v; open: %t", err, f.IsOpen())
		}
		if err := f.Check(t.Context()); !errors.Is(err, registry.ErrNotOpen) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestAFakeThatIsDownDoesNotOpenButCloses(t *testing.T) {
	f := registrytest.Fake("fake")
	f.Down(registry.KindAuth)
	if err := f.Open(t.Context()); registry.KindOf(err) != registry.KindAuth || f.IsOpen() {
		t.Errorf("%v; open: %t", err, f.IsOpen())
	}
	f.Up()
	_ = f.Open(t.Context())
	f.Down(registry.KindUnreachable)
	if err := f.Close(t.Context()); err != nil || f.IsOpen() {
		t.Errorf("%v; open: %t", err, f.IsOpen())
	}
}

func TestAFakeThatHangsIsAbandonedAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, r := opened(t)
		f.Hang()
		if err := r.CloseAll(t.Context()); registry.KindOf(err) != registry.KindHung {
			t.Errorf("from CloseAll: %v", err)
		}
		f.Up()
		synctest.Wait()
		if f.IsOpen() {
			t.Error("the Close that hung did not go on")
		}
	})
}

func TestAFakeMayBeToldAnythingByAnybody(t *testing.T) {
	f := registrytest.Fake("fake")
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 200 {
				f.Hang()
				f.Down(registry.KindTimeout)
				f.Up()
			}
		})
		running.Go(func() {
			for range 200 {
				_ = f.Open(t.Context())
				_ = f.Check(t.Context())
				_ = f.Close(t.Context())
			}
		})
	}
	running.Wait()
}

// opened returns a fake in a registry that has opened it.
func opened(t *testing.T) (*registrytest.FakeResource, *registry.Registry) {
	t.Helper()
	f, r := registrytest.Fake("fake"), registry.New()
	r.CheckTimeout = time.Second
	r.Register(f)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f, r
}
