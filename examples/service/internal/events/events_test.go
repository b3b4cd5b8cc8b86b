package events

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	"github.com/alicebob/miniredis/v2"
	redigo "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/examples/service/internal/cache"
	"github.com/vibework/mooring/examples/service/internal/orders"
	"github.com/vibework/mooring/lab/devstack"
	"github.com/vibework/mooring/registry"
)

func TestAnOrderWithoutAnEventIsPublishedWhenItIsOverdue(t *testing.T) {
	queries, events := open(t)
	id := create(t, queries)
	receive(t, queries, events, func() {
		if err := remind(t.Context(), queries, events.Publisher(Topic), time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if status := statusOf(t, queries, id); status != orders.Placed {
			t.Errorf("an order that is not overdue is %s", status)
		}
		if err := remind(t.Context(), queries, events.Publisher(Topic), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		awaitPacked(t, queries, id)
	})
}

func TestEventsThatComeTwiceOrNameNothingDoNoHarm(t *testing.T) {
	queries, events := open(t)
	id := create(t, queries)
	publisher := events.Publisher(Topic)
	receive(t, queries, events, func() {
		for _, data := range []string{"rope", "", "9223372036854775807"} {
			if _, err := publisher.Publish(t.Context(), &driver.Message{Data: []byte(data)}).Get(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := Publish(t.Context(), publisher, id); err != nil {
				t.Fatal(err)
			}
		}
		awaitPacked(t, queries, id)
	})
}

func TestAnOrderThatIsPackedIsNotCachedAnyMore(t *testing.T) {
	queries, events := open(t)
	id := create(t, queries)
	server := miniredis.RunT(t)
	pool := &redigo.Pool{DialContext: func(ctx context.Context) (redigo.Conn, error) {
		return redigo.DialContext(ctx, "tcp", server.Addr())
	}}
	defer pool.Close()
	cached := &cache.Cache{Pool: func() (*redigo.Pool, error) { return pool, nil }, TTL: 24 * time.Hour}
	if err := server.Set(cache.OrderKey(id), `{"status": "placed"}`); err != nil {
		t.Fatal(err)
	}
	receiveWith(t, &Worker{Orders: queries, Cache: cached}, events, func() {
		eventually(t, "the order is forgotten", func() bool {
			// More than once, since a cache that is slow is passed over.
			if err := Publish(t.Context(), events.Publisher(Topic), id); err != nil {
				t.Fatal(err)
			}
			return !server.Exists(cache.OrderKey(id))
		})
	})
	if status := statusOf(t, queries, id); status != orders.Packed {
		t.Errorf("the order is %s", status)
	}
}

// TestNoEventMeetsAClosedDatabase stops at random moments with up to 20 events under way.
func TestNoEventMeetsAClosedDatabase(t *testing.T) {
	moments := 100
	if testing.Short() {
		moments = 10
	}
	environ, handled := environ(t), int64(0)
	for range moments {
		database := mysql.New("mysql", mysql.WithConfig(load[mysql.Config](t, "mysql", environ)))
		events := pubsub.New("pubsub", pubsub.WithConfig(load[pubsub.Config](t, "pubsub", environ)))
		counted := new(slow)
		r := registry.New()
		r.Register(database)
		r.Register(events)
		r.Register(preparation(func(ctx context.Context) error {
			counted.DBTX = database.DB()
			err := errors.Join(orders.Migrate(ctx, database.DB()), Ensure(ctx, events.Client()))
			for order := range int64(40) {
				events.Publisher(Topic).Publish(ctx, &driver.Message{Data: []byte(strconv.FormatInt(order+1, 10))})
			}
			return err
		}))
		none := func() (*redigo.Pool, error) { return nil, registry.ErrNotOpen }
		packing := &Worker{Orders: orders.New(counted), Cache: &cache.Cache{Pool: none}}
		r.Register(events.Subscriber("packing", Subscription, packing.Handle, AtATime))
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(rand.N(200 * time.Millisecond))
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		err := r.CloseAll(ctx)
		cancel()
		// A CloseAll before the first event ends what prepares it.
		if begun, done := counted.begun.Load(), counted.done.Load(); begun != done || begun > 0 && err != nil {
			t.Errorf("of %d events %d were handled, CloseAll: %v", begun, done, err)
		}
		handled += counted.done.Load()
	}
	if handled == 0 {
		t.Error("there was no event to meet a closed database")
	}
}

// preparation is what has to be there before anybody works.
type preparation func(context.Context) error

func (preparation) Name() string                     { return "schema" }
func (p preparation) Open(ctx context.Context) error { return p(ctx) }
func (preparation) Check(context.Context) error      { return nil }
func (preparation) Close(context.Context) error      { return nil }

// slow is a database that needs a moment for each statement, and counts those that succeed.
type slow struct {
	orders.DBTX

	begun, done atomic.Int64
}

func (s *slow) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s.begun.Add(1)
	<-time.After(rand.N(20 * time.Millisecond))
	result, err := s.DBTX.ExecContext(ctx, query, args...)
	if err == nil {
		s.done.Add(1)
	}
	return result, err
}

// open opens what the events need, on embedded servers or, with MOORING_TEST_SERVERS=env, on those of the
// environment.
func open(t *testing.T) (*orders.Queries, *pubsub.Resource) {
	t.Helper()
	environ := environ(t)
	database := mysql.New("mysql", mysql.WithConfig(load[mysql.Config](t, "mysql", environ)))
	events := pubsub.New("pubsub", pubsub.WithConfig(load[pubsub.Config](t, "pubsub", environ)))
	r := registry.New()
	r.Register(database)
	r.Register(events)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.CloseAll(context.Background()) })
	for range 2 { // as two instances of the service would
		if err := orders.Migrate(t.Context(), database.DB()); err != nil {
			t.Fatal(err)
		}
		if err := Ensure(t.Context(), events.Client()); err != nil {
			t.Fatal(err)
		}
	}
	return orders.New(database.DB()), events
}

