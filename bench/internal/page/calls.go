package page

import (
	"math"
	"strconv"

	"github.com/vibework/mooring/bench/internal/chart"
	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/suite"
	"github.com/vibework/mooring/bench/internal/timing"
)

// drawn are the rows that a chart with lines has room for.
var drawn = []string{
	contender.Mooring, contender.FloorContext, contender.FloorBare, contender.ErrgroupEnforced, contender.HealthGo,
	contender.Alex, contender.DoHealth,
}

// calls has W1 and W2.
func calls(r *suite.Results) section {
	noop, waiting := &r.NoOp.Nanos, &r.Waiting.Nanos
	itself := func(median float64, _ string) float64 { return median }
	return section{
		Tables: map[string]string{
			"NoOp": times(noop), "NoOpToFloor": ratios(noop, contender.FloorContext),
			"NoOpToBare": ratios(noop, contender.FloorBare), "NoOpToHealthGo": ratios(noop, contender.HealthGo),
			"CPU": ratios(&r.NoOp.CPU, contender.FloorContext), "CPUToBare": ratios(&r.NoOp.CPU, contender.FloorBare),
			"Allocs": grid(&r.NoOp.Allocs, "N = ", func(row, column string) string {
				return count(r.NoOp.Allocs.Median(row, column)) + " / " + bytes(r.NoOp.Bytes.Median(row, column))
			}),
			"Waiting": times(waiting), "WaitingToFloor": ratios(waiting, contender.FloorContext),
		},
		Charts: map[string]string{
			"w1": perBackend("W1: one call for N checks that do nothing", noop),
			"w2": chart.Lines("W2: one call for N checks that wait 1 ms",
				"median time of the call; N backends from left to right", waiting.Columns, lines(waiting, itself), nanos),
		},
	}
}

func perBackend(title string, t *timing.Table) string {
	each := func(median float64, column string) float64 { return median / size(column) }
	subtitle := "median time of the call for each backend; N backends from left to right"
	return chart.Lines(title, subtitle, t.Columns, lines(t, each), nanos)
}

func lines(t *timing.Table, value func(median float64, column string) float64) []chart.Line {
	all := make([]chart.Line, 0, len(drawn))
	for _, row := range drawn {
		line := chart.Line{Label: plain(row), Ours: isOurs(row)}
		for _, column := range t.Columns {
			line.Values = append(line.Values, value(t.Median(row, column), column))
		}
		all = append(all, line)
	}
	return all
}

func times(t *timing.Table) string {
	return grid(t, "N = ", func(row, column string) string { return nanos(t.Median(row, column)) })
}

func ratios(t *timing.Table, base string) string {
	return grid(t, "N = ", func(row, column string) string { return ratio(t.Ratio(row, base, column)) })
}

// size is the number that a column stands for.
func size(column string) float64 {
	n, err := strconv.ParseFloat(column, 64)
	if err != nil {
		return math.NaN()
	}
	return n
}
