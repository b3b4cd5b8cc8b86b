package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
)

// backend is a resource whose check does as it is told.
type backend struct {
	name  string
	check func(context.Context) error
}

func (b *backend) Name() string                    { return b.name }
func (b *backend) Open(context.Context) error      { return nil }
func (b *backend) Check(ctx context.Context) error { return b.check(ctx) }
func (b *backend) Close(context.Context) error     { return nil }

func open(t *testing.T, checks ...func(context.Context) error) *registry.Registry {
	t.Helper()
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	for i, check := range checks {
		r.Register(&backend{fmt.Sprintf("backend-%d", i), check})
	}
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func flood(t *testing.T, handler http.Handler, requests int) {
	t.Helper()
	var wg sync.WaitGroup
	for range requests {
		wg.Go(func() {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", http.NoBody))
			if answer.Code != http.StatusOK {
				t.Errorf("the answer is %d: %s", answer.Code, answer.Body)
			}
		})
	}
	wg.Wait()
}

func TestConcurrentRequestsCostOneCheckOfEachResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var checks atomic.Int64
		wait := func(context.Context) error {
			checks.Add(1)
			time.Sleep(time.Millisecond)
			return nil
		}
		r := open(t, wait, wait, wait, wait)
		const rounds, clients = 10, 64
		handler := health.Handler(r, health.Options{MaxAge: -1})
		for range rounds {
			flood(t, handler, clients)
		}
		if got := checks.Load(); got != 4*rounds {
			t.Errorf("%d requests, %d at a time, cost %d checks, want %d", rounds*clients, clients, got, 4*rounds)
		}
		if err := r.CloseAll(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestASecondOfRequestsCostsOneCheckOfEachResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var checks atomic.Int64
		count := func(context.Context) error {
			checks.Add(1)
			return nil
		}
		r := open(t, count, count)
		handler := health.Handler(r, health.Options{})
		start := time.Now()
		for time.Since(start) < time.Second {
			flood(t, handler, 64)
			time.Sleep(10 * time.Millisecond)
		}
		if got := checks.Load(); got != 2 {
			t.Errorf("a second of requests cost %d checks, want 2", got)
		}
		if err := r.CloseAll(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAHungCheckIsStartedOnceAndHoldsOneGoroutineHoweverOftenItIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts atomic.Int64
		release := make(chan struct{})
		well := func(context.Context) error { return nil }
		r := open(t, well, func(context.Context) error {
			starts.Add(1)
			<-release
			return nil
		}, well)
		settled := func() int {
			synctest.Wait()
			return runtime.NumGoroutine()
		}
		before := settled()
		for i := range 100 {
			start := time.Now()
			report := r.CheckAll(t.Context())
			if took := time.Since(start); i > 0 && took != 0 || took > 5*time.Second {
				t.Fatalf("call %d took %v", i, took)
			}
			if kind := registry.KindOf(report.Err()); kind != registry.KindHung {
				t.Fatalf("call %d says %q", i, kind)
			}
		}
		if got := starts.Load(); got != 1 {
			t.Errorf("100 calls have started the hung check %d times", got)
		}
		if got := settled() - before; got != 1 {
			t.Errorf("100 calls have left %d goroutines, want 1", got)
		}
		close(release)
		if got := settled() - before; got != 0 {
			t.Errorf("%d goroutines are left when the check has returned", got)
		}
		if err := errors.Join(r.CheckAll(t.Context()).Err(), r.CloseAll(t.Context())); err != nil {
			t.Error(err)
		}
	})
}
