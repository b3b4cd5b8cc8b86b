// Package wait has the ways in which the registry waits: for something that may never come, and so with an end. What is
// waited for is a channel that will be closed: any number may wait for it, and nobody is told twice. AtOnce alone waits
// without an end, for calls that have one themselves.
package wait

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Closed reports whether done is closed, without waiting.
func Closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// For waits until done is closed or ctx is done, and reports whether done is closed. When both are so, done wins: what
// has been waited for is not to be called late.
func For(ctx context.Context, done <-chan struct{}) bool {
	if done == nil || Closed(done) { // without a lock, which the select below takes
		return true
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	return Closed(done)
}

// All waits at most so long until every channel is closed, and reports whether that is so.
func All(most time.Duration, done ...<-chan struct{}) bool {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	return !slices.ContainsFunc(done, func(one <-chan struct{}) bool { return !For(ctx, one) })
}

// AtOnce calls f for all at the same time and waits for every call. It returns the failures in the order of all,
// without the nil ones.
func AtOnce[T, E any](all []T, f func(T) *E) (failed []*E) {
	failed = make([]*E, len(all))
	var calls sync.WaitGroup
	for i, one := range all {
		calls.Go(func() { failed[i] = f(one) })
	}
	calls.Wait()
	return slices.DeleteFunc(failed, func(err *E) bool { return err == nil })
}
