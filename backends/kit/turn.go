package kit

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/vibework/mooring/registry"
)

// turn lets one call at a time through. It has room for one.
type turn chan struct{}

// take waits for the turn until ctx is done, and reports whether it has it. What is free is taken whatever the state of
// ctx.
func (t turn) take(ctx context.Context) bool {
	select {
	case t <- struct{}{}:
		return true
	default:
	}
	select {
	case t <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (t turn) pass() { <-t }

// Bounded returns ctx with a deadline in any case: its own, or else the end of the usual time.
func Bounded(ctx context.Context, usual time.Duration) (context.Context, context.CancelFunc) {
	if _, bounded := ctx.Deadline(); bounded {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, usual)
}

// Within calls f, which takes no context, in a goroutine of its own, and returns what f returns, or the error of ctx
// once that ends. What f returns too late goes to late, unless f failed or late is nil. A panic of f, which nobody else
// could recover, is an error of registry.KindPanic that does not quote it; the log has its stack.
func Within[T any](ctx context.Context, f func() (T, error), late func(T)) (result T, err error) {
	done := make(chan func() (T, error))
	go func() {
		var got T
		failed := Errorf(registry.KindPanic, "a call has ended its goroutine")
		defer func() {
			if recover() != nil {
				slog.Error("a call panicked", "stack", string(debug.Stack()))
				failed = Errorf(registry.KindPanic, "a call panicked, at a place that the log shows")
			}
			select {
			case done <- func() (T, error) { return got, failed }:
			case <-ctx.Done():
				if failed == nil && late != nil {
					late(got)
				}
			}
		}()
		got, failed = f()
	}()
	select {
	case answer := <-done:
		return answer()
	case <-ctx.Done():
		return result, ctx.Err()
	}
}
