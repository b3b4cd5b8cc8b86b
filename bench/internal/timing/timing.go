// Package timing measures alternatives side by side on a machine that has other things to do.
//
// Every alternative is measured once in each of several passes, within seconds of the others, and two of them
// are compared inside a pass only. What slows a whole pass down so slows both sides of a ratio.
package timing

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"time"
)

// Effort is how much measuring a run does.
type Effort struct {
	Passes int           // how often each cell is measured
	Cell   time.Duration // how long one measurement takes, at least
}

// PerOp is what one operation costs.
type PerOp struct {
	Nanos         float64
	CPU           float64 // nanoseconds of processor time, on all cores
	Allocs, Bytes float64
}

// Measure calls do with growing numbers of operations until they have taken so long in all. One operation goes
// before that, and a garbage collection, so that none pays for what is not its own; the garbage that it makes
// itself is part of what an operation costs.
func Measure(least time.Duration, do func(n int)) PerOp {
	do(1)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	total, used, start := 0, CPU(), time.Now()
	for n := 1; time.Since(start) < least; n *= 2 {
		do(n)
		total += n
	}
	took, used := time.Since(start), CPU()-used
	runtime.ReadMemStats(&after)
	per := func(all uint64) float64 { return float64(all) / float64(total) }
	return PerOp{
		Nanos:  per(uint64(took)),
		CPU:    per(uint64(used)),
		Allocs: per(after.Mallocs - before.Mallocs),
		Bytes:  per(after.TotalAlloc - before.TotalAlloc),
	}
}

// Interleave calls measure for each row of each column in every pass. The rows of a column follow each other: first
// as they are given, and then in another order in every pass, so that none always has the same neighbour. The orders
// are the same in every run.
func Interleave(passes int, columns, rows []string, measure func(row, column string)) {
	order := rand.New(rand.NewPCG(0, 0))
	rows = slices.Clone(rows)
	for range passes {
		for _, column := range columns {
			for _, row := range rows {
				measure(row, column)
			}
		}
		order.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
}
