package suite

import (
	"math"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
	"github.com/vibework/mooring/bench/internal/workload"
)

func (r *Results) cycleBars() []Bar {
	var ratios []timing.Ratio
	for _, column := range []string{"4", "100", "1000"} {
		ratios = append(ratios, r.Cycled.Built.Nanos.Ratio(contender.Mooring, contender.Fx, column))
	}
	what := "opening and closing, N = 4, 100, 1000: time to that of fx"
	return []Bar{ratioAtMost("B12", what, bounds{1.5, 1.0}, worst(ratios...)).ungated().because(whyCycles)}
}

const whyCycles = "each Open and each Close has a context with a deadline and a goroutine that may be abandoned, " +
	"and its error is examined; a hook of fx has none of that"

func (r *Results) lookupBars() []Bar {
	nanos, allocs, column := &r.Lookups.Nanos, &r.Lookups.Allocs, workload.OneLookup
	allocated := allocs.Median(workload.TypedHandle, column) + allocs.Median(workload.ByName, column)
	byName := nanos.Ratio(workload.ByName, workload.MapRWMutex, column)
	return []Bar{
		atMost("B14", "ns of a typed handle", bounds{2, 2}, nanos.Median(workload.TypedHandle, column)),
		exactly("B14", "allocations of a typed handle and of one by name", bounds{}, math.Round(allocated)),
		ratioAtMost("B14", "a handle by name: time to that of a map behind a RWMutex", bounds{0.5, 0.3}, byName).
			ungated().because("a lock that all cores want is slow only while they all run; on a shared machine they seldom do"),
	}
}

const (
	whySize    = "the registry tells errors of `net` apart, logs with `log/slog` and marshals JSON"
	whyBackend = "the backend brings the registry, with `log/slog` and JSON, and `caarlos0/env` for its variables"
)

func (r *Results) inheritBars() []Bar {
	size := func(row string) float64 { return r.Inherit.Megabytes.Median(row, workload.TheProgram) }
	start := func(row string) float64 { return r.Inherit.Init.Median(row, workload.TheProgram) }
	modules := r.Inherit.Modules.Median(workload.RegistryOnly, workload.TheProgram) - 1
	return []Bar{
		atMost("B15", "MB of the registry over an empty main", bounds{0.3, 0.25},
			size(workload.RegistryOnly)-size(workload.Empty)).because(whySize),
		atMost("B15", "ms of initialization over that of an empty main", bounds{0.1, 0.1},
			start(workload.RegistryOnly)-start(workload.Empty)).because(whySize),
		atMost("B15", "modules of others in it: go-multierror and the errwrap that it needs", bounds{2, 2}, modules),
		atMost("B16", "size of a program with `backends/redis` to one with redigo by hand", bounds{1.05, 1.05},
			size(workload.RedisBackend)/size(workload.RedisDriver)).because(whyBackend),
	}
}

// pingBars are not gated: they need servers.
func (r *Results) pingBars() []Bar {
	var bars []Bar
	for _, b := range []struct {
		column, base, name string
		limit              bounds
	}{
		{workload.Redis1, workload.PingAlone, "the ping alone", bounds{1.25, 1.10}},
		{workload.MariaDB1, workload.PingAlone, "the ping alone", bounds{1.45, 1.10}},
		{workload.Redis4, contender.FloorContext, "the floor with contexts", bounds{1.0, 0.90}},
		{workload.MariaDB4, contender.FloorContext, "the floor with contexts", bounds{1.0, 0.90}},
	} {
		ratio := r.Pings.Nanos.Ratio(contender.Mooring, b.base, b.column)
		bar := ratioAtMost("B17", b.column+": Mooring with the same pings, to "+b.name, b.limit, ratio)
		bars = append(bars, bar.ungated().because(whyPings))
	}
	for _, c := range r.Connections {
		if c.Who == contender.Mooring {
			what := c.Server + ": connections that all checks have opened, of a pool of 20"
			bars = append(bars, atMost("B17", what, bounds{20, 1}, float64(c.Opened)))
		}
	}
	return bars
}

const whyPings = "system calls and the waking of threads are most of it, for either"

// growthBars compare the processor time of a call for each resource at large numbers with that at 100. They are
// too long for a gate.
func (r *Results) growthBars() []Bar {
	var bars []Bar
	for _, c := range []struct {
		what  string
		table *timing.Table
	}{{"OpenAll", &r.Cycled.Open}, {"CloseAll", &r.Cycled.Close}} {
		what := "`" + c.what + "`: processor time for each resource at N = 1000 or 10,000 to that at 100"
		bars = append(bars, ratioAtMost(Flat, what, flat, grown(c.table, contender.Mooring)).ungated().because(whyGrowth))
	}
	ours, floor := grown(&r.NoOp.CPU, contender.Mooring), grown(&r.NoOp.CPU, contender.FloorBare)
	what := "`CheckAll`: the same to that of the bare floor, whose goroutines run at once, too"
	return append(bars, atMost(Flat, what, flat, ours.Median/floor.Median))
}

var flat = bounds{1.3, 1.1}

const whyGrowth = "the runtime's share grows: so do the floors, see [Growth](#growth)"

// grown is how much more a resource costs among many than among a hundred.
func grown(t *timing.Table, row string) timing.Ratio {
	return worst(
		t.Growth(row, "1000", "100").Times(100./1000),
		t.Growth(row, "10000", "100").Times(100./10_000),
	)
}
