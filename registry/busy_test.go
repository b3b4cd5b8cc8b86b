package registry_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// busyProcessor leaves one processor to the test, and gives it so many goroutines that never pause, until it ends.
func busyProcessor(t *testing.T, spinners int) {
	t.Helper()
	var stop atomic.Bool
	var spinning sync.WaitGroup
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() {
		stop.Store(true)
		spinning.Wait()
		runtime.GOMAXPROCS(before)
	})
	for range spinners {
		spinning.Go(func() {
			for !stop.Load() {
			}
		})
	}
}

// times returns how long f takes, the fastest of some calls first.
func times(f func()) []time.Duration {
	var took []time.Duration
	for range 5 {
		start := time.Now()
		f()
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took
}

func TestCheckAllDoesNotWaitItsTurnOnABusyProcessor(t *testing.T) {
	for _, n := range []int{4, 64} {
		r, ctx := passingRegistry(t, n)
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			busyProcessor(t, 5)
			turn := times(runtime.Gosched)[2]              // everybody else's share of the processor
			checks := times(func() { r.CheckAll(ctx) })[0] // when no other process is in the way
			if checks > turn/2 {
				t.Errorf("CheckAll of %d takes %v where a turn of the others takes %v", n, checks, turn)
			}
		})
	}
}
