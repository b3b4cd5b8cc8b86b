package contender_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vibework/mooring/bench/internal/contender"
)

func well(context.Context) error { return nil }

func TestEveryContenderRunsEveryCheckAndCountsThoseThatFail(t *testing.T) {
	for _, c := range contender.Fresh() {
		t.Run(c.Name, func(t *testing.T) {
			var ran atomic.Int64
			check := func(err error) contender.Check {
				return func(ctx context.Context) error {
					ran.Add(1)
					return err
				}
			}
			down := errors.New("down")
			instance := c.New([]contender.Check{check(nil), check(down), check(nil), check(down)}, time.Minute)
			defer instance.Close()
			if failed := instance.CheckAll(t.Context()); failed != 2 || ran.Load() != 4 {
				t.Errorf("%d checks ran and %d failed, want 4 and 2", ran.Load(), failed)
			}
		})
	}
}

func TestEveryEndpointTellsWellFromUnwell(t *testing.T) {
	for _, c := range contender.Endpoints() {
		t.Run(c.Name, func(t *testing.T) {
			down := func(context.Context) error { return errors.New("down") }
			for want, checks := range map[int][]contender.Check{
				http.StatusOK: {well, well}, http.StatusServiceUnavailable: {well, down},
			} {
				instance := c.New(checks, 10*time.Millisecond)
				var got int
				for deadline := time.Now().Add(10 * time.Second); got != want && time.Now().Before(deadline); {
					answer := httptest.NewRecorder()
					instance.Handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", http.NoBody))
					got = answer.Code
				}
				instance.Close()
				if got != want {
					t.Errorf("the answer is %d, want %d", got, want)
				}
			}
		})
	}
}

func TestTheDeadlineHoldsWhereThePageSaysSo(t *testing.T) {
	for _, c := range contender.Fresh() {
		t.Run(c.Name, func(t *testing.T) {
			release, returned := make(chan struct{}), make(chan int, 1)
			hung := func(context.Context) error {
				<-release
				return nil
			}
			instance := c.New([]contender.Check{well, hung}, 20*time.Millisecond)
			defer instance.Close()
			go func() { returned <- instance.CheckAll(context.Background()) }()
			patience := 10 * time.Second
			if !c.Enforces {
				patience = 100 * time.Millisecond
			}
			select {
			case failed := <-returned:
				close(release)
				if !c.Enforces || failed != 1 {
					t.Errorf("it has returned, with %d failures", failed)
				}
			case <-time.After(patience):
				close(release)
				<-returned
				if c.Enforces {
					t.Error("it has not returned")
				}
			}
		})
	}
}

func TestEveryLifecycleOpensAndClosesEveryPart(t *testing.T) {
	for _, l := range contender.Lifecycles() {
		t.Run(l.Name, func(t *testing.T) {
			var opened, closed atomic.Int64
			part := contender.Part{
				Open:  func(context.Context) error { opened.Add(1); return nil },
				Close: func(context.Context) error { closed.Add(1); return nil },
			}
			cycle := l.New(slices.Repeat([]contender.Part{part}, 4), time.Minute)
			turns := int64(2)
			if l.Once {
				turns = 1
			}
			for range turns {
				if err := errors.Join(cycle.Open(t.Context()), cycle.Close(t.Context())); err != nil {
					t.Fatal(err)
				}
			}
			if opened.Load() != 4*turns || closed.Load() != 4*turns {
				t.Errorf("%d opened and %d closed in %d turns", opened.Load(), closed.Load(), turns)
			}
		})
	}
}
