package contender

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

func errgroupNaive() Contender {
	return byErrgroup("errgroup by hand", "what most services have: a context per check, a mutex and a map", false,
		func(ctx context.Context, check Check) error { return check(ctx) })
}

func errgroupEnforced() Contender {
	return byErrgroup(ErrgroupEnforced, "the same, and each check can be left behind and may panic", true,
		func(ctx context.Context, check Check) error { return enforced(ctx, check) })
}

// enforced returns when ctx is done, also if f does not, and makes an error of a panic.
func enforced(ctx context.Context, f func(context.Context) error) error {
	result := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				result <- fmt.Errorf("panic: %v", v)
			}
		}()
		result <- f(ctx)
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func byErrgroup(name, note string, enforces bool, do func(context.Context, Check) error) Contender {
	return Contender{
		Name: name, Note: note, Enforces: enforces,
		New: func(checks []Check, timeout time.Duration) Instance {
			names := labels(len(checks))
			run := func(ctx context.Context) map[string]error {
				var mu sync.Mutex
				results := make(map[string]error, len(checks))
				var group errgroup.Group // without a context: one that fails must not cancel the others
				for i, check := range checks {
					group.Go(func() error {
						ctx, cancel := context.WithTimeout(ctx, timeout)
						defer cancel()
						err := do(ctx, check)
						mu.Lock()
						defer mu.Unlock()
						results[names[i]] = err
						return nil
					})
				}
				_ = group.Wait()
				return results
			}
			return ofMap(run, nothing)
		},
	}
}

// ofMap is the instance of a contender that answers with an error, or nil, for each name.
func ofMap(run func(context.Context) map[string]error, stop func()) Instance {
	return Instance{
		CheckAll: func(ctx context.Context) (failed int) {
			for _, err := range run(ctx) {
				if err != nil {
					failed++
				}
			}
			return failed
		},
		Handler: endpoint(func(ctx context.Context, tell func(string, error)) {
			for name, err := range run(ctx) {
				tell(name, err)
			}
		}),
		Close: stop,
	}
}
