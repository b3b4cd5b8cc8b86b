package chart

// Cell is one cell of a grid.
type Cell struct {
	Text string
	Good bool
}

// GridRow is a row of cells.
type GridRow struct {
	Label string
	Cells []Cell
	Ours  bool
}

// Grid draws outcomes that are good or bad. What makes them so is also written in them.
func Grid(title, subtitle string, columns []string, rows []GridRow) string {
	const (
		top, row, gap = 76.0, 26.0, 8.0
	)
	labels := 0.0
	for _, r := range rows {
		labels = max(labels, textWidth(r.Label))
	}
	left := gap + labels + gap
	step := (width - left - gap) / float64(len(columns))
	d := drawing{height: top + row*float64(len(rows)) + gap}
	d.head(title, subtitle)
	for i, column := range columns {
		d.text(left+step*(float64(i)+0.5), top-10, "small mid", column)
	}
	for i, r := range rows {
		y := top + row*float64(i)
		class := "end"
		if r.Ours {
			class = "end strong"
		}
		d.text(left-gap, y+15, class, r.Label)
		for k, cell := range r.Cells {
			x := left + step*float64(k)
			class := "bad"
			if cell.Good {
				class = "good"
			}
			d.rect(x+2, y, step-4, row-4, class)
			d.text(x+step/2, y+15, "on mid", cell.Text)
		}
	}
	return d.svg(title)
}
