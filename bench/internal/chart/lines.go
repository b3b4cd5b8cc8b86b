package chart

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Line is one line of a chart, with a value for each step along the x axis.
type Line struct {
	Label  string
	Values []float64 // NaN where there is none
	Ours   bool
}

// Lines draws lines over evenly spaced steps. The y axis is logarithmic; format writes its values.
func Lines(title, subtitle string, steps []string, lines []Line, format func(float64) string) string {
	const (
		top, bottom, left = 60.0, 360.0, 80.0
		apart             = 16.0
	)
	labels := 0.0
	for _, l := range lines {
		labels = max(labels, textWidth(l.Label))
	}
	right := width - labels - 20
	x := func(i int) float64 { return left + (right-left)*float64(i)/float64(max(1, len(steps)-1)) }
	low, high := decades(lines)
	y := func(v float64) float64 { return bottom - (bottom-top)*(math.Log10(v)-low)/(high-low) }

	d := drawing{height: bottom + 34}
	d.head(title, subtitle)
	for power := low; power <= high; power++ {
		value := math.Pow(10, power)
		d.line(left, y(value), right, y(value), "grid")
		d.text(left-8, y(value)+4, "small end", format(value))
	}
	for i, step := range steps {
		d.text(x(i), bottom+20, "small mid", step)
	}
	ends := make([]end, 0, len(lines))
	for n, l := range lines {
		class := fmt.Sprintf("line c%d", n%8)
		if l.Ours {
			class += " thick"
		}
		var points []string
		last := math.NaN()
		for i, v := range l.Values {
			if !math.IsNaN(v) {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(i), y(v)))
				last = y(v)
			}
		}
		fmt.Fprintf(&d.body, `<polyline points="%s" class="%s"/>`+"\n", strings.Join(points, " "), class)
		if !math.IsNaN(last) {
			ends = append(ends, end{l, n, last})
		}
	}
	spreadOut(ends, apart, bottom)
	for _, e := range ends {
		class := ""
		if e.Ours {
			class = "strong"
		}
		d.line(right+4, e.y, right+14, e.y, fmt.Sprintf("line c%d", e.number%8))
		d.text(right+18, e.y+4, class, e.Label)
	}
	return d.svg(title)
}

// end is where the label of a line goes.
type end struct {
	Line
	number int
	y      float64
}

// spreadOut moves labels until they are readable: down from the top, and up again from the bottom.
func spreadOut(ends []end, apart, bottom float64) {
	slices.SortStableFunc(ends, func(a, b end) int { return cmp.Compare(a.y, b.y) })
	for i := 1; i < len(ends); i++ {
		ends[i].y = max(ends[i].y, ends[i-1].y+apart)
	}
	limit := bottom
	for i := len(ends) - 1; i >= 0; i-- {
		ends[i].y = min(ends[i].y, limit)
		limit = ends[i].y - apart
	}
}

// decades returns the powers of ten around all values.
func decades(lines []Line) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, l := range lines {
		for _, v := range l.Values {
			if v > 0 { // false for NaN, too
				low, high = min(low, math.Floor(math.Log10(v))), max(high, math.Ceil(math.Log10(v)))
			}
		}
	}
	if low >= high {
		high = low + 1
	}
	return low, high
}
