package contender

import (
	"context"
	"time"

	"github.com/samber/do/v2"
)

// service is a backend as samber/do knows it.
type service struct{ check Check }

func (s *service) HealthCheck(ctx context.Context) error { return s.check(ctx) }

func doOneTimeout() Contender {
	return ofDo(DoHealth, "samber/do/v2 with `HealthCheckGlobalTimeout`, its best setting",
		func(timeout time.Duration) do.InjectorOpts {
			return do.InjectorOpts{HealthCheckGlobalTimeout: timeout}
		})
}

func doPerService() Contender {
	return ofDo("samber/do, timeout per service", "the same with `HealthCheckTimeout`",
		func(timeout time.Duration) do.InjectorOpts {
			return do.InjectorOpts{HealthCheckTimeout: timeout}
		})
}

func ofDo(name, note string, options func(time.Duration) do.InjectorOpts) Contender {
	return Contender{
		Name: name, Note: note, Enforces: true,
		New: func(checks []Check, timeout time.Duration) Instance {
			opts := options(timeout)
			injector := do.NewWithOpts(&opts)
			for i, check := range checks {
				do.ProvideNamedValue(injector, label(i), &service{check})
			}
			return ofMap(injector.HealthCheckWithContext, func() { _ = injector.Shutdown() })
		},
	}
}
