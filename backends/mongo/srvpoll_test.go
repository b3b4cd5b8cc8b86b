package mongo_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
)

const cluster = "_mongodb._tcp.cluster.mooring.test."

// routers are two routers of a sharded cluster, as a name server knows them.
func routers(t *testing.T) (first, second record) {
	t.Helper()
	start := func() record {
		fake := mongotest.Start(t, mongotest.Options{Hello: member("router")})
		return srv("one.mooring.test.", uint16(portOf(t, fake.Addr())))
	}
	return start(), start()
}

// clusterOf is a name server that knows of one router.
func clusterOf(t *testing.T, router record) *fakeNames {
	t.Helper()
	return nameServer(t, records{
		cluster: {router}, "cluster.mooring.test.": nil, "one.mooring.test.": {a(127, 0, 0, 1)},
	})
}

// The driver looks once a minute, which passes in no time here. The routers stand outside of this clock.
func TestARouterThatJoinsLaterIsFound(t *testing.T) {
	first, second := routers(t)
	synctest.Test(t, func(t *testing.T) {
		names := clusterOf(t, first)
		res := mongo.New("mongo", mongo.WithConfig(at("mongodb+srv://cluster.mooring.test/?tls=false")))
		if err := res.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := res.PoolStats().Max; got != 20 {
			t.Errorf("at first there is room for %d connections", got)
		}
		names.set(cluster, first, second)
		<-time.After(2 * time.Minute)
		if got := res.PoolStats().Max; got != 40 {
			t.Errorf("two minutes later there is room for %d connections, want 40: 20 to each router", got)
		}
		names.set(cluster, second)
		<-time.After(2 * time.Minute)
		if got := res.PoolStats().Max; got != 20 {
			t.Errorf("when one has left there is room for %d connections", got)
		}
		if err := res.Check(t.Context()); err != nil {
			t.Errorf("a check of the one that is left: %v", err)
		}
		if err := res.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A name server that is gone is no fault of the cluster's, and Close does not wait for it.
func TestASilentNameServerDisturbsNoOpenClient(t *testing.T) {
	router, _ := routers(t)
	synctest.Test(t, func(t *testing.T) {
		names := clusterOf(t, router)
		res := mongo.New("mongo", mongo.WithConfig(at("mongodb+srv://cluster.mooring.test/?tls=false")))
		if err := res.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		names.silence(cluster)
		<-time.After(61 * time.Second)
		if err := res.Check(t.Context()); err != nil {
			t.Errorf("a check while the name server is silent: %v (%s)", err, registry.KindOf(err))
		}
		start := time.Now()
		if err := res.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("Close took %v", took)
		}
		names.stop() // the driver gives up
	})
}
