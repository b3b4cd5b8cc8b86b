package contender

import (
	"context"
	"errors"
	"slices"
	"time"
)

func loop() Lifecycle {
	return Lifecycle{
		Name: Loop, Note: "no deadline holds; a panic is not contained",
		New: func(parts []Part, _ time.Duration) Cycle { return byHand(parts, Part.open, Part.shut) },
	}
}

func loopEnforced() Lifecycle {
	return Lifecycle{
		Name: LoopEnforced, Note: "each step has a deadline that holds and may panic, and nothing else",
		New: func(parts []Part, limit time.Duration) Cycle {
			within := func(do step) step {
				return func(p Part, ctx context.Context) error {
					ctx, cancel := context.WithTimeout(ctx, limit)
					defer cancel()
					return enforced(ctx, func(ctx context.Context) error { return do(p, ctx) })
				}
			}
			return byHand(parts, within(Part.open), within(Part.shut))
		},
	}
}

type step func(Part, context.Context) error

func (p Part) open(ctx context.Context) error { return p.Open(ctx) }
func (p Part) shut(ctx context.Context) error { return p.Close(ctx) }

func byHand(parts []Part, open, shut step) Cycle {
	closeFirst := func(ctx context.Context, n int) error {
		var errs []error
		for _, p := range slices.Backward(parts[:n]) {
			if err := shut(p, ctx); err != nil {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	}
	return Cycle{
		Open: func(ctx context.Context) error {
			for i, p := range parts {
				if err := open(p, ctx); err != nil {
					return errors.Join(err, closeFirst(ctx, i))
				}
			}
			return nil
		},
		Close: func(ctx context.Context) error { return closeFirst(ctx, len(parts)) },
	}
}
