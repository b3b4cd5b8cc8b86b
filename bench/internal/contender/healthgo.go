package contender

import (
	"context"
	"fmt"
	"runtime"
	"time"

	healthgo "github.com/hellofresh/health-go/v5"
)

func healthGo() Contender {
	c := ofHealthGo(HealthGo, 0)
	c.Note = "hellofresh/health-go/v5 with `WithMaxConcurrent` for all checks, its best setting"
	return c
}

func healthGoDefault() Contender {
	limit := runtime.NumCPU()
	c := ofHealthGo("health-go, default limit", limit)
	c.Note = fmt.Sprintf("as it comes: as many checks at a time as there are cores, here %d", limit)
	return c
}

func ofHealthGo(name string, limit int) Contender {
	return Contender{
		Name: name, Enforces: true, Limit: limit,
		New: func(checks []Check, timeout time.Duration) Instance {
			options := []healthgo.Option{}
			if limit == 0 {
				options = append(options, healthgo.WithMaxConcurrent(len(checks)))
			}
			h := must(healthgo.New(options...))
			for i, f := range checks {
				succeed(h.Register(healthgo.Config{Name: label(i), Timeout: timeout, Check: healthgo.CheckFunc(f)}))
			}
			return Instance{
				CheckAll: func(ctx context.Context) int { return len(h.Measure(ctx).Failures) },
				Handler:  h.Handler(),
				Close:    nothing,
			}
		},
	}
}
