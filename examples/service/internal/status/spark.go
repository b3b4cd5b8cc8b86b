package status

import (
	"math"
	"time"
)

// The size of a sparkline in its own units: a column for each check that is remembered.
const (
	column = 4
	high   = 32
)

// bar is one check in a sparkline.
type bar struct {
	X, Y, Height int
	Failed       bool
}

// spark draws the checks, the newest at the right. Heights are relative to the slowest that passed (by their roots,
// so that one slow check does not flatten the rest), but not to less than a few milliseconds: nobody should see
// mountains in noise. One that failed is as high as it gets.
func spark(checks []check) []bar {
	top := 4 * time.Millisecond
	for _, c := range checks {
		if !c.failed {
			top = max(top, c.duration)
		}
	}
	bars := make([]bar, len(checks))
	for i, c := range checks {
		height := high
		if !c.failed {
			height = max(2, int(high*math.Sqrt(float64(c.duration)/float64(top))))
		}
		x := column * (keep - len(checks) + i)
		bars[i] = bar{X: x, Y: high - height, Height: height, Failed: c.failed}
	}
	return bars
}
