package contender

import (
	"context"
	"time"

	sundheit "github.com/AppsFlyer/go-sundheit"
	"github.com/AppsFlyer/go-sundheit/checks"
	sundheithttp "github.com/AppsFlyer/go-sundheit/http"
)

// goSundheit checks every second, or as often as the timeout if that is shorter.
func goSundheit() Contender {
	return ofSundheit("go-sundheit, every 1 s",
		"AppsFlyer/go-sundheit checks on tickers of its own and cannot check when asked: it answers from what it has stored",
		func(timeout time.Duration) []sundheit.CheckOption {
			return []sundheit.CheckOption{sundheit.ExecutionPeriod(min(timeout, time.Second))}
		})
}

// goSundheitAtRest is for measuring what it costs to read. After every single check the tickers copy all
// results, so that with many checks nothing else would be measured.
func goSundheitAtRest() Contender {
	return ofSundheit("go-sundheit, reading", "the same with its tickers at rest",
		func(time.Duration) []sundheit.CheckOption {
			return []sundheit.CheckOption{
				sundheit.ExecutionPeriod(time.Hour), sundheit.InitialDelay(time.Hour), sundheit.InitiallyPassing(true),
			}
		})
}

func ofSundheit(name, note string, options func(time.Duration) []sundheit.CheckOption) Contender {
	return Contender{
		Name: name, Note: note, Stale: true, Enforces: true,
		New: func(checkFuncs []Check, timeout time.Duration) Instance {
			h := sundheit.New()
			for i, f := range checkFuncs {
				custom := &checks.CustomCheck{CheckName: label(i), CheckFunc: func(ctx context.Context) (any, error) {
					return nil, f(ctx)
				}}
				succeed(h.RegisterCheck(custom, append(options(timeout), sundheit.ExecutionTimeout(timeout))...))
			}
			return Instance{
				CheckAll: func(context.Context) (failed int) {
					results, _ := h.Results()
					for _, result := range results {
						if !result.IsHealthy() {
							failed++
						}
					}
					return failed
				},
				Handler: sundheithttp.HandleHealthJSON(h),
				Close:   h.DeregisterAll,
			}
		},
	}
}
