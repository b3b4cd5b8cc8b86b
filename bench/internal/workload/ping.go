package workload

import (
	"context"
	"slices"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
	"github.com/vibework/mooring/registry"
)

// The rows of Ping beside those of the contenders, and its columns.
const (
	PingAlone      = "the pings alone, one after the other"
	MooringBackend = "**Mooring**, with its own backends' checks"

	Redis1   = "Redis, 1"
	Redis4   = "Redis, 4"
	MariaDB1 = "MariaDB, 1"
	MariaDB4 = "MariaDB, 4"
)

// Ping checks one and four pools of each server, with the pools' bare pings for everyone and with the checks of
// Mooring's own backends.
func (s Servers) Ping(ctx context.Context, e timing.Effort) (*Calls, error) {
	r, backends, err := s.open(ctx, 4)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.CloseAll(ctx) }()
	rows := append([]string{PingAlone, MooringBackend}, contender.Names(contender.Fresh())...)
	calls := new(Calls)
	timing.Interleave(e.Passes, []string{Redis1, Redis4, MariaDB1, MariaDB4}, rows, func(row, column string) {
		pools := 1
		if column == Redis4 || column == MariaDB4 {
			pools = 4
		}
		b := backends[0]
		if column == MariaDB1 || column == MariaDB4 {
			b = backends[1]
		}
		instance := b.instance(row, pools)
		defer instance.Close()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		calls.add(row, column, timing.Measure(e.Cell, func(n int) {
			for range n {
				if instance.CheckAll(ctx) > 0 {
					panic(row + ": a check of a server that is well has failed")
				}
			}
		}))
	})
	return calls, nil
}

func (b backend) instance(row string, pools int) contender.Instance {
	switch row {
	case PingAlone:
		return contender.Instance{CheckAll: b.inSeries(pools), Close: func() {}}
	case MooringBackend:
		return contender.Instance{CheckAll: b.registered(pools), Close: func() {}}
	default:
		c := contender.Named(contender.Fresh(), row)[0]
		return c.New(slices.Clone(b.pings[:pools]), Timeout)
	}
}

func (b backend) inSeries(pools int) func(context.Context) int {
	return func(ctx context.Context) (failed int) {
		for _, ping := range b.pings[:pools] {
			ctx, cancel := context.WithTimeout(ctx, Timeout)
			if ping(ctx) != nil {
				failed++
			}
			cancel()
		}
		return failed
	}
}

// registered checks through a registry that is not closed: the resources have another owner.
func (b backend) registered(pools int) func(context.Context) int {
	r := contender.Quiet()
	for _, resource := range b.resources[:pools] {
		r.Register(resource)
	}
	done(r.OpenAll(context.Background()))
	return func(ctx context.Context) (failed int) {
		for _, result := range r.CheckAll(ctx).Results {
			if result.Status() != registry.Pass {
				failed++
			}
		}
		return failed
	}
}
