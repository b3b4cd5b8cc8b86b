package suite

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
	"github.com/vibework/mooring/bench/internal/workload"
)

// callBars compare a call with the floors and with the fastest peer that enforces its deadline, at the worst of
// some sizes.
func (r *Results) callBars() []Bar {
	one, four, sixteen := []string{"1"}, []string{"4"}, []string{"16"}
	many := []string{"100", "1000", "10000"}
	var bars []Bar
	for _, b := range []struct {
		id, base, name, size string
		columns              []string
		limit                bounds
	}{
		{"B1", contender.FloorContext, "the floor with contexts", "= 1", one, bounds{1.25, 0.85}},
		{"B1", contender.FloorContext, "the floor with contexts", "= 4", four, bounds{0.65, 0.50}},
		{"B1", contender.FloorContext, "the floor with contexts", "= 16", sixteen, bounds{0.45, 0.25}},
		{"B1", contender.FloorContext, "the floor with contexts", "≥ 100", many, bounds{0.50, 0.15}},
		{"B2", contender.FloorBare, "the bare floor", "= 4", four, bounds{1.9, 1.5}},
		{"B2", contender.FloorBare, "the bare floor", "= 16", sixteen, bounds{1.5, 0.8}},
		{"B2", contender.FloorBare, "the bare floor", "≥ 100", many, bounds{1.6, 0.4}},
		{"B3", contender.HealthGo, "health-go", "= 1", one, bounds{0.65, 0.45}},
		{"B3", contender.HealthGo, "health-go", "= 4", four, bounds{0.36, 0.25}},
		{"B3", contender.HealthGo, "health-go", "≥ 16", append(sixteen, many...), bounds{0.30, 0.12}},
	} {
		var ratios []timing.Ratio
		for _, column := range b.columns {
			ratios = append(ratios, r.NoOp.Nanos.Ratio(contender.Mooring, b.base, column))
		}
		what := fmt.Sprintf("`CheckAll`, N %s: time to that of %s", b.size, b.name)
		bars = append(bars, ratioAtMost(b.id, what, b.limit, worst(ratios...)).because(r.whyCalls()))
	}
	return bars
}

// whyCalls says what there is beside goroutines and a context.
func (r *Results) whyCalls() string {
	var toShared []string
	for _, size := range r.NoOp.Nanos.Columns {
		ratio := r.NoOp.Nanos.Ratio(contender.Mooring, contender.FloorShared, size).Median
		toShared = append(toShared, fmt.Sprintf("%s at N = %s", number(ratio), size))
	}
	return "a check locks its resource twice, counts itself off and reads the clock, so that callers share it, a hung " +
		"one is told, and each result has its duration; to the floor with one context, which does none of that, " +
		"the time is " + strings.Join(toShared, ", ")
}

const whyBytes = "the context and its timer take 272 bytes, the channel that a caller waits on 112 and the call 48; " +
	"nothing is pooled"

// noise is what the runtime allocates for itself meanwhile.
const noise = 0.1

func (r *Results) allocationBars() []Bar {
	allocs, least, fixed := math.NaN(), math.NaN(), math.NaN()
	for _, size := range r.NoOp.Allocs.Columns {
		n, _ := strconv.ParseFloat(size, 64)
		if n > 100 { // few calls: what the runtime allocates for its own goroutines shows
			continue
		}
		a := r.NoOp.Allocs.Median(contender.Mooring, size)
		allocs, least = larger(allocs, a), smaller(least, a)
		if n <= 4 { // beyond, the allocator rounds the slice of results up
			fixed = larger(fixed, math.Round(r.NoOp.Bytes.Median(contender.Mooring, size)-48*n))
		}
	}
	bytes := atMost("B4", "bytes of it beside 48 for each result", bounds{450, 200}, fixed).because(whyBytes)
	bytes.Gated = true
	return []Bar{
		exactly("B4", "allocations of a `CheckAll`, at any N up to 100", bounds{8, 3}, math.Ceil(allocs-noise)),
		exactly("B4", "by how many allocations it depends on N", bounds{}, math.Max(0, math.Ceil(allocs-least-noise))),
		bytes,
	}
}

func (r *Results) waitingBars() []Bar {
	var bars []Bar
	for _, b := range []struct {
		size  string
		limit bounds
	}{
		{"4", bounds{1.02, 1.00}},
		{"100", bounds{0.97, 0.94}},
		{"1000", bounds{0.90, 0.70}},
		{"10000", bounds{0.80, 0.45}},
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
