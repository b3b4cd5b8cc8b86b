package kit_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

func at(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 7007} }

func TestAnAddressIsLeftAfterThreeLookupsWithoutIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lookups kit.Lookups
		for i := range 3 {
			if lookups.Left(at("127.0.0.2")) {
				t.Errorf("left after %d look-ups", i)
			}
			lookups.Ask(t.Context(), "127.0.0.1")
			<-time.After(10 * time.Second)
		}
		if !lookups.Left(at("127.0.0.2")) || lookups.Left(at("127.0.0.1")) {
			t.Error("three look-ups say otherwise")
		}
		<-time.After(time.Millisecond)
		if lookups.Left(at("127.0.0.2")) {
			t.Error("two look-ups of the last 30s are enough")
		}
	})
}

func TestAnAddressInOneOfTheLookupsIsKept(t *testing.T) {
	var lookups kit.Lookups
	for _, answer := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.1"} {
		lookups.Ask(t.Context(), answer)
	}
	if lookups.Left(at("127.0.0.2")) {
		t.Error("an answer that rotates has moved a connection")
	}
}

func TestALookupThatFailsCountsForNothing(t *testing.T) {
	var lookups kit.Lookups
	for range 5 {
		lookups.Ask(t.Context(), "malformed host")
	}
	if lookups.Left(at("127.0.0.1")) || lookups.Left(&net.UnixAddr{Name: "/run/s"}) {
		t.Error("nobody knows where the name leads")
	}
}

func TestALookupOfSeveralNamesFailsWithOneOfThem(t *testing.T) {
	pool := kit.Pool{Role: kit.Primary, Hosts: []string{"/run/s", "127.0.0.1", "malformed host"}}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	well := func(context.Context) error { return nil }
	for range 3 {
		if err := pool.Check(ctx, func() registry.PoolStats { return registry.PoolStats{} }, well, well, nil); err != nil {
			t.Error(err)
		}
	}
	if pool.Left(at("127.0.0.2")) {
		t.Error("it may be the address of the name that could not be looked up")
	}
}
