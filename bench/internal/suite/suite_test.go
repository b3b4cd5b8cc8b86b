package suite_test

import (
	"math"
	"slices"
	"testing"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/suite"
)

func TestTheGateAllowsRatiosSlackAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name   string
		bar    suite.Bar
		passes bool
	}{
		{"a ratio that is a little too high", suite.Bar{Must: 1, Measured: 1.15}, true},
		{"a ratio that is too high", suite.Bar{Must: 1, Measured: 1.25}, false},
		{"a rate that is a little too low", suite.Bar{Must: 1, Measured: 0.85, AtLeast: true}, true},
		{"a rate that is too low", suite.Bar{Must: 1, Measured: 0.8, AtLeast: true}, false},
		{"a number that is exact", suite.Bar{Must: 8, Measured: 8, Exact: true}, true},
		{"a number that is one too many", suite.Bar{Must: 8, Measured: 9, Exact: true}, false},
		{"what was not measured", suite.Bar{Must: 8, Measured: math.NaN()}, false},
		{"what was not measured, at least", suite.Bar{Must: 8, Measured: math.NaN(), AtLeast: true}, false},
	} {
		if got := c.bar.Passes(); got != c.passes {
			t.Errorf("%s passes: %v", c.name, got)
		}
	}
}

func TestAVerdictDistinguishesMetFromGreat(t *testing.T) {
	for want, measured := range map[string]float64{
		"great": 0.5, "met": 0.9, "**missed**": 1.1, "not measured": math.NaN(),
	} {
		bar := suite.Bar{Must: 1, Great: 0.6, Measured: measured}
		if got := bar.Verdict(); got != want {
			t.Errorf("%v is %q, want %q", measured, got, want)
		}
	}
}

func TestABarThatIsMissedByAHairShowsThatItIs(t *testing.T) {
	for measured, want := range map[float64]string{1.004: "1.0040", 1.1: "1.10", 0.996: "1.00"} {
		if got := (suite.Bar{Must: 1, Measured: measured}).Found(); got != want {
			t.Errorf("%v is shown as %q, want %q", measured, got, want)
		}
	}
}

func TestEveryBarIsMeasuredByAWorkload(t *testing.T) {
	for _, bar := range suite.Nothing().Bars() {
		if steps := suite.Steps([]suite.Bar{bar}); len(steps) != 1 || steps[0] == "" {
			t.Errorf("nobody measures %s", bar.ID)
		}
		if bar.Measures() {
			t.Errorf("%v, although nothing was measured", bar)
		}
	}
}

func TestTheGateRunsThoseWhomItsBarsCompare(t *testing.T) {
	for _, name := range []string{
		contender.Mooring, contender.FloorContext, contender.HealthGo, contender.Alex, contender.DoHealth,
	} {
		if !slices.Contains(suite.Gated().Only, name) {
			t.Errorf("the gate leaves %s out", name)
		}
	}
}
