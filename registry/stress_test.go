package registry_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

// moody is a resource of which each call does something else. It counts what is open.
type moody struct {
	fake

	isOpen atomic.Bool
	leaked atomic.Bool // opened twice without a Close
}

func newMoody(name string) *moody {
	m := &moody{}
	m.fake = fake{name: name, open: m.moodyOpen, check: m.mood, close: m.moodyClose}
	return m
}

func (m *moody) moodyOpen(ctx context.Context) error {
	err := m.mood(ctx)
	if err == nil && m.isOpen.Swap(true) {
		m.leaked.Store(true)
	}
	return err
}

func (m *moody) moodyClose(ctx context.Context) error {
	m.isOpen.Store(false)
	return m.mood(ctx)
}

// mood passes, fails, panics, exits, takes its time, obeys its context, or returns late.
func (m *moody) mood(ctx context.Context) error {
	switch rand.IntN(16) {
	case 0:
		return errRefused
	case 1:
		return errDenied
	case 2:
		panic("moody")
	case 3:
		return exit(ctx)
	case 4:
		return obey(ctx)
	case 5:
		<-ctx.Done()
		return after(time.Duration(rand.Int64N(int64(time.Second))), nil)(ctx)
	case 6:
		return after(time.Duration(rand.Int64N(int64(20*time.Second))), nil)(ctx)
	case 7, 8:
		return after(time.Duration(rand.Int64N(int64(time.Second))), nil)(ctx)
	default:
		return nil
	}
}

func TestEverythingAtOnce(t *testing.T) {
	for range 3 {
		synctest.Test(t, everythingAtOnce)
	}
}

func everythingAtOnce(t *testing.T) {
	r := quiet()
	r.OpenTimeout, r.CheckTimeout, r.CloseTimeout = 3*time.Second, time.Second, 2*time.Second
	var resources []*moody
	for i := range 6 {
		resources = append(resources, newMoody(fmt.Sprintf("r%d", i)))
		r.Register(resources[i])
	}
	r.SetOptional("r1", "r4")

	var all sync.WaitGroup
	many := func(callers, times int, call func(ctx context.Context)) {
		for range callers {
			all.Go(func() {
				for range times {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.Int64N(int64(10*time.Second))))
					call(ctx)
					cancel()
					<-time.After(time.Duration(rand.Int64N(int64(time.Second))))
				}
			})
		}
	}
	many(2, 30, func(ctx context.Context) { causes(t, r.OpenAll(ctx)) })
	many(2, 30, func(ctx context.Context) { causes(t, r.CloseAll(ctx)) })
	many(4, 60, func(ctx context.Context) { checkReport(t, r.CheckAll(ctx)) })
	many(4, 60, func(ctx context.Context) { r.Check(ctx, fmt.Sprintf("r%d", rand.IntN(7))) })
	many(1, 60, func(context.Context) {
		extra := newMoody("extra")
		r.Register(extra)
		for !r.Unregister("extra") {
			<-time.After(time.Second)
		}
		if extra.isOpen.Load() || extra.lifecycle.Load() > 0 || extra.leaked.Load() || extra.overlapped.Load() {
			t.Error("it was unregistered while it was open")
		}
	})
	many(1, 60, func(context.Context) { r.SetOrder(fmt.Sprintf("r%d", rand.IntN(6))) })
	many(1, 60, func(ctx context.Context) {
		stop := r.Observe(func(ev registry.Event) { _ = (&moody{}).mood(ctx) })
		<-time.After(time.Second)
		stop()
	})
	many(1, 60, func(context.Context) {
		r.Drain()
		r.Draining()
		r.Opened()
		r.Names()
	})
	all.Wait()
	comeToRest(t, r, resources)
}

func checkReport(t *testing.T, report registry.Report) {
	t.Helper()
	if len(report.Results) < 6 {
		t.Errorf("the report has %d results", len(report.Results))
	}
	for _, result := range report.Results {
		if result.Name == "" {
			t.Error("a result has no name")
		}
	}
	causes(t, report.Err())
}

// comeToRest waits for what is late, and finds everything closed and fit to be opened again.
func comeToRest(t *testing.T, r *registry.Registry, resources []*moody) {
	t.Helper()
	_ = r.CloseAll(t.Context())
	<-time.After(time.Hour)
	synctest.Wait()
	for _, res := range resources {
		if res.overlapped.Load() {
			t.Errorf("%s: Open or Close met another", res.name)
		}
		if res.leaked.Load() {
			t.Errorf("%s: opened while it was open", res.name)
		}
		if res.isOpen.Load() {
			t.Errorf("%s: still open", res.name)
		}
		res.open, res.check, res.close = nil, nil, nil
	}
	mustOpen(t, r)
	if report := r.CheckAll(t.Context()); report.Status() != registry.Pass {
		t.Errorf("after all: %v", report.Err())
	}
	mustClose(t, r)
}
