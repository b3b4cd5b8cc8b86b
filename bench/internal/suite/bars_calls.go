package suite

import (
	"fmt"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
	"github.com/vibework/mooring/bench/internal/workload"
)

// callBars compare a call of checks that do nothing with the floor, and with the peers that enforce a deadline, at the
// worst of some sizes: at N = 4, and from 16 on.
func (r *Results) callBars() []Bar {
	four, more := []string{"4"}, []string{"16", "100", "1000", "10000"}
	var bars []Bar
	for _, b := range []struct {
		id, base, name   string
		limitFour, limit bounds
	}{
		{"B1", contender.FloorContext, "the floor with contexts", bounds{1.1, 0.9}, bounds{1.0, 0.8}},
		{"B3", contender.HealthGo, "health-go", bounds{1 / 1.5, 0.4}, bounds{0.5, 0.3}},
		{"B3", contender.Alex, "alexliesenfeld/health", bounds{1 / 1.5, 0.4}, bounds{0.5, 0.3}},
		{"B3", contender.DoHealth, "samber/do", bounds{1 / 1.5, 0.4}, bounds{0.5, 0.3}},
	} {
		compare := func(size string, columns []string, limit bounds) {
			var ratios []timing.Ratio
			for _, column := range columns {
				ratios = append(ratios, r.NoOp.Nanos.Ratio(contender.Mooring, b.base, column))
			}
			what := fmt.Sprintf("`CheckAll`, N %s: time to that of %s", size, b.name)
			bars = append(bars, ratioAtMost(b.id, what, limit, worst(ratios...)).because(whyCalls))
		}
		compare("= 4", four, b.limitFour)
		compare("≥ 16", more, b.limit)
	}
	return bars
}

const whyCalls = "a check locks its resource, counts itself off and reads the clock, so that callers share it, " +
	"a hung one is told, and each result has its duration"

// busyBars compare a call beside goroutines that never pause with the floor in the same place.
func (r *Results) busyBars() []Bar {
	var bars []Bar
	for _, processors := range r.Busy.Columns {
		what := fmt.Sprintf("`CheckAll`, N = 4, beside %d busy goroutines at GOMAXPROCS = %s: time to that of the floor "+
			"with contexts", workload.BusyGoroutines, processors)
		ratio := r.Busy.Ratio(contender.Mooring, contender.FloorContext, processors)
		bars = append(bars, ratioAtMost("B18", what, bounds{1.2, 1.0}, ratio))
	}
	return bars
}

func (r *Results) waitingBars() []Bar {
	var bars []Bar
	for _, b := range []struct {
		size  string
		limit bounds
	}{
		{"4", bounds{1.1, 1.00}},
		{"100", bounds{1.0, 0.94}},
		{"1000", bounds{1.0, 0.80}},
		{"10000", bounds{1.0, 0.80}},
	} {
		what := "checks of 1 ms, N = " + b.size + ": time to that of the floor with contexts"
		ratio := r.Waiting.Nanos.Ratio(contender.Mooring, contender.FloorContext, b.size)
		bar := ratioAtMost("B5", what, b.limit, ratio)
		bar.Gated = b.size != "10000" // too long for a gate
		bars = append(bars, bar)
	}
	return bars
}

func (r *Results) requestBars() []Bar {
	var bars []Bar
	for _, over := range []string{workload.Direct, workload.Pipe} {
		perRequest := r.Served.Checks.Median(contender.Mooring, over)
		bar := atMost("B6", "64 clients: checks for each request, of 4; "+over, bounds{0.15, 0.075}, perRequest)
		bar.Gated = true
		bars = append(bars, bar)
	}
	return bars
}

func (r *Results) rateBars() []Bar {
	bar := func(id, row, base, over, what string, limit bounds) Bar {
		what = fmt.Sprintf("64 clients: requests per second, %s; %s", what, over)
		return ratioAtLeast(id, what, limit, r.Served.Rate.Ratio(row, base, over))
	}
	var bars []Bar
	why := map[string]string{workload.Pipe: "most of the time is net/http's, for either"}
	const toFloor, toAlex = "to the floor with contexts", "both with a cache, to alexliesenfeld/health"
	for _, over := range []string{workload.Direct, workload.Pipe} {
		bars = append(bars,
			bar("B7", contender.Mooring, contender.FloorContext, over, toFloor, bounds{1.0, 1.1}).because(why[over]),
			bar("B8", contender.MooringCached, contender.AlexCached, over, toAlex, bounds{1.0, 1.3}))
	}
	return append(bars, bar("B7", contender.Mooring, contender.HealthGo, workload.Direct, "to health-go", bounds{25, 35}))
}
