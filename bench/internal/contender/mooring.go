package contender

import (
	"context"
	"log/slog"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
)

// resource is a backend that only has a check.
type resource struct {
	name  string
	check Check
}

func (r *resource) Name() string                    { return r.name }
func (r *resource) Open(context.Context) error      { return nil }
func (r *resource) Check(ctx context.Context) error { return r.check(ctx) }
func (r *resource) Close(context.Context) error     { return nil }

func mooring() Contender {
	return Contender{
		Name: Mooring, Enforces: true,
		Note: "a goroutine per check, one context; its endpoint with `MaxAge: -1`, so that it checks at every request",
		New: func(checks []Check, timeout time.Duration) Instance {
			r := opened(checks, timeout)
			return Instance{
				CheckAll: func(ctx context.Context) (failed int) {
					for _, result := range r.CheckAll(ctx).Results {
						if !result.OK() {
							failed++
						}
					}
					return failed
				},
				Handler: health.Handler(r, health.Options{MaxAge: -1}),
				Close:   func() { _ = r.CloseAll(context.Background()) },
			}
		},
	}
}

func mooringCached() Contender {
	return Contender{
		Name: MooringCached, Enforces: true, Stale: true,
		Note: "the same; its endpoint as it comes",
		New: func(checks []Check, timeout time.Duration) Instance {
			r := opened(checks, timeout)
			return Instance{
				Handler: health.Handler(r, health.Options{}),
				Close:   func() { _ = r.CloseAll(context.Background()) },
			}
		},
	}
}

// Quiet returns a registry that logs nothing: no other contender logs.
func Quiet() *registry.Registry {
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	return r
}

func opened(checks []Check, timeout time.Duration) *registry.Registry {
	r := Quiet()
	r.CheckTimeout = timeout
	for i, check := range checks {
		r.Register(&resource{label(i), check})
	}
	succeed(r.OpenAll(context.Background()))
	return r
}
