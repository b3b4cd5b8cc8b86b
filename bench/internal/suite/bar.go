package suite

import (
	"fmt"
	"math"
)

// Bar is one number that has to be reached.
type Bar struct {
	ID, What    string
	Must, Great float64
	AtLeast     bool // otherwise at most
	Measured    float64
	Spread      string // how far the passes lie apart, if it is a ratio
	Exact       bool   // the same on every machine: the gate allows no slack
	Gated       bool
	Why         string // said when it is missed
}

// slack is what the gate allows a ratio beyond the bar, for machines that are not the one of the page.
const slack = 1.2

// Measures says whether there is a number.
func (b Bar) Measures() bool { return !math.IsNaN(b.Measured) }

// Met says whether what must be reached is reached.
func (b Bar) Met() bool { return b.reaches(b.Must) }

// IsGreat says whether it is better than it must be.
func (b Bar) IsGreat() bool { return b.reaches(b.Great) }

func (b Bar) reaches(limit float64) bool {
	if b.AtLeast {
		return b.Measured >= limit
	}
	return b.Measured <= limit
}

// Limit is what the gate lets through.
func (b Bar) Limit() float64 {
	switch {
	case b.Exact:
		return b.Must
	case b.AtLeast:
		return b.Must / slack
	default:
		return b.Must * slack
	}
}

// Passes says whether the gate lets it through.
func (b Bar) Passes() bool { return b.reaches(b.Limit()) }

// Verdict is how it went, in a word.
func (b Bar) Verdict() string {
	switch {
	case !b.Measures():
		return "not measured"
	case b.IsGreat():
		return "great"
	case b.Met():
		return "met"
	default:
		return "**missed**"
	}
}

// Bound writes a limit of the bar.
func (b Bar) Bound(limit float64) string {
	if b.AtLeast {
		return "≥ " + number(limit)
	}
	return "≤ " + number(limit)
}

// Found writes what was measured, more exactly if it misses the bar by a hair.
func (b Bar) Found() string {
	found := number(b.Measured)
	if b.Measures() && !b.Met() && math.Abs(b.Measured-b.Must) < 0.005 {
		found = fmt.Sprintf("%.4f", b.Measured)
	}
	if b.Spread == "" || !b.Measures() {
		return found
	}
	return found + " " + b.Spread
}

func (b Bar) String() string { return fmt.Sprintf("%-4s %s: %s", b.ID, b.What, b.Found()) }

func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v == math.Trunc(v) && math.Abs(v) < 1e6:
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.3f", v)
	}
}
