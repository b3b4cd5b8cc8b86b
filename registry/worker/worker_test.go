package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-multierror"
	"go.uber.org/goleak"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
	"github.com/vibework/mooring/registry/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errLost = errors.New("two orders were lost")

// untilToldTo is a function that ends as it should.
func untilToldTo(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestTheContractOfResourceIsKept(t *testing.T) {
	registrytest.Run(t, registrytest.Target{
		New: func(*testing.T) registry.Resource { return worker.New("orders", untilToldTo) },
	})
}

func TestOpenStartsTheRunWithAContextOfItsOwn(t *testing.T) {
	type key struct{}
	seen := make(chan context.Context, 1)
	res := worker.New("orders", func(ctx context.Context) error {
		seen <- ctx
		return untilToldTo(ctx)
	})
	opening, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
	open(opening, t, res)
	cancel()
	ctx := <-seen
	if ctx.Err() != nil || ctx.Value(key{}) != "kept" {
		t.Errorf("the context has ended with %v and has %v", ctx.Err(), ctx.Value(key{}))
	}
	check(t, res, "")
	closes(t, res, "")
	check(t, res, "not open")
}

func TestARunThatEndsByItselfFailsItsCheck(t *testing.T) {
	for _, test := range []struct {
		name, check, close string
		run                func() error
	}{
		{"with an error", "it has ended: two orders were lost", "two orders were lost", func() error { return errLost }},
		{"without one", "it has ended: without an error", "", func() error { return nil }},
		{"by a context of its own", "it has ended: context canceled", "", func() error { return context.Canceled }},
		{"by a panic", "it has ended: panic: no such order", "panic: no such order", func() error { panic("no such order") }},
		{
			"by a Goexit", "it has ended: panic: runtime.Goexit was called", "panic: runtime.Goexit was called",
			func() error { runtime.Goexit(); return nil },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				res := worker.New("orders", func(context.Context) error { return test.run() })
				open(t.Context(), t, res)
				synctest.Wait()
				check(t, res, test.check)
				if strings.Contains(test.check, "panic") && registry.KindOf(res.Check(t.Context())) != registry.KindPanic {
					t.Errorf("its kind is %v", registry.KindOf(res.Check(t.Context())))
				}
				closes(t, res, test.close)
			})
		})
	}
}

func TestTheErrorOfARunKeepsItsKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		denied := registry.Classify(registry.KindPermission, errors.New("no right to receive"))
		res := worker.New("orders", func(context.Context) error { return denied })
		open(t.Context(), t, res)
		synctest.Wait()
		if err := res.Check(t.Context()); registry.KindOf(err) != registry.KindPermission || !errors.Is(err, denied) {
			t.Errorf("the check fails with %v", err)
		}
		closes(t, res, "no right to receive")
	})
}

func TestCloseTellsOnlyACancellationFromALoss(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{context.Canceled, ""},
		{fmt.Errorf("receive: %w", context.Canceled), ""},
		{errors.Join(context.Canceled, fmt.Errorf("receive: %w", context.Canceled)), ""},
		{errLost, "two orders were lost"},
		{errors.Join(context.Canceled, errLost), "two orders were lost"},
		{fmt.Errorf("%w: %w", errLost, context.Canceled), "two orders were lost"},
		{multierror.Append(nil, errLost, context.Canceled), "two orders were lost"},
		{multierror.Append(nil, context.Canceled, context.Canceled), ""},
	} {
		res := worker.New("orders", func(ctx context.Context) error {
			<-ctx.Done()
			return test.err
		})
		open(t.Context(), t, res)
		closes(t, res, test.want)
	}
}

// circle is an error that wraps itself.
type circle struct{}

func (circle) Error() string   { return "circle" }
func (c circle) Unwrap() error { return c }

func TestAnErrorThatWrapsItselfIsTheErrorOfClose(t *testing.T) {
	for _, err := range []error{circle{}, fmt.Errorf("%w: %w", context.Canceled, circle{})} {
		res := worker.New("orders", func(context.Context) error { return err })
		open(t.Context(), t, res)
		closes(t, res, err.Error())
	}
}

