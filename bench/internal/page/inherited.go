package page

import (
	"math"

	"github.com/vibework/mooring/bench/internal/chart"
	"github.com/vibework/mooring/bench/internal/suite"
	"github.com/vibework/mooring/bench/internal/workload"
)

// lookups has W7.
func lookups(r *suite.Results) section {
	t, column := &r.Lookups.Nanos, workload.OneLookup
	m := newMarkdown("", "time", "to a map behind a RWMutex", "allocations")
	var bars []chart.Bar
	for _, row := range t.Rows {
		m.row(row, nanos(t.Median(row, column)), ratio(t.Ratio(row, workload.MapRWMutex, column)),
			count(r.Lookups.Allocs.Median(row, column)))
		bars = append(bars, bar(row, t.Median(row, column), nanos))
	}
	return section{
		Tables: map[string]string{"Lookups": m.String()},
		Charts: map[string]string{"w7": chart.Bars("W7: getting hold of a client, on all cores at once",
			"median time of a lookup", bars)},
	}
}

// inherited has W8.
func inherited(r *suite.Results) section {
	in, column := r.Inherit, workload.TheProgram
	m := newMarkdown("a program with", "binary", "over an empty main", "modules", "initialization", "allocated by it")
	var bars []chart.Bar
	for _, row := range in.Megabytes.Rows {
		size := in.Megabytes.Median(row, column)
		more := size - in.Megabytes.Median(workload.Empty, column)
		m.row(row, megabytes(size), "+"+megabytes(more), count(in.Modules.Median(row, column)),
			nanos(in.Init.Median(row, column)*1e6), bytes(in.InitAlloc.Median(row, column)*1000))
		if row != workload.Empty {
			bars = append(bars, bar(row, more, megabytes))
		}
	}
	return section{
		Tables: map[string]string{"Inherited": m.String()},
		Charts: map[string]string{"w8": chart.Bars("W8: what a program inherits",
			"stripped binary, over that of an empty main", bars)},
	}
}

func megabytes(v float64) string {
	if math.IsNaN(v) {
		return missing
	}
	return digits(v) + " MB"
}
