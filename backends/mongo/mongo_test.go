package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
)

func TestOpenCheckUseCloseAndOpenAgain(t *testing.T) {
	r, res := open(t, at(server(t)))
	for range 2 {
		if report := r.CheckAll(t.Context()); report.Err() != nil {
			t.Fatal(report.Err())
		}
		put(t, collection(t, res), 1)
		if err := r.CloseAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := res.Check(t.Context()); !errors.Is(err, registry.ErrNotOpen) {
			t.Errorf("a check after Close says %v", err)
		}
		if err := res.Client().Ping(t.Context(), nil); !errors.Is(err, driver.ErrClientDisconnected) {
			t.Errorf("the client after Close says %v", err)
		}
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheConfigurationComesFromTheEnvironment(t *testing.T) {
	uri := server(t)
	setenv(t, "MONGO_AUDIT_URI="+uri)
	res := mongo.New("mongo-audit")
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := res.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := res.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTwoInstancesKeepToThemselves(t *testing.T) {
	r := registry.New()
	one := mongo.New("mongo-one", mongo.WithConfig(at(server(t))))
	two := mongo.New("mongo-two", mongo.WithConfig(at(server(t))))
	r.Register(one)
	r.Register(two)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.CloseAll(t.Context()) }()
	if one.Client() == two.Client() {
		t.Error("they share a client")
	}
	if found, err := registry.GetFrom[*mongo.Resource](r, "mongo-two"); found != two || err != nil {
		t.Errorf("GetFrom returned %v, %v", found, err)
	}
}

func TestNewLeavesItsArgumentsAlone(t *testing.T) {
	opts := []mongo.Option{mongo.WithConfig(at("mongodb://h/one")), mongo.WithConfig(at("mongodb://h/two"))}
	_ = mongo.New("mongo", opts[:1]...)
	res := mongo.New("mongo", opts...)
	if err := res.Configure(); err != nil {
		t.Fatal(err)
	}
	if got := res.Target().Database; got != "two" {
		t.Errorf("the last option counts, and the database is %s", got)
	}
}

func TestAWrongPasswordIsFinalAndNotShown(t *testing.T) {
	secret := canary.New("", "")
	uri := server(t)
	uri = "mongodb://nobody:" + secret.Value + uri[strings.LastIndex(uri, "@"):]
	r, _ := register(at(uri))
	start := time.Now()
	err := r.OpenAll(t.Context())
	want := "open mongo: auth: wrong user name or password, " +
		"or the user is of another database (MONGO_URI: authSource) (18)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if kind := registry.KindOf(err); kind != registry.KindAuth {
		t.Errorf("the kind is %q", kind)
	}
	if took := time.Since(start); took >= patience {
		t.Errorf("it took %v, as long as the selection of a server may", took)
	}
	secret.AbsentFrom(t, err)
	canary.NoParserIn(t, err)
}

func TestAServerThatWantsAUserIsNotOpenedWithout(t *testing.T) {
	uri := server(t)
	uri = "mongodb://" + uri[strings.LastIndex(uri, "@")+1:]
	r, _ := register(at(uri))
	err := r.OpenAll(t.Context())
	if want := "open mongo: auth: the server wants a user name and a password; MONGO_URI has none"; err == nil ||
		err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAServerWithoutUsersNeedsNone(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{})
	r, res := open(t, at("mongodb://"+fake.Addr()+"/shop"))
	put(t, collection(t, res), 1)
	if result := r.Check(t.Context(), "mongo"); result.Err != nil {
		t.Error(result.Err)
	}
}

func TestThePoolStaysBoundedAndWarm(t *testing.T) {
	var created atomic.Int32
	cfg := at(server(t))
	cfg.MaxPoolSize = 5
	cfg.ServerSelectionTimeout = time.Minute
	_, res := open(t, cfg, mongo.WithHook(func(o *options.ClientOptions) {
		o.SetPoolMonitor(&event.PoolMonitor{Event: func(e *event.PoolEvent) {
			if e.Type == event.ConnectionCreated {
				created.Add(1)
			}
		}})
	}))
	own := collection(t, res)
	put(t, own, 1)
	var workers sync.WaitGroup
	for range 20 {
		workers.Go(func() {
			for range 50 {
				if err := own.FindOne(t.Context(), bson.M{"_id": 1}).Err(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	if n := created.Load(); n == 0 || n > 5 {
		t.Errorf("%d connections were made for 1000 operations with MaxPoolSize 5", n)
	}
}

func TestAFullPoolIsAWarning(t *testing.T) {
	cfg := at(server(t))
	cfg.MaxPoolSize = 2
	hook, hold := holding()
	r, res := open(t, cfg, hook)
	defer hold(t, res, 2)()
	result := r.Check(t.Context(), "mongo")
	if want := "check mongo: degraded: all 2 connections of the pool are in use (waits: 1)"; result.Err == nil ||
		result.Err.Error() != want {
		t.Errorf("got %v, want %s", result.Err, want)
	}
	if result.Status() != registry.Warn {
		t.Errorf("the status is %q", result.Status())
	}
}

func TestPoolStatsCountConnectionsAndWaits(t *testing.T) {
	cfg := at(server(t))
	cfg.MaxPoolSize = 2
	hook, hold := holding()
	r, res := open(t, cfg, hook)
	got := res.PoolStats()
	if want := (registry.PoolStats{Max: 2, Open: 1, Idle: 1}); got != want {
		t.Errorf("after Open they are %+v, want %+v", got, want)
	}
	release := hold(t, res, 2)
	got = res.PoolStats()
	if want := (registry.PoolStats{Max: 2, Open: 2, InUse: 2}); got != want {
		t.Errorf("with both in use they are %+v, want %+v", got, want)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := res.Client().Ping(ctx, nil); err == nil {
		t.Error("a third connection was lent")
	}
	got = res.PoolStats()
	if got.WaitCount != 1 || got.WaitDuration < 10*time.Millisecond || got.WaitDuration > time.Minute {
		t.Errorf("after a wait of 50ms they are %+v", got)
	}
	release()
	_ = r.CloseAll(t.Context())
	if got := res.PoolStats(); got != (registry.PoolStats{}) {
		t.Errorf("after Close they are %+v", got)
	}
}

func TestTheHandleIsThereFromOpenOn(t *testing.T) {
	res := mongo.New("mongo", mongo.WithConfig(at(server(t))))
	const closed = "mongo: not open: registry.OpenAll has not opened it yet"
	if _, err := res.Handle(); !errors.Is(err, registry.ErrNotOpen) || err.Error() != closed {
		t.Errorf("before Open: %v", err)
	}
	for _, take := range []func(){func() { res.Client() }, func() { res.Database() }} {
		if text := panicOf(take); text != closed {
			t.Errorf("an accessor before Open panicked with %q", text)
		}
	}
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	client, name := res.Client(), res.Database().Name()
	if err := res.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if res.Client() != client || res.Database().Name() != name {
		t.Error("after Close it is another")
	}
}

func TestAClientThatTheProgramDisconnectsIsNotOpen(t *testing.T) {
	r, res := open(t, at(server(t)))
	if err := res.Client().Disconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := "not open: Close or the program has disconnected the client"
	if err := res.Check(t.Context()); !errors.Is(err, registry.ErrNotOpen) || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if err := r.CloseAll(t.Context()); err != nil {
		t.Errorf("Close after that: %v", err)
	}
}

func TestDatabaseWithoutANameSaysWhatToSet(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{})
	_, res := open(t, at("mongodb://"+fake.Addr()))
	want := "mongo: no database: set MONGO_DATABASE, or name it in MONGO_URI (mongodb://host/name)"
	if text := panicOf(func() { res.Database() }); text != want {
		t.Errorf("got %q", text)
	}
	res.Client()
}

func TestHandleSaysWhyOpenFailed(t *testing.T) {
	res := mongo.New("mongo", mongo.WithConfig(mongo.Config{}))
	if err := res.Open(t.Context()); registry.KindOf(err) != registry.KindConfig {
		t.Errorf("Open returned %v", err)
	}
	_, err := res.Handle()
	if want := "mongo: not open: MONGO_URI is not set"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOptionsOfAnOpenResourceCannotBeChanged(t *testing.T) {
	_, res := open(t, at(server(t)))
	text := panicOf(func() { res.Use(mongo.WithConfig(mongo.Config{})) })
	if text != "mongo: Use after the resource was opened" {
		t.Errorf("got %q", text)
	}
}

func panicOf(f func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	f()
	return ""
}
