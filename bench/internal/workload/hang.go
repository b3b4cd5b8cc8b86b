package workload

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/bench/internal/contender"
)

// Hang is one check of four that neither returns nor looks at its context.
type Hang struct {
	Contenders []contender.Contender
	Timeout    time.Duration
	Calls      int // one after the other
	Callers    int // at the same time, after those
}

// Stuck is what a contender makes of a hung check.
type Stuck struct {
	Contender  string
	Returns    bool // the first call returned
	First      time.Duration
	Later      time.Duration // median of the calls after the first
	Concurrent time.Duration // the slowest of the concurrent callers
	Starts     int           // how often the hung check was started by the calls one after the other
	Goroutines int           // how many more there are after those
	Left       int           // how many more there are after the check was let go
	Reported   bool          // the last of the calls counted it as failed
}

// patience is how long a call may take before it counts as one that never returns, in timeouts.
const patience = 20

// Run tries one contender after the other: it counts goroutines.
func (w Hang) Run() []Stuck {
	var all []Stuck
	for _, c := range w.Contenders {
		all = append(all, w.one(c))
	}
	return all
}

func (w Hang) one(c contender.Contender) Stuck {
	var starts atomic.Int64
	var broken atomic.Bool
	release := make(chan struct{})
	hung := func(context.Context) error {
		if broken.Load() {
			starts.Add(1)
			<-release
		}
		return nil
	}
	before := settle(0)
	instance := c.New([]contender.Check{NoOp, NoOp, hung, NoOp}, w.Timeout)
	stuck := Stuck{Contender: c.Name}
	if c.Stale {
		time.Sleep(2 * w.Timeout) // until it has something stored
	}
	instance.CheckAll(context.Background())
	set := settle(0) - before // what an instance has of its own
	broken.Store(true)
	if c.Stale {
		time.Sleep(4 * w.Timeout) // until it has stored what it makes of this
	}
	stuck.First, stuck.Returns = w.first(instance)
	if stuck.Returns {
		w.more(instance, &stuck)
		stuck.Starts = int(starts.Load())
		stuck.Goroutines = settle(before+set) - before - set
		stuck.Concurrent = w.together(instance)
	}
	close(release)
	instance.Close()
	stuck.Left = max(0, settle(before)-before)
	return stuck
}

func (w Hang) first(instance contender.Instance) (took time.Duration, returns bool) {
	done := make(chan time.Duration, 1)
	start := time.Now()
	go func() {
		instance.CheckAll(context.Background())
		done <- time.Since(start)
	}()
	select {
	case took := <-done:
		return took, true
	case <-time.After(patience * w.Timeout):
		return 0, false
	}
}

func (w Hang) more(instance contender.Instance, stuck *Stuck) {
	var later []time.Duration
	for range w.Calls - 1 {
		start := time.Now()
		stuck.Reported = instance.CheckAll(context.Background()) > 0
		later = append(later, time.Since(start))
	}
	stuck.Later = percentile(later, 50)
}

func (w Hang) together(instance contender.Instance) time.Duration {
	took := make([]time.Duration, w.Callers)
	var wg sync.WaitGroup
	for i := range took {
		wg.Go(func() {
			start := time.Now()
			instance.CheckAll(context.Background())
			took[i] = time.Since(start)
		})
	}
	wg.Wait()
	return slices.Max(took)
}

// settle waits until the number of goroutines is down to want, or has not changed for a while.
func settle(want int) int {
	last, same := runtime.NumGoroutine(), 0
	for last > want && same < 20 {
		time.Sleep(5 * time.Millisecond)
		now := runtime.NumGoroutine()
		if now == last {
			same++
		} else {
			last, same = now, 0
		}
	}
	return last
}
