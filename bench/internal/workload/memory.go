package workload

import (
	"context"
	"fmt"
	"runtime"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/registry"
)

// Memory is what one resource costs a registry, in bytes, without the resource itself and its name.
type Memory struct{ Registered, Opened, Checked, Closed float64 }

type idle struct{ name string }

func (r *idle) Name() string              { return r.name }
func (*idle) Open(context.Context) error  { return nil }
func (*idle) Check(context.Context) error { return nil }
func (*idle) Close(context.Context) error { return nil }

// Remember measures a registry of so many resources.
func Remember(resources int) Memory {
	all := make([]registry.Resource, resources)
	for i := range all {
		all[i] = &idle{fmt.Sprintf("backend-%05d", i)}
	}
	r := contender.Quiet()
	before := heap()
	per := func() float64 { return (heap() - before) / float64(resources) }
	for _, resource := range all {
		r.Register(resource)
	}
	m := Memory{Registered: per()}
	done(r.OpenAll(context.Background()))
	m.Opened = per()
	for range 3 {
		r.CheckAll(context.Background())
	}
	m.Checked = per()
	done(r.CloseAll(context.Background()))
	m.Closed = per()
	runtime.KeepAlive(r)
	runtime.KeepAlive(all)
	return m
}

// heap returns how many bytes are in use.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}
