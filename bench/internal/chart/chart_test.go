package chart_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/vibework/mooring/bench/internal/chart"
)

func charts() map[string]string {
	return map[string]string{
		"bars": chart.Bars("a < b", "in &", []chart.Bar{
			{Label: "ours", Value: 3, Text: "3", Ours: true}, {Label: "none", Value: math.NaN(), Text: "never"},
		}),
		"lines": chart.Lines("a < b", "in &", []string{"1", "10"}, []chart.Line{
			{Label: "ours", Values: []float64{1, 20}, Ours: true},
			{Label: "half", Values: []float64{2, math.NaN()}},
			{Label: "none", Values: []float64{math.NaN(), math.NaN()}},
		}, func(v float64) string { return "v" }),
		"grid": chart.Grid("a < b", "in &", []string{"x"}, []chart.GridRow{
			{Label: "ours", Cells: []chart.Cell{{Text: "ok", Good: true}}, Ours: true},
		}),
	}
}

func TestEveryChartIsWellFormedAndHasNumbersOnly(t *testing.T) {
	for name, svg := range charts() {
		decoder := xml.NewDecoder(strings.NewReader(svg))
		for {
			_, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%s has a number that is none:\n%s", name, svg)
		}
		if !strings.Contains(svg, "prefers-color-scheme:dark") {
			t.Errorf("%s has no colours for a dark page", name)
		}
	}
}

func TestABarIsAsLongAsItsValue(t *testing.T) {
	svg := chart.Bars("t", "s", []chart.Bar{{Label: "a", Value: 1}, {Label: "b", Value: 4}})
	var widths []float64
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := decoder.Token()
		if err != nil {
			break
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "rect" {
			var rect struct {
				Width float64 `xml:"width,attr"`
			}
			if err := decoder.DecodeElement(&rect, &start); err != nil {
				t.Fatal(err)
			}
			widths = append(widths, rect.Width)
		}
	}
	if len(widths) != 3 || math.Abs(widths[2]/widths[1]-4) > 0.01 { // the first is the page
		t.Errorf("the bars are %v long", widths)
	}
}
