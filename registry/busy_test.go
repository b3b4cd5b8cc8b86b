package registry_test

import (
	"fmt"
	"math"
	"runtime"
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

// fastest returns how long f takes when nobody else on the machine is in the way.
func fastest(tries int, f func()) time.Duration {
	least := time.Duration(math.MaxInt64)
	for range tries {
		start := time.Now()
		f()
		least = min(least, time.Since(start))
	}
	return least
}

func TestCheckAllDoesNotWaitItsTurnOnABusyProcessor(t *testing.T) {
	for _, n := range []int{4, 64} {
		r, ctx := passingRegistry(t, n)
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			busyProcessor(t, 5)
			turn := fastest(3, runtime.Gosched) // everybody else's share of the processor
			checks := fastest(20, func() { r.CheckAll(ctx) })
			if checks > turn/2 {
				t.Errorf("CheckAll of %d takes %v where a turn of the others takes %v", n, checks, turn)
			}
		})
	}
}
