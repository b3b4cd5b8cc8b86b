// Package stage is for what happens in stages: one stage after the other, and all of a stage at the same time. Opening
// and closing share it, and so mean the same by a stage.
package stage

import (
	"slices"
	"sync"
)

// Group puts neighbours that have the same key into one stage, and keeps the order. It does not sort: a key that comes
// back after another begins a new stage.
func Group[T any](all []T, key func(T) int) (stages [][]T) {
	for i, one := range all {
		if i == 0 || key(one) != key(all[i-1]) {
			stages = append(stages, nil)
		}
		last := len(stages) - 1
		stages[last] = append(stages[last], one)
	}
	return stages
}

// AtOnce calls f for all at the same time and waits for every call. It returns the failures in the order of all,
// without the nil ones. The last call needs no goroutine of its own, and most stages have one call.
func AtOnce[T, E any](all []T, f func(T) *E) (failed []*E) {
	failed = make([]*E, len(all))
	var calls sync.WaitGroup
	for i, one := range all {
		call := func() { failed[i] = f(one) }
		if i < len(all)-1 {
			calls.Go(call)
		} else {
			call()
		}
	}
	calls.Wait()
	return slices.DeleteFunc(failed, func(err *E) bool { return err == nil })
}
