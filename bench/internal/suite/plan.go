package suite

import (
	"slices"
	"time"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
	"github.com/vibework/mooring/bench/internal/workload"
)

// Plan says how much a run measures.
type Plan struct {
	Steps      []string // such as W1; all if empty
	Only       []string // contenders; all if empty
	Sizes      []int    // W1
	WaitSizes  []int    // W2
	CycleSizes []int    // W6
	Over       []string // W3

	Effort timing.Effort
	Serve  timing.Effort // W3
	Pings  timing.Effort // W9
	Probe  timing.Effort // W9

	HangTimeout  time.Duration // W4
	HangCalls    int           // W4
	Outage       time.Duration // each fault of W11, five timeouts long
	OutagePasses int           // W11
	ServerChecks int           // W9
	Starts       int           // of each program, W8
}

// Full is what docs/performance.md is made of. It takes a quarter of an hour.
func Full() Plan {
	return Plan{
		Sizes: []int{1, 4, 16, 100, 1000, 10_000}, WaitSizes: []int{4, 100, 1000, 10_000},
		CycleSizes: []int{1, 4, 16, 100, 1000, 10_000}, Over: []string{workload.Direct, workload.Pipe},
		Effort:      timing.Effort{Passes: 21, Cell: 40 * time.Millisecond},
		Serve:       timing.Effort{Passes: 9, Cell: 250 * time.Millisecond},
		Pings:       timing.Effort{Passes: 61, Cell: 15 * time.Millisecond},
		Probe:       timing.Effort{Passes: 10, Cell: time.Second},
		HangTimeout: 50 * time.Millisecond, HangCalls: 100, Outage: 500 * time.Millisecond,
		OutagePasses: 5, ServerChecks: 10_000, Starts: 30,
	}
}

// Quick goes through everything once. Its numbers are good for nothing.
func Quick() Plan {
	return Plan{
		Sizes: []int{1, 4, 16, 100}, WaitSizes: []int{4, 100}, CycleSizes: []int{1, 4, 100},
		Over:        []string{workload.Direct, workload.Pipe},
		Effort:      timing.Effort{Passes: 1, Cell: time.Millisecond},
		Serve:       timing.Effort{Passes: 1, Cell: 20 * time.Millisecond},
		Pings:       timing.Effort{Passes: 1, Cell: time.Millisecond},
		Probe:       timing.Effort{Passes: 1, Cell: 100 * time.Millisecond},
		HangTimeout: 10 * time.Millisecond, HangCalls: 20, Outage: 200 * time.Millisecond,
		OutagePasses: 1, ServerChecks: 1000, Starts: 1,
	}
}

// Gated is what the bars of the gate need.
func Gated() Plan {
	return Plan{
		Steps: []string{"W1", "W10", "W2", "W3", "W4", "W5", "W6", "W7"},
		Only: []string{
			contender.Mooring, contender.FloorContext, contender.HealthGo, contender.Alex, contender.DoHealth,
			contender.MooringCached, contender.AlexCached, contender.Fx,
		},
		Sizes: []int{1, 4, 16, 100}, WaitSizes: []int{4, 100, 1000}, CycleSizes: []int{4, 100, 1000},
		Over:        []string{workload.Direct, workload.Pipe},
		Effort:      timing.Effort{Passes: 11, Cell: 25 * time.Millisecond},
		Serve:       timing.Effort{Passes: 15, Cell: 200 * time.Millisecond},
		HangTimeout: 50 * time.Millisecond, HangCalls: 100,
	}
}

func (p Plan) only(from []contender.Contender) []contender.Contender {
	if len(p.Only) == 0 {
		return from
	}
	return contender.Named(from, p.Only...)
}

func (p Plan) lifecycles() (some []contender.Lifecycle) {
	for _, l := range contender.Lifecycles() {
		if len(p.Only) == 0 || slices.Contains(p.Only, l.Name) {
			some = append(some, l)
		}
	}
	return some
}

func (p Plan) calls() []contender.Contender { return p.only(contender.Calls()) }

func (p Plan) hang() workload.Hang {
	return workload.Hang{
		Contenders: p.only(contender.Faults()), Timeout: p.HangTimeout, Calls: p.HangCalls, Callers: Clients,
	}
}
