package registry_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"testing"

	"github.com/vibework/mooring/registry"
)

// passing is a resource whose methods cost nothing.
type passing struct{ name string }

func (p passing) Name() string              { return p.name }
func (passing) Open(context.Context) error  { return nil }
func (passing) Check(context.Context) error { return nil }
func (passing) Close(context.Context) error { return nil }

var sizes = []int{1, 4, 16, 100, 1000}

// passingRegistry returns n open resources, and a context that can end, as that of a request can.
func passingRegistry(tb testing.TB, n int) (*registry.Registry, context.Context) {
	tb.Helper()
	r := &registry.Registry{Logger: slog.New(slog.DiscardHandler)}
	for i := range n {
		r.Register(passing{fmt.Sprintf("r%d", i)})
	}
	if err := r.OpenAll(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	tb.Cleanup(func() {
		cancel()
		if err := r.CloseAll(ctx); err != nil {
			tb.Error(err)
		}
	})
	return r, ctx
}

func TestCheckAllTakesAtMostFourAllocationsForEachResource(t *testing.T) {
	for _, n := range sizes {
		r, ctx := passingRegistry(t, n)
		most := float64(16 + 4*n) // sixteen for the call
		ok, fewest := true, math.Inf(1)
		for try := 0; try < 10 && fewest > most; try++ { // until the runtime has goroutines enough to reuse
			fewest = min(fewest, testing.AllocsPerRun(10, func() { ok = ok && r.CheckAll(ctx).OK() }))
		}
		if fewest > most || !ok {
			t.Errorf("%v allocations for %d resources (OK: %v)", fewest, n, ok)
		}
	}
}

func TestClosingCostsTheSameHoweverOftenItWasOpened(t *testing.T) {
	r := quiet(&fake{name: "a"}, &fake{name: "b"})
	bytes := func() int64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 100 {
			mustOpen(t, r)
			mustClose(t, r)
		}
		runtime.ReadMemStats(&after)
		return int64(after.TotalAlloc - before.TotalAlloc)
	}
	first := bytes()
	for range 5 {
		bytes()
	}
	if last := bytes(); last > first*2 {
		t.Errorf("%d bytes at first, and %d in the end", first, last)
	}
}

func TestGetTakesNoAllocation(t *testing.T) {
	withDefault(t, passing{"a"})
	r, _ := passingRegistry(t, 100)
	for what, get := range map[string]func() (passing, error){
		"Get":     func() (passing, error) { return registry.Get[passing]("a") },
		"GetFrom": func() (passing, error) { return registry.GetFrom[passing](r, "r99") },
	} {
		var failed error
		allocations := testing.AllocsPerRun(200, func() {
			if _, err := get(); err != nil {
				failed = err
			}
		})
		if allocations != 0 || failed != nil {
			t.Errorf("%s: %v allocations, %v", what, allocations, failed)
		}
	}
}

func BenchmarkCheckAll(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r, ctx := passingRegistry(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if !r.CheckAll(ctx).OK() {
					b.Fatal("it is not OK")
				}
			}
		})
	}
}

func BenchmarkCheckAllOfManyCallers(b *testing.B) {
	r, ctx := passingRegistry(b, 4)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.CheckAll(ctx)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	r, ctx := passingRegistry(b, 4)
	b.ReportAllocs()
	for b.Loop() {
		r.Check(ctx, "r3")
	}
}

func BenchmarkGetFrom(b *testing.B) {
	r, _ := passingRegistry(b, 4)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := registry.GetFrom[passing](r, "r3"); err != nil {
			b.Fatal(err)
		}
	}
}
