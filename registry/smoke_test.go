package registry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

type fake struct {
	name               string
	open, check, close func(context.Context) error
}

func (f *fake) Name() string { return f.name }
func call(f func(context.Context) error, ctx context.Context) error {
	if f == nil {
		return nil
	}
	return f(ctx)
}
func (f *fake) Open(ctx context.Context) error  { return call(f.open, ctx) }
func (f *fake) Check(ctx context.Context) error { return call(f.check, ctx) }
func (f *fake) Close(ctx context.Context) error { return call(f.close, ctx) }

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := registry.New()
		release := make(chan struct{})
		r.Register(&fake{name: "a"})
		r.Register(&fake{name: "b", check: func(ctx context.Context) error { <-release; return nil }})
		r.Register(&fake{name: "c", check: func(ctx context.Context) error { panic("boom") }})
		r.Register(&fake{name: "d", close: func(ctx context.Context) error { <-release; return nil }})
		n := 0
		r.Register(&fake{name: "e", open: func(ctx context.Context) error {
			if n++; n < 4 {
				return registry.Classify(registry.KindUnreachable, errors.New("nobody there"))
			}
			return nil
		}})
		r.Observe(func(e registry.Event) { fmt.Println(e.Op, e.Name, e.Attempt, e.Duration, e.Err) })
		fmt.Println(r.OpenAll(t.Context()))
		start := time.Now()
		rep := r.CheckAll(t.Context())
		fmt.Println(time.Since(start), rep.Err())
		b, _ := rep.MarshalJSON()
		fmt.Println(string(b))
		rep = r.CheckAll(t.Context())
		fmt.Println(time.Since(start), rep.Err())
		start = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		fmt.Println(r.CloseAll(ctx), time.Since(start))
		close(release)
		synctest.Wait()
		fmt.Println(r.OpenAll(t.Context()), r.CloseAll(t.Context()))
	})
}

type passing struct{ name string }

func (p passing) Name() string                { return p.name }
func (passing) Open(context.Context) error  { return nil }
func (passing) Check(context.Context) error { return nil }
func (passing) Close(context.Context) error { return nil }

func BenchmarkCheckAll(b *testing.B) {
	for _, n := range []int{1, 4, 16, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := registry.New()
			for i := range n {
				r.Register(passing{fmt.Sprintf("r%d", i)})
			}
			_ = r.OpenAll(b.Context())
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if !r.CheckAll(ctx).OK() { b.Fatal() }
			}
		})
	}
}
