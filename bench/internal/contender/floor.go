package contender

import (
	"context"
	"sync"
	"time"
)

// The floors start a goroutine for each check and wait for all of them. They enforce nothing, recover nothing
// and know nothing of other callers: what does less is not a check of all backends at the same time.

func floorContext() Contender {
	return floor(FloorContext, "the floor with the contexts that the work asks for",
		func(ctx context.Context, checks []Check, timeout time.Duration) []error {
			errs := make([]error, len(checks))
			var wg sync.WaitGroup
			for i, check := range checks {
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(ctx, timeout)
					defer cancel()
					errs[i] = check(ctx)
				})
			}
			wg.Wait()
			return errs
		})
}

func floorShared() Contender {
	return floor(FloorShared, "the floor with one context for all",
		func(ctx context.Context, checks []Check, timeout time.Duration) []error {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			return inParallel(ctx, checks)
		})
}

func floorBare() Contender {
	return floor(FloorBare, "the bare floor: no timeout at all",
		func(ctx context.Context, checks []Check, _ time.Duration) []error { return inParallel(ctx, checks) })
}

func inParallel(ctx context.Context, checks []Check) []error {
	errs := make([]error, len(checks))
	var wg sync.WaitGroup
	for i, check := range checks {
		wg.Go(func() { errs[i] = check(ctx) })
	}
	wg.Wait()
	return errs
}

func floor(name, note string, run func(context.Context, []Check, time.Duration) []error) Contender {
	return Contender{Name: name, Note: note, New: func(checks []Check, timeout time.Duration) Instance {
		names := labels(len(checks))
		return Instance{
			CheckAll: func(ctx context.Context) int { return failures(run(ctx, checks, timeout)) },
			Handler: endpoint(func(ctx context.Context, tell func(string, error)) {
				for i, err := range run(ctx, checks, timeout) {
					tell(names[i], err)
				}
			}),
			Close: nothing,
		}
	}}
}
