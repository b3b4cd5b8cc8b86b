package registry_test

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

// TestAnOutageIsInTheEventsWithNobodyAsking begins at random moments, in all ways in which a check can go wrong.
func TestAnOutageIsInTheEventsWithNobodyAsking(t *testing.T) {
	const every, timeout = 10 * time.Second, 2 * time.Second
	for kind, broken := range map[registry.Kind]func(context.Context, valve) error{
		registry.KindUnreachable: func(context.Context, valve) error { return errRefused },
		registry.KindTimeout:     func(ctx context.Context, _ valve) error { return obey(ctx) },
		registry.KindHung:        func(_ context.Context, v valve) error { return v.wait(context.Background()) },
		registry.KindPanic:       func(context.Context, valve) error { panic("a bug") },
	} {
		for range 20 {
			synctest.Test(t, func(t *testing.T) {
				var out atomic.Bool
				hung := newValve()
				r := quiet(&fake{name: "a", check: func(ctx context.Context) error {
					if out.Load() {
						return broken(ctx, hung)
					}
					return nil
				}}, &fake{name: "b"})
				r.Every, r.CheckTimeout = every, timeout
				noticed := make(chan registry.Kind, 100)
				r.Observe(func(e registry.Event) {
					if e.Op == registry.OpCheck && e.Name == "a" && e.Err != nil {
						noticed <- registry.KindOf(e.Err)
					}
				})
				mustOpen(t, r)
				<-time.After(rand.N(time.Minute))
				out.Store(true)
				began := time.Now()
				if got := <-noticed; got != kind {
					t.Errorf("the event says %s, want %s", got, kind)
				}
				if took := time.Since(began); took > every+timeout {
					t.Errorf("%s: it is in the events after %v", kind, took)
				}
				hung.release()
				mustClose(t, r)
			})
		}
	}
}