// environ returns the variables of the servers.
func environ(t *testing.T) []string {
	t.Helper()
	if os.Getenv("MOORING_TEST_SERVERS") == "env" {
		return os.Environ()
	}
	stack, err := devstack.Start(t.Context(), "mysql", "pubsub")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stack.Stop() })
	return stack.Env()
}

func load[T any](t *testing.T, name string, environ []string) T {
	t.Helper()
	cfg, err := config.LoadFrom[T](name, environ)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// receive runs the worker for as long as f takes, and expects it to end well.
func receive(t *testing.T, queries *orders.Queries, events *pubsub.Resource, f func()) {
	t.Helper()
	none := func() (*redigo.Pool, error) { return nil, registry.ErrNotOpen }
	receiveWith(t, &Worker{Orders: queries, Cache: &cache.Cache{Pool: none}}, events, f)
}

func receiveWith(t *testing.T, worker *Worker, events *pubsub.Resource, f func()) {
	t.Helper()
	packing := registry.New()
	packing.Register(events.Subscriber("packing", Subscription, worker.Handle, AtATime))
	if err := packing.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	f()
	if err := packing.CloseAll(t.Context()); err != nil {
		t.Errorf("the worker ended with %v", err)
	}
}

func create(t *testing.T, queries *orders.Queries) int64 {
	t.Helper()
	id, err := queries.Create(t.Context(), orders.CreateParams{
		Product: "rope", Quantity: 1, UnitPriceCents: 3900, CreatedAt: time.Now().UTC(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func statusOf(t *testing.T, queries *orders.Queries, id int64) string {
	t.Helper()
	order, err := queries.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return order.Status
}

func awaitPacked(t *testing.T, queries *orders.Queries, id int64) {
	t.Helper()
	eventually(t, "the order is packed", func() bool { return statusOf(t, queries, id) == orders.Packed })
}

// eventually waits until is returns true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	late := time.After(time.Minute)
	for !is() {
		select {
		case <-pause.C:
		case <-late:
			t.Fatalf("%s has not come true", what)
		}
	}
}
