package chart

import "math"

// Bar is one bar of a chart.
type Bar struct {
	Label string
	Value float64 // of the length; NaN for no bar
	Text  string  // what is written beside the bar
	Ours  bool
}

// Bars draws horizontal bars from zero, which have the lengths of their values.
func Bars(title, subtitle string, bars []Bar) string {
	const (
		top, row, thick = 52.0, 24.0, 15.0
		gap             = 8.0
	)
	labels, texts, longest := 0.0, 0.0, 0.0
	for _, b := range bars {
		labels, texts = max(labels, textWidth(b.Label)), max(texts, textWidth(b.Text))
		if !math.IsNaN(b.Value) {
			longest = max(longest, b.Value)
		}
	}
	left := gap + labels + gap
	room := width - left - texts - 2*gap
	d := drawing{height: top + row*float64(len(bars)) + gap}
	d.head(title, subtitle)
	for i, b := range bars {
		y := top + row*float64(i)
		class, labelClass := "bar", "end"
		if b.Ours {
			class, labelClass = "ours", "end strong"
		}
		d.text(left-gap, y+thick-3, labelClass, b.Label)
		long := 0.0
		if longest > 0 && !math.IsNaN(b.Value) {
			long = max(1, room*b.Value/longest)
			d.rect(left, y, long, thick, class)
		}
		d.text(left+long+gap, y+thick-3, "small", b.Text)
	}
	return d.svg(title)
}
