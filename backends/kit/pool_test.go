package kit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// stuckPool returns the error of a pool whose connections do not come back.
func stuckPool(t *testing.T) (err error) {
	synctest.Test(t, func(*testing.T) {
		var pool kit.Pool
		pool.Returned()
		<-time.After(30 * time.Second)
		err = pool.Full(registry.PoolStats{Max: 2, WaitCount: 1})
	})
	return err
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
