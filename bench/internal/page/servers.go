package page

import (
	"github.com/vibework/mooring/bench/internal/chart"
	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/suite"
	"github.com/vibework/mooring/bench/internal/workload"
)

// pings has the pings and the connections of W9.
func pings(r *suite.Results) section {
	t := &r.Pings.Nanos
	var bars []chart.Bar
	for _, row := range t.Rows {
		bars = append(bars, bar(row, t.Median(row, workload.Redis4), nanos))
	}
	connections := newMarkdown("", "server", "checks", "connections opened")
	for _, c := range r.Connections {
		connections.row(c.Who, c.Server, thousands(int64(c.Checks)), thousands(c.Opened))
	}
	return section{
		Tables: map[string]string{
			"Pings": grid(t, "", func(row, column string) string { return nanos(t.Median(row, column)) }),
			"PingsToAlone": grid(t, "", func(row, column string) string {
				return ratio(t.Ratio(row, workload.PingAlone, column))
			}),
			"PingsToFloor": grid(t, "", func(row, column string) string {
				return ratio(t.Ratio(row, contender.FloorContext, column))
			}),
			"Connections": connections.String(),
		},
		Charts: map[string]string{"w9": chart.Bars("W9: checking four pools of a real Redis",
			"median time of the call", bars)},
	}
}

// probed has the program of W9 that is asked for its health.
func probed(r *suite.Results) section {
	p := r.Probed
	head := []string{"the endpoint of", "answers/s"}
	for _, server := range p.P99.Columns {
		head = append(head, server+" p50", server+" p99", "p99 to that of nobody")
	}
	m := newMarkdown(head...)
	var bars []chart.Bar
	for _, row := range p.P99.Rows {
		cells := []string{row, count(p.Requests.Median(row, workload.BothServers))}
		for _, server := range p.P99.Columns {
			cells = append(cells, nanos(p.P50.Median(row, server)*1e6), nanos(p.P99.Median(row, server)*1e6),
				ratio(p.P99.Ratio(row, workload.NoProbes, server)))
		}
		m.row(cells...)
		bars = append(bars, bar(row, p.P99.Median(row, workload.MariaDB)*1e6, nanos))
	}
	return section{
		Tables: map[string]string{"Probed": m.String()},
		Charts: map[string]string{"w9-probed": chart.Bars("W9: a program's own queries while 64 clients ask for its health",
			"median of the p99 of SELECT 1 on MariaDB, by whose endpoint they ask", bars)},
	}
}
