package kit

import "context"

// Turn keeps calls that take no context, and so may have to be abandoned, from piling up: of those that have it, one is
// under way at a time. Make it with room for one.
type Turn chan struct{}

// take waits for the turn until ctx is done, and reports whether it has it. What is free is taken whatever the state of
// ctx.
func (t Turn) take(ctx context.Context) bool {
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

func (t Turn) pass() { <-t }

// Within calls f, which takes no context, in a goroutine of its own, and returns what f returns, or the error of ctx
// once that ends. What f returns too late goes to late, unless f failed or late is nil. A nil turn is none to wait for.
func Within[T any](ctx context.Context, turn Turn, f func() (T, error), late func(T)) (result T, err error) {
	if turn != nil && !turn.take(ctx) {
		return result, ctx.Err()
	}
	done := make(chan func())
	go func() {
		if turn != nil {
			defer turn.pass()
		}
		got, failed := f()
		select {
		case done <- func() { result, err = got, failed }:
		case <-ctx.Done():
			if failed == nil && late != nil {
				late(got)
			}
		}
	}()
	select {
	case deliver := <-done:
		deliver()
		return result, err
	case <-ctx.Done():
		return result, ctx.Err()
	}
}
