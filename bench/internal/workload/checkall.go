// Package workload has the things that are measured. Each workload is a struct of what to measure, with a Run
// that returns what was found.
package workload

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
)

// Timeout is what every check has, in every contender.
const Timeout = 5 * time.Second

// CheckAll is one call that checks a number of backends.
type CheckAll struct {
	Contenders []contender.Contender
	Sizes      []int // how many backends
	Check      contender.Check
	Takes      time.Duration // how long Check takes, to leave out what would take seconds for a single call
}

// Calls is what one call costs, by contender and number of backends.
type Calls struct{ Nanos, CPU, Allocs, Bytes timing.Table }

func (c *Calls) add(row, column string, cost timing.PerOp) {
	c.Nanos.Add(row, column, cost.Nanos)
	c.CPU.Add(row, column, cost.CPU)
	c.Allocs.Add(row, column, cost.Allocs)
	c.Bytes.Add(row, column, cost.Bytes)
}

// NoOp is a check that does nothing.
func NoOp(context.Context) error { return nil }

// Sleep is a check that waits for d, as for a server's answer.
func Sleep(d time.Duration) contender.Check {
	return func(context.Context) error {
		time.Sleep(d)
		return nil
	}
}

// longest is what a single call may take by the contender's own limit.
const longest = 100 * time.Millisecond

// Run measures every contender at every size.
func (w CheckAll) Run(e timing.Effort) *Calls {
	calls := new(Calls)
	names := contender.Names(w.Contenders)
	timing.Interleave(e.Passes, Columns(w.Sizes), names, func(row, column string) {
		c := w.Contenders[slices.Index(names, row)]
		size, _ := strconv.Atoi(column)
		if c.Limit > 0 && w.Takes*time.Duration(size/c.Limit) > longest {
			return
		}
		calls.add(row, column, w.one(e, c, size))
	})
	return calls
}

func (w CheckAll) one(e timing.Effort, c contender.Contender, size int) timing.PerOp {
	instance := c.New(slices.Repeat([]contender.Check{w.Check}, size), Timeout)
	defer instance.Close()
	ctx, cancel := context.WithCancel(context.Background()) // as that of a request
	defer cancel()
	return timing.Measure(e.Cell, func(n int) {
		for range n {
			if failed := instance.CheckAll(ctx); failed > 0 && !c.Stale {
				panic(c.Name + ": a check that cannot fail has failed")
			}
		}
	})
}

// Columns are the numbers as the columns of a table.
func Columns(numbers []int) []string {
	columns := make([]string, len(numbers))
	for i, n := range numbers {
		columns[i] = strconv.Itoa(n)
	}
	return columns
}
