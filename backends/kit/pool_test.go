package kit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// noStats are those of a pool that has no limit.
func noStats() registry.PoolStats { return registry.PoolStats{} }

func TestTheServerIsAskedDirectlyWhenThePoolCannotTell(t *testing.T) {
	failure := func(k registry.Kind) error { return registry.Classify(k, errors.New(string(k))) }
	stale, full, denied, down := failure(registry.KindUnreachable), failure(registry.KindDegraded),
		failure(registry.KindAuth), failure(registry.KindTimeout)
	demoted := failure(registry.KindReadOnly)
	refused := failure(registry.KindExhausted)
	broken, canceled := failure(registry.KindTLS), failure(registry.KindCanceled)
	for _, test := range []struct{ pooled, direct, want error }{
		{nil, down, nil},
		{denied, nil, nil}, // the files have changed
		{denied, denied, denied},
		{broken, nil, nil},
		{broken, down, down},
		{stale, nil, nil},
		{stale, down, down},
		{canceled, nil, nil}, // by the driver, and by nobody else
		{canceled, down, down},
		{full, nil, full},
		{full, down, down},
		{full, refused, full}, // the server answers, and what is ours moves
		{refused, refused, refused},
		{refused, nil, nil},
		{down, nil, nil},
		{demoted, nil, nil},
		{demoted, demoted, demoted},
	} {
		dropped := false
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		got := new(kit.Pool).Check(ctx, noStats,
			func(context.Context) error { return test.pooled },
			func(context.Context) error { return test.direct },
			func() { dropped = true })
		cancel()
		if got != test.want {
			t.Errorf("pool: %v, server: %v: got %v, want %v", test.pooled, test.direct, got, test.want)
		}
		forgotten := slices.Contains([]error{denied, broken, down, stale, canceled}, test.pooled)
		if dropped != (forgotten && got == nil) {
			t.Errorf("pool: %v, server: %v: the idle connections are dropped: %t", test.pooled, test.direct, dropped)
		}
	}
}

func TestThePoolGetsHalfOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		wait := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		direct := func(ctx context.Context) error {
			if took := time.Since(start); took != 500*time.Millisecond {
				t.Errorf("the pool had %v", took)
			}
			return wait(ctx)
		}
		if err := new(kit.Pool).Check(ctx, noStats, wait, direct, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAFullPoolIsToBlameUnlessTheServerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pool kit.Pool
		pool.Returned()
		down := registry.Classify(registry.KindTimeout, errors.New("down"))
		refused := registry.Classify(registry.KindExhausted, errors.New("refused"))
		says := func(server error, want string) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			stats := func() registry.PoolStats { return registry.PoolStats{Max: 2, InUse: 2, WaitCount: 1} }
			pooled := func(ctx context.Context) error {
				<-ctx.Done()
				return kit.Classify(ctx.Err())
			}
			drop := func() { t.Error("the idle connections are dropped") }
			err := pool.Check(ctx, stats, pooled, func(context.Context) error { return server }, drop)
			if got := fmt.Sprintf("%s: %v", registry.KindOf(err), err); got != want {
				t.Errorf("server: %v: got %s, want %s", server, got, want)
			}
		}
		const busy = "degraded: all 2 connections of the pool are in use (waits: 1)"
		const stuck = "exhausted: all 2 connections of the pool are in use, and none has come back for 30s (waits: 1)"
		says(nil, busy)
		says(refused, busy) // the server answers, and what is ours moves
		says(down, "timeout: down")
		<-time.After(30 * time.Second)
		says(nil, stuck)
		says(refused, stuck)
		says(down, "timeout: down")
	})
}

func TestAPoolThatDoesNotMoveIsExhausted(t *testing.T) {
	const busy, stuck = "degraded: all 2 connections of the pool are in use",
		"exhausted: all 2 connections of the pool are in use, and none has come back for 30s"
	synctest.Test(t, func(t *testing.T) {
		var pool kit.Pool
		says := func(want string) {
			t.Helper()
			err := pool.Full(registry.PoolStats{Max: 2})
			if got := fmt.Sprintf("%s: %v", registry.KindOf(err), err); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		pool.Lent()
		<-time.After(time.Minute)
		says(busy) // returns may be hidden from the kit
		pool.Returned()
		pool.Lent()
		<-time.After(29 * time.Second)
		says(busy)
		pool.Lent() // it was not full before
		<-time.After(29 * time.Second)
		says(busy)
		<-time.After(time.Second)
		says(stuck)
		pool.Returned()
		pool.Lent()
		says(busy)
	})
}

func TestConnectionsLeaveAReadOnlyServerAfterASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pool kit.Pool
		old := time.Now()
		<-time.After(time.Second)
		if pool.Stale(old) {
			t.Error("nobody has said anything")
		}
		young := time.Now()
		<-time.After(time.Millisecond)
		pool.ReadOnly()
		<-time.After(time.Millisecond)
		later := time.Now()
		if !pool.Stale(old) || pool.Stale(young) {
			t.Error("at once: the old one stays, or the young one goes")
		}
		<-time.After(time.Second)
		if !pool.Stale(young) || pool.Stale(later) {
			t.Error("a second later: the young one stays, or the later one goes")
		}
	})
}

func TestWhatTheServerSaysOfItsRoleIsNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pool kit.Pool
		made := time.Now()
		<-time.After(time.Minute)
		if err := pool.Judge(kit.Any, false); err != nil || pool.Stale(made) {
			t.Errorf("any role: %v, stale %v", err, pool.Stale(made))
		}
		if err := pool.Judge(kit.Primary, false); registry.KindOf(err) != registry.KindReadOnly || !pool.Stale(made) {
			t.Errorf("primary: %v, stale %v", err, pool.Stale(made))
		}
	})
}

func TestOnlyAFullPoolIsToBlameForItsTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	failed, direct := errors.New("refused"), func(context.Context) error { return nil }
	var pool kit.Pool
	stats := func() registry.PoolStats { return registry.PoolStats{Max: 1, InUse: 1} }
	err := pool.Check(ctx, stats, func(context.Context) error { return failed }, direct, nil)
	if !errors.Is(err, failed) {
		t.Errorf("a full pool that answers at once: %v", err)
	}
}
