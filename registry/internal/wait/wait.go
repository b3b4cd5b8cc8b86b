// Package wait has the ways in which the registry waits: always for something that may never come, and so always with
// an end. What is waited for is a channel that will be closed: any number may wait for it, and nobody is told twice.
package wait

import (
	"context"
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
		return true
	case <-ctx.Done():
		return Closed(done)
	}
}

// Longer is for calls that ought to return soon after their context is done. It waits until done is closed, or until
// ctx is done and patience has passed after that. It reports whether done is closed.
func Longer(ctx context.Context, patience time.Duration, done <-chan struct{}) bool {
	return For(ctx, done) || All(patience, done)
}

// All waits at most so long until every channel is closed, and reports whether that is so.
func All(most time.Duration, done ...<-chan struct{}) bool {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	for _, one := range done {
		if !For(ctx, one) {
			return false
		}
	}
	return true
}

// Sleep waits for d, between attempts. It reports false, at once, when ctx is done or stop is closed; a nil stop never
// is.
func Sleep(ctx context.Context, stop <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
	case <-stop:
	}
	return false
}
