package workload

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/samber/do/v2"

	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
	"github.com/vibework/mooring/registry"
)

// The rows of Lookup that others are compared with, and its only column.
const (
	PlainPointer = "a pointer in a package variable"
	MapRWMutex   = "a map behind a RWMutex, by name"
	TypedHandle  = "**Mooring**, the typed handle: `Pool()`"
	ByName       = "**Mooring**, by name: `GetFrom[*redis.Resource]`"
	OneLookup    = "one lookup"
)

// entries is how many resources there are to choose from.
const entries = 16

// search is one way of getting hold of a client. Its do makes n lookups.
type search struct {
	name string
	do   func(n int)
}

// Lookup measures how a program gets hold of a client, on all cores at the same time.
func Lookup(ctx context.Context, e timing.Effort) (*Calls, error) {
	server, err := miniredis.Run()
	if err != nil {
		return nil, err
	}
	defer server.Close()
	resources, err := openRedis(ctx, server.Addr())
	if err != nil {
		return nil, err
	}
	defer func() { _ = resources.CloseAll(ctx) }()
	searches := append(ours(resources), others()...)
	names := make([]string, len(searches))
	for i, s := range searches {
		names[i] = s.name
	}
	found := new(Calls)
	timing.Interleave(e.Passes, []string{OneLookup}, names, func(row, column string) {
		do := searches[slices.Index(names, row)].do
		found.add(row, column, timing.Measure(e.Cell, func(n int) { onAllCores(n, do) }))
	})
	return found, nil
}

// openRedis opens as many resources as there are entries.
func openRedis(ctx context.Context, addr string) (*registry.Registry, error) {
	r := contender.Quiet()
	for i := range entries {
		cfg, err := redisConfig(addr)
		if err != nil {
			return nil, err
		}
		r.Register(redis.New(entry(i), redis.WithConfig(cfg)))
	}
	return r, r.OpenAll(ctx)
}

func entry(i int) string { return fmt.Sprintf("redis-%d", i) }

func ours(r *registry.Registry) []search {
	resource, err := registry.GetFrom[*redis.Resource](r, entry(0))
	done(err)
	name := entry(entries / 2)
	return []search{
		{TypedHandle, func(n int) {
			for range n {
				if resource.Pool() == nil {
					panic(name)
				}
			}
		}},
		{ByName, func(n int) {
			for range n {
				if _, err := registry.GetFrom[*redis.Resource](r, name); err != nil {
					panic(err)
				}
			}
		}},
	}
}

// thing is what the others hand out.
type thing struct{ number int }

var plain = new(thing)

func others() []search {
	name := entry(entries / 2)
	injector := do.New()
	byName := make(map[string]*thing)
	for i := range entries {
		byName[entry(i)] = &thing{i}
		do.ProvideNamedValue(injector, entry(i), &thing{i})
	}
	do.ProvideValue(injector, new(thing))
	var mu sync.RWMutex
	return []search{
		{PlainPointer, func(n int) {
			for range n {
				if plain == nil {
					panic(name)
				}
			}
		}},
		{MapRWMutex, func(n int) {
			for range n {
				mu.RLock()
				found := byName[name]
				mu.RUnlock()
				if found == nil {
					panic(name)
				}
			}
		}},
		{"samber/do, by type: `Invoke`", func(n int) {
			for range n {
				if _, err := do.Invoke[*thing](injector); err != nil {
					panic(err)
				}
			}
		}},
		{"samber/do, by name: `InvokeNamed`", func(n int) {
			for range n {
				if _, err := do.InvokeNamed[*thing](injector, name); err != nil {
					panic(err)
				}
			}
		}},
	}
}

func onAllCores(n int, do func(n int)) {
	cores := runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for range cores {
		wg.Go(func() { do(n / cores) })
	}
	wg.Wait()
}
