package page

import (
	"github.com/vibework/mooring/bench/internal/chart"
	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/suite"
	"github.com/vibework/mooring/bench/internal/timing"
)

// cycles has W6.
func cycles(r *suite.Results) section {
	built, whole := &r.Cycled.Built.Nanos, &r.Cycled.Whole.Nanos
	const n = "100"
	var bars []chart.Bar
	for _, row := range built.Rows {
		bars = append(bars, bar(row, built.Median(row, n)/size(n), nanos))
	}
	return section{
		Tables: map[string]string{
			"Built": times(built), "BuiltToFx": ratios(built, contender.Fx),
			"Whole": times(whole), "WholeToFx": ratios(whole, contender.Fx),
			"BuiltAllocs": grid(&r.Cycled.Built.Allocs, "N = ", func(row, column string) string {
				return count(r.Cycled.Built.Allocs.Median(row, column))
			}),
		},
		Charts: map[string]string{"w6": chart.Bars("W6: opening and closing 100 components that do nothing",
			"median time for each component; samber/do can be opened only once and has no bar", bars)},
	}
}

func bar(row string, value float64, format func(float64) string) chart.Bar {
	return chart.Bar{Label: plain(row), Value: value, Text: format(value), Ours: isOurs(row)}
}

// curve is what a call costs at some numbers of resources.
type curve struct {
	name   string
	median func(column string) float64
}

func curves(r *suite.Results) []curve {
	row := func(t *timing.Table, name string) func(string) float64 {
		return func(column string) float64 { return t.Median(name, column) }
	}
	both := row(&r.Cycled.Built.CPU, contender.LoopEnforced)
	return []curve{
		{"CheckAll", row(&r.NoOp.CPU, contender.Mooring)},
		{"OpenAll", row(&r.Cycled.Open, contender.Mooring)},
		{"CloseAll", row(&r.Cycled.Close, contender.Mooring)},
		{"CheckAll's bare floor", row(&r.NoOp.CPU, contender.FloorBare)},
		{"half a loop with deadlines", func(column string) float64 { return both(column) / 2 }},
	}
}

// growth has what a call costs for each resource as they become more.
func growth(r *suite.Results) section {
	columns := r.NoOp.Nanos.Columns
	head := []string{"for each resource"}
	for _, column := range columns {
		head = append(head, "N = "+column)
	}
	m := newMarkdown(head...)
	var drawn []chart.Line
	for _, c := range curves(r) {
		cells, line := []string{c.name}, chart.Line{Label: c.name, Ours: c.name == "CheckAll"}
		for _, column := range columns {
			each := c.median(column) / size(column)
			line.Values, cells = append(line.Values, each), append(cells, nanos(each))
		}
		m.row(cells...)
		drawn = append(drawn, line)
	}
	return section{
		Tables: map[string]string{"Growth": m.String(), "Memory": memory(r)},
		Charts: map[string]string{"growth": chart.Lines("Growth: what a call costs for each resource",
			"median processor time; N resources from left to right", columns, drawn, nanos)},
	}
}

func memory(r *suite.Results) string {
	m := newMarkdown("bytes for each of 10,000 resources", "")
	m.row("registered", count(r.Memory.Registered))
	m.row("open", count(r.Memory.Opened))
	m.row("open, and checked three times", count(r.Memory.Checked))
	m.row("closed", count(r.Memory.Closed))
	return m.String()
}
