package mongo_test

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
)

func TestCloseCutsConnectionsInUseAndCountsThem(t *testing.T) {
	hook, hold := holding()
	r, res := open(t, at(server(t)), hook)
	release := hold(t, res, 3)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := r.CloseAll(ctx)
	want := "close mongo: timeout: 3 connections were still in use and have been cut"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	release()
}

func TestCloseUsesItsWholeShareForAnOperation(t *testing.T) {
	hook, hold := holding()
	r, res := open(t, at(server(t)), hook)
	release := hold(t, res, 1)
	time.AfterFunc(2500*time.Millisecond, release) // longer than disconnecting may take
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := r.CloseAll(ctx); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestASessionInProgressGoesOnWhileCloseWaits(t *testing.T) {
	_, res := open(t, at(server(t)))
	session, err := res.Client().StartSession()
	if err != nil {
		t.Fatal(err)
	}
	own := collection(t, res)
	closed := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		closed <- res.Close(ctx)
	}()
	for res.Check(t.Context()) == nil {
		continue // until Close has begun
	}
	transaction := driver.NewSessionContext(t.Context(), session)
	for id := range 100 {
		if _, err := own.InsertOne(transaction, bson.M{"_id": id}); err != nil {
			t.Errorf("statement %d while Close waits: %v", id, err)
			break
		}
	}
	session.EndSession(t.Context())
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestASessionThatNeverEndsIsCounted(t *testing.T) {
	r, res := open(t, at(server(t)))
	session, err := res.Client().StartSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.EndSession(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	want := "close mongo: timeout: 1 sessions were still in progress and have been cut"
	if err := r.CloseAll(ctx); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestWhoWaitsForAConnectionLearnsOfTheClose(t *testing.T) {
	cfg := at(server(t))
	cfg.MaxPoolSize = 1
	hook, hold := holding()
	r, res := open(t, cfg, hook)
	release := hold(t, res, 1)
	defer release()
	waiting := make(chan error)
	go func() { waiting <- res.Client().Ping(context.Background(), nil) }()
	untilWaiting(t, res, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := r.CloseAll(ctx); registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("got %v", err)
	}
	err := mongo.Classify(<-waiting)
	want := "the server has left the replica set, or the client is being closed"
	if err == nil || err.Error() != want || registry.KindOf(err) != registry.KindUnreachable {
		t.Errorf("got  %s: %v\nwant %s", registry.KindOf(err), err, want)
	}
}

func TestAnOperationMayEndWhileTheDriverDisconnects(t *testing.T) {
	hook, hold := holding()
	_, res := open(t, at(server(t)), hook)
	release := hold(t, res, 1)
	released := make(chan struct{})
	go func() {
		defer close(released)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // the driver may keep a ping until the end
		defer cancel()
		for res.Client().Ping(ctx, nil) == nil {
			continue // until the driver has begun to disconnect
		}
		release()
	}()
	if cut := mongo.Disconnect(t.Context(), t, res); cut > 0 {
		t.Errorf("%d connections were cut", cut)
	}
	<-released
}

func TestNothingIsLeftOfAClosedClient(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{User: "app", Password: password})
	cfg := at(uriOf(fake))
	cfg.MinPoolSize = 3
	r, res := open(t, cfg)
	warm(t, res, 5)
	if err := r.CloseAll(t.Context()); err != nil {
		t.Error(err)
	}
	fake.WaitConns(0)
}

func TestCloseOfAFrozenServerEndsInTime(t *testing.T) {
	proxy, uri := proxied(t)
	r, res := open(t, at(uri))
	warm(t, res, 3)
	proxy.Blackhole()
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := r.CloseAll(ctx); err != nil {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took >= patience {
		t.Errorf("it took %v", took)
	}
	nothingLeft(t, proxy)
}

func TestADriverThatDoesNotDisconnectIsCutAllTheSame(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{})
	stuck := make(chan struct{})
	defer close(stuck)
	res := mongo.New("mongo", mongo.WithConfig(at("mongodb://"+fake.Addr()+"/shop")), mongo.WithHook(func(o *options.ClientOptions) {
		o.SetPoolMonitor(&event.PoolMonitor{Event: func(e *event.PoolEvent) {
			if e.Type == event.ConnectionClosed {
				<-stuck
			}
		}})
	}))
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := res.Close(ctx); err != nil {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took >= patience {
		t.Errorf("it took %v", took)
	}
	fake.WaitConns(0)
}
