package contender

import (
	"context"
	"fmt"
	"time"

	"github.com/samber/do/v2"
	"go.uber.org/fx"
)

func fxLifecycle() Lifecycle {
	return Lifecycle{
		Name: Fx, Note: "one deadline for all starts and one for all stops",
		New: func(parts []Part, limit time.Duration) Cycle {
			app := fx.New(fx.NopLogger, fx.Invoke(func(lc fx.Lifecycle) {
				for _, p := range parts {
					lc.Append(fx.Hook{OnStart: p.Open, OnStop: p.Close})
				}
			}))
			within := func(step func(context.Context) error) func(context.Context) error {
				return func(ctx context.Context) error {
					ctx, cancel := context.WithTimeout(ctx, limit)
					defer cancel()
					return step(ctx)
				}
			}
			return Cycle{within(app.Start), within(app.Stop)}
		},
	}
}

// closer is an opened Part as samber/do knows it.
type closer struct{ Part }

func (c *closer) Shutdown(ctx context.Context) error { return c.Close(ctx) }

func doLifecycle() Lifecycle {
	return Lifecycle{
		Name: Do, Once: true,
		Note: "opens on first use and closes in parallel what it knows no dependencies of; no deadline holds",
		New: func(parts []Part, limit time.Duration) Cycle {
			injector := do.New()
			for i, p := range parts {
				do.ProvideNamed(injector, label(i), func(do.Injector) (*closer, error) {
					return &closer{p}, p.Open(context.Background())
				})
			}
			return Cycle{
				Open: func(context.Context) error {
					for i := range parts {
						if _, err := do.InvokeNamed[*closer](injector, label(i)); err != nil {
							return err
						}
					}
					return nil
				},
				Close: func(ctx context.Context) error {
					ctx, cancel := context.WithTimeout(ctx, limit)
					defer cancel()
					if report := injector.ShutdownWithContext(ctx); len(report.Errors) > 0 {
						return fmt.Errorf("%d services did not shut down", len(report.Errors))
					}
					return nil
				},
			}
		},
	}
}
