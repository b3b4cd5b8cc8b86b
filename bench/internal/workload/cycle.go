package workload

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
)

// Cycle opens a number of components that do nothing, and closes them.
type Cycle struct {
	Lifecycles []contender.Lifecycle
	Sizes      []int
}

// Cycled is what opening and closing costs, by lifecycle and number of components. Built is of one that is
// there; Whole includes building it.
type Cycled struct {
	Built, Whole Calls
	Open, Close  timing.Table // nanoseconds of processor time of each half of Built, for Mooring
}

// Run measures every lifecycle at every size.
func (w Cycle) Run(e timing.Effort) *Cycled {
	cycled := new(Cycled)
	names := make([]string, len(w.Lifecycles))
	for i, l := range w.Lifecycles {
		names[i] = l.Name
	}
	timing.Interleave(e.Passes, Columns(w.Sizes), names, func(row, column string) {
		l := w.Lifecycles[slices.Index(names, row)]
		size, _ := strconv.Atoi(column)
		parts := slices.Repeat([]contender.Part{{Open: NoOp, Close: NoOp}}, size)
		build := func() contender.Cycle { return l.New(parts, Timeout) }
		cycled.Whole.add(row, column, timing.Measure(e.Cell, func(n int) {
			for range n {
				turn(build())
			}
		}))
		if l.Once {
			return
		}
		built := build()
		cycled.Built.add(row, column, timing.Measure(e.Cell, func(n int) {
			for range n {
				turn(built)
			}
		}))
		if l.Name == contender.Mooring {
			cycled.halves(e, built, column)
		}
	})
	return cycled
}

func turn(c contender.Cycle) {
	done(c.Open(context.Background()))
	done(c.Close(context.Background()))
}

func done(err error) {
	if err != nil {
		panic(err)
	}
}

// halves measures the opening and the closing apart.
func (c *Cycled) halves(e timing.Effort, built contender.Cycle, column string) {
	var opening, closing time.Duration
	total := 0
	for start := time.Now(); time.Since(start) < e.Cell; total++ {
		began := timing.CPU()
		done(built.Open(context.Background()))
		opened := timing.CPU()
		done(built.Close(context.Background()))
		opening += opened - began
		closing += timing.CPU() - opened
	}
	c.Open.Add(contender.Mooring, column, float64(opening)/float64(total))
	c.Close.Add(contender.Mooring, column, float64(closing)/float64(total))
}
