package mongo_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
)

func TestAHookKeepsItsMonitors(t *testing.T) {
	var mu sync.Mutex
	heard := make(map[string]int)
	hear := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		heard[what]++
	}
	_, res := open(t, at(server(t)), mongo.WithHook(func(o *options.ClientOptions) {
		o.SetPoolMonitor(&event.PoolMonitor{Event: func(*event.PoolEvent) { hear("pool") }})
		o.SetServerMonitor(&event.ServerMonitor{
			ServerHeartbeatSucceeded:   func(*event.ServerHeartbeatSucceededEvent) { hear("heartbeat") },
			TopologyDescriptionChanged: func(*event.TopologyDescriptionChangedEvent) { hear("topology") },
			ServerOpening:              func(*event.ServerOpeningEvent) { hear("opening") },
		})
	}))
	put(t, collection(t, res), 1)
	mu.Lock()
	defer mu.Unlock()
	if len(heard) != 4 {
		t.Errorf("heard %v", heard)
	}
}

func TestAPanicOfAHookIsOneOfTheResource(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{})
	r, _ := register(at("mongodb://"+fake.Addr()), mongo.WithHook(func(*options.ClientOptions) { panic("no") }))
	if err := r.OpenAll(t.Context()); registry.KindOf(err) != registry.KindPanic || !strings.Contains(err.Error(), "hook_test.go") {
		t.Errorf("got %v", err)
	}
}

func TestAHookMayKeepConnectionsWarm(t *testing.T) {
	proxy, uri := proxied(t)
	r, res := open(t, at(uri), mongo.WithHook(func(o *options.ClientOptions) { o.SetMinPoolSize(2) }))
	warm(t, res, 2)
	proxy.Cut() // so a client of its own asks, which keeps no two
	if result := r.Check(t.Context(), "mongo"); result.Err != nil {
		t.Error(result.Err)
	}
}

func TestAHookMaySayWhereTheServersAre(t *testing.T) {
	here := mongo.WithHook(func(o *options.ClientOptions) { o.SetHosts([]string{"db.invalid:27017"}) })
	err := mongo.New("mongo", here, mongo.WithConfig(at("mongodb://elsewhere"))).Open(t.Context())
	if err == nil || strings.Contains(err.Error(), "members") {
		t.Errorf("got %v", err)
	}
}

func TestAHookMayDecodeInItsOwnWay(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{})
	cfg := at("mongodb://" + fake.Addr())
	cfg.Role = "primary"
	r, _ := open(t, cfg, mongo.WithHook(func(o *options.ClientOptions) {
		own := bson.NewRegistry()
		refuse := func(bson.DecodeContext, bson.ValueReader, reflect.Value) error { return errors.New("no structs") }
		own.RegisterKindDecoder(reflect.Struct, bson.ValueDecoderFunc(refuse))
		o.SetRegistry(own)
	}))
	if result := r.Check(t.Context(), "mongo"); result.Err != nil {
		t.Error(result.Err)
	}
}

func TestTheDriversLogStaysSilent(t *testing.T) {
	t.Setenv("MONGODB_LOG_ALL", "debug")
	t.Setenv("MONGODB_LOG_PATH", "/no/such/folder/mongo.log") // the driver would fail to open it
	_, res := open(t, at(server(t)))
	put(t, collection(t, res), 1)
}

// holding returns a hook, and a function that makes n operations hold a connection each until release is called.
func holding() (mongo.Option, func(t *testing.T, res *mongo.Resource, n int) (release func())) {
	held, released := make(chan struct{}), make(chan struct{})
	hook := mongo.WithHook(func(o *options.ClientOptions) {
		o.SetMonitor(&event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
			if e.CommandName == "find" {
				select {
				case held <- struct{}{}:
					<-released
				case <-released: // the driver tries again what has failed when the connection broke
				}
			}
		}})
	})
	return hook, func(t *testing.T, res *mongo.Resource, n int) func() {
		var operations sync.WaitGroup
		for range n {
			operations.Go(func() { _ = res.Database().Collection("mooring").FindOne(t.Context(), bson.M{}).Err() })
		}
		for range n {
			<-held
		}
		return func() {
			close(released)
			operations.Wait()
		}
	}
}
