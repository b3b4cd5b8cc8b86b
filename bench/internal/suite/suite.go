// Package suite runs the workloads, and holds what they have found against the bars.
package suite

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
	"github.com/vibework/mooring/bench/internal/workload"
)

// Results are what a run has found. What it did not run is empty.
type Results struct {
	NoOp    *workload.Calls     // W1
	Busy    *timing.Table       // W10, by processors
	Waiting *workload.Calls     // W2
	Served  *workload.Served    // W3
	Stuck   []workload.Stuck    // W4
	Faults  []workload.Outcome  // W5
	Cycled  *workload.Cycled    // W6
	Outages *workload.Outages   // W11
	Lookups *workload.Calls     // W7
	Inherit *workload.Inherited // W8
	Pings   *workload.Calls     // W9

	Connections []workload.Connections // W9
	Probed      *workload.Probed       // W9
	Memory      workload.Memory

	HangTimeout time.Duration // of W4
}

// Waits is how long each check of W2 and W3 takes.
const Waits = time.Millisecond

// Clients is how many ask a health endpoint at the same time.
const Clients = 64

// Nothing returns the results of a run that has measured nothing.
func Nothing() *Results {
	return &Results{
		NoOp: new(workload.Calls), Busy: new(timing.Table), Waiting: new(workload.Calls), Served: new(workload.Served),
		Outages: new(workload.Outages), Cycled: new(workload.Cycled), Lookups: new(workload.Calls),
		Inherit: new(workload.Inherited), Pings: new(workload.Calls), Probed: new(workload.Probed),
	}
}

// step is a workload, or a part of one.
type step struct {
	id, what string
	run      func() error
}

// Run runs the steps of the plan, and tells progress what it has done.
func Run(ctx context.Context, p Plan, servers workload.Servers, progress io.Writer) (*Results, error) {
	r := Nothing()
	r.HangTimeout = p.HangTimeout
	for _, step := range r.steps(ctx, p, servers) {
		if len(p.Steps) > 0 && !slices.Contains(p.Steps, step.id) {
			continue
		}
		start := time.Now()
		if err := step.run(); err != nil {
			return nil, fmt.Errorf("%s %s: %w", step.id, step.what, err)
		}
		_, _ = fmt.Fprintf(progress, "%-3s %-34s %v\n", step.id, step.what, time.Since(start).Round(100*time.Millisecond))
	}
	return r, nil
}

func (r *Results) steps(ctx context.Context, p Plan, servers workload.Servers) []step {
	return []step{
		{"W1", "checks that do nothing", func() error { r.noOp(p); return nil }},
		{"W10", "checks on a busy machine", func() error { r.busy(p); return nil }},
		{"W2", "checks that wait", func() error { r.waiting(p); return nil }},
		{"W3", "an endpoint under clients", func() error { r.served(p); return nil }},
		{"W4", "a check that hangs", func() error { r.Stuck = p.hang().Run(); return nil }},
		{"W5", "panics, and steps that hang", func() error { return r.faults(ctx, p) }},
		{"W11", "readiness in an outage", func() error { return r.outages(p) }},
		{"W6", "opening and closing", func() error { r.cycled(p); return nil }},
		{"W6", "memory", func() error { r.Memory = workload.Remember(10_000); return nil }},
		{"W7", "lookups", func() error { return r.lookups(ctx, p) }},
		{"W8", "what a program inherits", func() error { return r.inherit(ctx, p) }},
		{"W9", "pings of real servers", func() error { return r.pings(ctx, p, servers) }},
		{"W9", "connections to them", func() error { return r.connections(ctx, p, servers) }},
		{"W9", "a program that is probed", func() error { return r.probed(ctx, p, servers) }},
	}
}

func (r *Results) noOp(p Plan) {
	r.NoOp = workload.CheckAll{Contenders: p.calls(), Sizes: p.Sizes, Check: workload.NoOp}.Run(p.Effort)
}

func (r *Results) busy(p Plan) {
	compared := contender.Named(contender.Calls(), contender.Mooring, contender.FloorContext)
	r.Busy = workload.Busy{Contenders: compared, Backends: 4}.Run(p.Effort.Passes)
}

func (r *Results) waiting(p Plan) {
	r.Waiting = workload.CheckAll{
		Contenders: p.calls(), Sizes: p.WaitSizes, Check: workload.Sleep(Waits), Takes: Waits,
	}.Run(p.Effort)
}

func (r *Results) served(p Plan) {
	r.Served = workload.Endpoint{
		Contenders: p.only(contender.Endpoints()), Clients: Clients, Checks: 4, Takes: Waits, Over: p.Over,
	}.Run(p.Serve)
}

func (r *Results) faults(ctx context.Context, p Plan) (err error) {
	r.Faults, err = workload.Fault(ctx, p.only(contender.Faults()), p.lifecycles())
	return err
}

func (r *Results) outages(p Plan) (err error) {
	outage := workload.Outage{Contenders: contender.Periodic(), Timeout: p.Outage / 5, Long: p.Outage}
	r.Outages, err = outage.Run(p.OutagePasses)
	return err
}

func (r *Results) cycled(p Plan) {
	r.Cycled = workload.Cycle{Lifecycles: p.lifecycles(), Sizes: p.CycleSizes}.Run(p.Effort)
}

func (r *Results) lookups(ctx context.Context, p Plan) (err error) {
	r.Lookups, err = workload.Lookup(ctx, p.Effort)
	return err
}

func (r *Results) inherit(ctx context.Context, p Plan) (err error) {
	r.Inherit, err = workload.Inherit(ctx, timing.Effort{Passes: p.Starts}, workload.Programs())
	return err
}

func (r *Results) pings(ctx context.Context, p Plan, servers workload.Servers) (err error) {
	r.Pings, err = servers.Ping(ctx, p.Pings)
	return err
}

func (r *Results) connections(ctx context.Context, p Plan, servers workload.Servers) (err error) {
	r.Connections, err = servers.Connections(ctx, p.ServerChecks)
	return err
}

func (r *Results) probed(ctx context.Context, p Plan, servers workload.Servers) (err error) {
	r.Probed, err = servers.Probed(ctx, p.Probe)
	return err
}
