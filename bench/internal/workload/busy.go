package workload

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
)

// BusyGoroutines is how many goroutines a busy program has that never pause.
const BusyGoroutines = 20

// Busy is one call that checks backends while the rest of the program wants every processor.
type Busy struct {
	Contenders []contender.Contender
	Backends   int
}

// Run measures every contender at GOMAXPROCS 1 and 2, a few calls in each pass: one may take as long as a turn of all
// others. The table is of nanoseconds.
func (w Busy) Run(passes int) *timing.Table {
	const calls = 3
	table := new(timing.Table)
	names := contender.Names(w.Contenders)
	timing.Interleave(passes, []string{"1", "2"}, names, func(row, column string) {
		c := w.Contenders[slices.Index(names, row)]
		instance := c.New(slices.Repeat([]contender.Check{NoOp}, w.Backends), Timeout)
		defer instance.Close()
		processors, _ := strconv.Atoi(column)
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		defer spin(BusyGoroutines)()
		start := time.Now()
		for range calls {
			instance.CheckAll(context.Background())
		}
		table.Add(row, column, float64(time.Since(start).Nanoseconds())/calls)
	})
	return table
}

// spin starts goroutines that never pause. The function that it returns ends them.
func spin(n int) (end func()) {
	var stop atomic.Bool
	var spinning sync.WaitGroup
	for range n {
		spinning.Go(func() {
			for !stop.Load() {
			}
		})
	}
	return func() {
		stop.Store(true)
		spinning.Wait()
	}
}
