package events

import (
	"context"
	"os"
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

// open opens what the events need, on embedded servers or, with MOORING_TEST_SERVERS=env, on those of the
// environment.
func open(t *testing.T) (*orders.Queries, *pubsub.Resource) {
	t.Helper()
	environ := os.Environ()
	if os.Getenv("MOORING_TEST_SERVERS") != "env" {
		stack, err := devstack.Start(t.Context(), "mysql", "pubsub")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stack.Stop() })
		environ = stack.Env()
	}
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
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx, events.Client().Subscriber(Subscription)) }()
	f()
	stop()
	if err := <-done; err != nil {
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
