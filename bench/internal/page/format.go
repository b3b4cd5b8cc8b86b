package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/vibework/mooring/bench/internal/timing"
)

// missing is what a cell says that has no number.
const missing = "–"

// nanos writes a time in three digits.
func nanos(v float64) string {
	switch {
	case math.IsNaN(v):
		return missing
	case v < 1e3:
		return digits(v) + " ns"
	case v < 1e6:
		return digits(v/1e3) + " µs"
	case v < 1e9:
		return digits(v/1e6) + " ms"
	default:
		return digits(v/1e9) + " s"
	}
}

func digits(v float64) string {
	switch {
	case math.IsNaN(v):
		return missing
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.095 || v == 0:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.3f", v)
	}
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func ratio(r timing.Ratio) string {
	if math.IsNaN(r.Median) {
		return missing
	}
	return fmt.Sprintf("%s [%s–%s]", digits(r.Median), digits(r.Min), digits(r.Max))
}

// count writes a number of things that is an average.
func count(v float64) string {
	if math.IsNaN(v) {
		return missing
	}
	return thousands(int64(math.Round(v)))
}

func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

func bytes(v float64) string {
	if v < 10_000 || math.IsNaN(v) {
		return count(v) + " B"
	}
	return count(v/1000) + " KB"
}

// markdown is a table in the making.
type markdown struct{ text strings.Builder }

func newMarkdown(head ...string) *markdown {
	m := new(markdown)
	m.row(head...)
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = "---"
	}
	m.row(rule...)
	return m
}

func (m *markdown) row(cells ...string) {
	m.text.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func (m *markdown) String() string { return m.text.String() }

// grid makes a table of a measured table, with what cell writes.
func grid(t *timing.Table, columnPrefix string, cell func(row, column string) string) string {
	head := []string{""}
	for _, column := range t.Columns {
		head = append(head, columnPrefix+column)
	}
	m := newMarkdown(head...)
	for _, row := range t.Rows {
		cells := []string{row}
		for _, column := range t.Columns {
			cells = append(cells, cell(row, column))
		}
		m.row(cells...)
	}
	return m.String()
}
