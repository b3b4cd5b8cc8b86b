// Package timing measures alternatives side by side on a machine that has other things to do.
//
// Every alternative is measured once in each of several passes, within seconds of the others, and two of them
// are compared inside a pass only. What slows a whole pass down so slows both sides of a ratio.
package timing

import (
	"runtime"
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

// batches is how many times a measurement is taken, if they take no longer than they should.
const batches = 9

// Measure finds a number of operations that takes a ninth of least, calls do with it nine times, and takes the
// median of those: on a busy machine some are interrupted. At most four times least goes into it. A garbage
// collection goes before, so that none pays for the garbage of others.
func Measure(least time.Duration, do func(n int)) PerOp {
	n := enough(least/batches, do)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var nanos []float64
	used := CPU()
	for start := time.Now(); len(nanos) < batches && (len(nanos) == 0 || time.Since(start) < 4*least); {
		nanos = append(nanos, float64(timed(n, do))/float64(n))
	}
	used = CPU() - used
	runtime.ReadMemStats(&after)
	per := func(all uint64) float64 { return float64(all) / float64(n*len(nanos)) }
	return PerOp{
		Nanos:  spread(nanos).Median,
		CPU:    per(uint64(used)),
		Allocs: per(after.Mallocs - before.Mallocs),
		Bytes:  per(after.TotalAlloc - before.TotalAlloc),
	}
}

// enough returns a number of operations that takes so long.
func enough(long time.Duration, do func(n int)) int {
	do(1)
	n := 1
	for timed(n, do) < long {
		n *= 2
	}
	return n
}

func timed(n int, do func(n int)) time.Duration {
	start := time.Now()
	do(n)
	return time.Since(start)
}

// Interleave calls measure for each row of each column in every pass. The rows of a column follow each other,
// and each pass begins with another row, so that none is always the first.
func Interleave(passes int, columns, rows []string, measure func(row, column string)) {
	for pass := range passes {
		for _, column := range columns {
			for i := range rows {
				measure(rows[(i+pass)%len(rows)], column)
			}
		}
	}
}
