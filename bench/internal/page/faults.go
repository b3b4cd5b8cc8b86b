package page

import (
	"fmt"
	"slices"

	"github.com/vibework/mooring/bench/internal/chart"
	"github.com/vibework/mooring/bench/internal/suite"
	"github.com/vibework/mooring/bench/internal/workload"
)

// faults has W5, and the closers of W6.
func faults(r *suite.Results) section {
	checks := outcomes(r.Faults, []kind{{workload.InCheck, workload.Panic}, {workload.InCheck, workload.Goexit}})
	steps := outcomes(r.Faults, []kind{
		{workload.InOpen, workload.Hangs},
		{workload.InOpen, workload.Panic},
		{workload.InOpen, workload.Goexit},
		{workload.InClose, workload.Hangs},
		{workload.InClose, workload.Panic},
		{workload.InClose, workload.Goexit},
	})
	return section{
		Tables: map[string]string{"Faults": checks.markdown(), "Steps": steps.markdown()},
		Charts: map[string]string{
			"w5":       checks.chart("W5: one of 4 checks has a bug", "what the call makes of it"),
			"w5-steps": steps.chart("W5: opening or closing one of 4 components goes wrong", "what the call makes of it"),
		},
	}
}

// kind is a fault and where it is.
type kind struct{ where, how string }

func (k kind) String() string { return k.how + " in " + k.where }

// outcomeGrid has a row for each contender that was tried with one of the kinds.
type outcomeGrid struct {
	kinds []kind
	rows  []chart.GridRow // the labels as in tables
}

func outcomes(all []workload.Outcome, kinds []kind) outcomeGrid {
	g := outcomeGrid{kinds: kinds}
	for _, o := range all {
		if !slices.Contains(kinds, kind{o.Where, o.How}) {
			continue
		}
		i := slices.IndexFunc(g.rows, func(r chart.GridRow) bool { return r.Label == o.Contender })
		if i < 0 {
			i = len(g.rows)
			g.rows = append(g.rows, chart.GridRow{Label: o.Contender, Ours: isOurs(o.Contender)})
		}
		g.rows[i].Cells = append(g.rows[i].Cells, cell(o))
	}
	return g
}

// cell says in a few words what became of it.
func cell(o workload.Outcome) chart.Cell {
	switch {
	case o.Crashed:
		return chart.Cell{Text: "process dies"}
	case !o.Returned:
		return chart.Cell{Text: "never returns"}
	case !o.Reported:
		return chart.Cell{Text: "not noticed"}
	case o.Where == workload.InClose && len(o.Closed) < 3:
		return chart.Cell{Text: fmt.Sprintf("%d of 3 closed", len(o.Closed))}
	case o.Where == workload.InClose:
		return chart.Cell{Text: "rest closed", Good: o.ClosedTheOthers()}
	default:
		return chart.Cell{Text: "an error", Good: true}
	}
}

func (g outcomeGrid) columns() []string {
	columns := make([]string, len(g.kinds))
	for i, k := range g.kinds {
		columns[i] = k.String()
	}
	return columns
}

func (g outcomeGrid) markdown() string {
	m := newMarkdown(append([]string{""}, g.columns()...)...)
	for _, r := range g.rows {
		cells := []string{r.Label}
		for _, c := range r.Cells {
			cells = append(cells, c.Text)
		}
		m.row(cells...)
	}
	return m.String()
}

func (g outcomeGrid) chart(title, subtitle string) string {
	rows := slices.Clone(g.rows)
	for i := range rows {
		rows[i].Label = plain(rows[i].Label)
	}
	return chart.Grid(title, subtitle, g.columns(), rows)
}

// outages has W11.
func outages(r *suite.Results) section {
	m := newMarkdown(append([]string{"fault of one of 4 backends"}, r.Outages.Worst.Rows...)...)
	for _, fault := range r.Outages.Worst.Columns {
		cells := []string{fault}
		for _, row := range r.Outages.Worst.Rows {
			median, worst := r.Outages.Median.Median(row, fault), r.Outages.Worst.Median(row, fault)
			cells = append(cells, nanos(median*1e6)+" / "+nanos(worst*1e6))
		}
		m.row(cells...)
	}
	return section{Tables: map[string]string{"Outages": m.String()}}
}