func TestCloseOfARunThatHasEndedSaysHowItEnded(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 { // whatever the state of Close's context
		synctest.Test(t, func(t *testing.T) {
			res := worker.New("orders", func(context.Context) error { return errLost })
			open(t.Context(), t, res)
			synctest.Wait()
			wantError(t, "Close", res.Close(done), "two orders were lost")
		})
	}
}

func TestThePlaceOfAPanicIsInTheError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		res := worker.New("orders", func(context.Context) error { panic("no such order") })
		open(t.Context(), t, res)
		synctest.Wait()
		check(t, res, "(worker_test.go:")
		closes(t, res, "panic: no such order (worker_test.go:")
	})
}

func TestCloseWaitsForTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		res := worker.New("orders", func(ctx context.Context) error {
			<-ctx.Done()
			<-time.After(3 * time.Second)
			return nil
		})
		open(t.Context(), t, res)
		start := time.Now()
		closes(t, res, "")
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestCloseOfARunThatGoesOnEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		res := worker.New("orders", func(context.Context) error {
			<-release
			return nil
		})
		open(t.Context(), t, res)
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := res.Close(brief); err == nil || err.Error() != "it is still running: context deadline exceeded" {
			t.Errorf("Close: %v", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v", took)
		}
		check(t, res, "not open")
		closes(t, res, "")

		if err := res.Open(brief); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open: %v", err)
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := res.Open(soon)
		if err == nil || err.Error() != "the run before has not ended: context deadline exceeded" {
			t.Errorf("Open beside the run before: %v", err)
		}
		time.AfterFunc(time.Second, func() { close(release) })
		open(t.Context(), t, res) // when that has ended
		closes(t, res, "")
	})
}

// store is a backend that keeps what is put into it, unless it is closed.
type store struct {
	opened atomic.Bool
	kept   atomic.Int64
	failed atomic.Int64
}

func (s *store) Name() string                { return "store" }
func (s *store) Open(context.Context) error  { s.opened.Store(true); return nil }
func (s *store) Check(context.Context) error { return nil }
func (s *store) Close(context.Context) error { s.opened.Store(false); return nil }

func (s *store) put() {
	if s.opened.Load() {
		s.kept.Add(1)
	} else {
		s.failed.Add(1)
	}
}

func TestWhatIsUnderWayIsStoredBeforeTheStoreCloses(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			s, taken := new(store), new(atomic.Int64)
			r := registry.New()
			r.Logger = slog.New(slog.DiscardHandler)
			r.Register(s)
			r.Register(worker.New("orders", func(ctx context.Context) error { return handle(ctx, s, taken) }))
			if err := r.OpenAll(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-time.After(rand.N(2 * time.Second)) // a random moment
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := r.CloseAll(ctx); err != nil {
				t.Error(err)
			}
			if s.failed.Load() != 0 || s.kept.Load() != taken.Load() || taken.Load() == 0 {
				t.Errorf("of %d taken %d were stored and %d failed", taken.Load(), s.kept.Load(), s.failed.Load())
			}
		})
	}
}

// handle takes 20 messages at a time, each of which needs a moment before it is stored.
func handle(ctx context.Context, s *store, taken *atomic.Int64) error {
	var handlers sync.WaitGroup
	for range 20 {
		handlers.Go(func() {
			for ctx.Err() == nil {
				taken.Add(1)
				<-time.After(rand.N(200 * time.Millisecond))
				s.put()
			}
		})
	}
	handlers.Wait()
	return ctx.Err()
}

func open(ctx context.Context, t *testing.T, res registry.Resource) {
	t.Helper()
	if err := res.Open(ctx); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, res registry.Resource, want string) {
	t.Helper()
	wantError(t, "Check", res.Check(t.Context()), want)
}

func closes(t *testing.T, res registry.Resource, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	wantError(t, "Close", res.Close(ctx), want)
}

// wantError wants an error that contains a text, or none if that is "".
func wantError(t *testing.T, call string, err error, want string) {
	t.Helper()
	if err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: %v, want %q", call, err, want)
	}
}
