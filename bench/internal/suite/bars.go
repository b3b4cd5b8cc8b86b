package suite

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/vibework/mooring/bench/internal/timing"
)

// Bars holds the results against what they have to reach. "Must" and "great" of a call of CheckAll were set anew for
// the plain path, which pools nothing and does not give the processor away: no more than a goroutine and a context
// for each check cost, and well below the peers that enforce a deadline. The others were set before Mooring was
// written.
func (r *Results) Bars() []Bar {
	return slices.Concat(
		r.callBars(), r.busyBars(), r.waitingBars(), r.requestBars(), r.rateBars(), r.hangBars(), r.faultBars(),
		r.outageBars(), r.cycleBars(), r.lookupBars(), r.inheritBars(), r.pingBars(), r.growthBars(),
	)
}

// Flat is the name of the bars of growth.
const Flat = "flat"

// measuredBy are the workloads that the bars need.
var measuredBy = map[string]string{
	"B1": "W1", "B3": "W1", "B18": "W10", "B5": "W2", "B6": "W3", "B7": "W3", "B8": "W3", "B9": "W4",
	"B10": "W4", "B11": "W5", "B12": "W6", "B13": "W5", "B14": "W7", "B15": "W8", "B16": "W8", "B17": "W9", "B19": "W11",
	Flat: "W6",
}

// Steps returns the workloads that the bars need.
func Steps(bars []Bar) (steps []string) {
	for _, b := range bars {
		if step := measuredBy[b.ID]; !slices.Contains(steps, step) {
			steps = append(steps, step)
		}
	}
	return steps
}

// Gated returns the bars of the gate that the plan's steps measure. One without a number is among them, and
// does not pass.
func (r *Results) Gated(p Plan) []Bar {
	return slices.DeleteFunc(r.Bars(), func(b Bar) bool {
		return !b.Gated || !slices.Contains(p.Steps, measuredBy[b.ID])
	})
}

// bounds are what a bar asks for.
type bounds struct{ must, great float64 }

// atMost is a bar that the gate does not hold.
func atMost(id, what string, limit bounds, measured float64) Bar {
	return Bar{ID: id, What: what, Must: limit.must, Great: limit.great, Measured: measured}
}

// exactly is a bar that the gate holds without slack.
func exactly(id, what string, limit bounds, measured float64) Bar {
	b := atMost(id, what, limit, measured)
	b.Exact, b.Gated = true, true
	return b
}

// ratioAtMost is a bar that the gate holds with some slack.
func ratioAtMost(id, what string, limit bounds, ratio timing.Ratio) Bar {
	b := atMost(id, what, limit, ratio.Median)
	b.Spread, b.Gated = fmt.Sprintf("[%s–%s]", number(ratio.Min), number(ratio.Max)), true
	return b
}

func ratioAtLeast(id, what string, limit bounds, ratio timing.Ratio) Bar {
	b := ratioAtMost(id, what, limit, ratio)
	b.AtLeast = true
	return b
}

// ungated is the bar for the page alone.
func (b Bar) ungated() Bar {
	b.Gated = false
	return b
}

// because is the bar with a reason why it is missed, if it is.
func (b Bar) because(why string) Bar {
	b.Why = why
	return b
}

// worst returns the ratio with the largest median.
func worst(ratios ...timing.Ratio) timing.Ratio {
	ratios = slices.DeleteFunc(ratios, func(r timing.Ratio) bool { return math.IsNaN(r.Median) })
	if len(ratios) == 0 {
		return timing.Missing
	}
	return slices.MaxFunc(ratios, func(a, b timing.Ratio) int { return cmp.Compare(a.Median, b.Median) })
}
