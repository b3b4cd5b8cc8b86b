// Command service is an order service to copy from: it uses four backends through their own clients, serves its
// health, and stops without losing anything.
//
//	MySQL    orders, through typed queries that sqlc makes of SQL
//	MongoDB  products, as typed documents
//	Redis    a cache; the service goes on without it
//	Pub/Sub  an event for each order, and a worker that packs what was ordered
//
// The environment says where they are, and a backend without its variables is an error. To try the service without
// any, -embedded starts servers inside this process, and the page at / has buttons to play their outages.
//
//	service -embedded
//	curl -d '{"product": "rope", "quantity": 2}' http://127.0.0.1:8080/orders
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	driver "cloud.google.com/go/pubsub/v2"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/examples/service/internal/api"
	"github.com/vibework/mooring/examples/service/internal/cache"
	"github.com/vibework/mooring/examples/service/internal/embedded"
	"github.com/vibework/mooring/examples/service/internal/events"
	"github.com/vibework/mooring/examples/service/internal/orders"
	"github.com/vibework/mooring/examples/service/internal/products"
	"github.com/vibework/mooring/examples/service/internal/status"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/serve"
	"github.com/vibework/mooring/registry/worker"
)

func main() {
	o := serve.Options{Server: &http.Server{ReadTimeout: 10 * time.Second}}
	flag.StringVar(&o.Server.Addr, "addr", "127.0.0.1:8080", "where to serve")
	flag.DurationVar(&o.Drain, "drain", 5*time.Second, "how long to be unready, and serve, after SIGTERM")
	flag.DurationVar(&o.Timeout, "budget", 25*time.Second, "how long stopping may take in all, -drain included")
	embed := flag.Bool("embedded", false,
		"start a server inside this process for each backend of which no variable is set; it forgets everything")
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err := run(context.Background(), o, *embed); err != nil {
		slog.Error("the service ended", "error", err)
		os.Exit(1)
	}
}

// run serves until SIGTERM or Ctrl-C.
func run(ctx context.Context, o serve.Options, embed bool) (err error) {
	servers := new(embedded.Servers) // none
	defer func() { err = errors.Join(err, servers.Stop()) }()
	if embed {
		if err := servers.Start(ctx); err != nil {
			return err
		}
	}
	roles, err := wantPrimaries()
	if err != nil {
		return err
	}
	// An order stands without Pub/Sub, so that its outage, or a worker's end, is for an alarm on /deepz.
	o.Health.Groups = map[string][]string{"/readyz": {"mysql", "mongo", "redis", "schema"}, "/deepz": nil}
	page, forget := status.New(registry.Default(), status.Options{
		Servers: servers, Roles: roles, Ready: o.Health.Groups["/readyz"],
	})
	defer forget()
	registry.SetOrder("mysql", "mongo", "redis", "pubsub")
	registry.SetOptional("redis")
	registry.Default().CheckTimeout = 2 * time.Second // all four are near: longer than this is an outage
	registry.Default().Every = time.Second            // so no probe waits, and neither does the page
	registry.Register(schema{})                       // what follows is opened after the backends, and closed before them
	registry.Register(pubsub.Subscriber("packing", events.Subscription, pack, events.AtATime))
	registry.Register(worker.New("reminding", remind))
	return serve.Run(ctx, o, func(context.Context) (http.Handler, error) { return routes(page), nil })
}

// wantPrimaries has the backends want a server that takes writes, as this service does, unless the environment says
// what they want. It returns what each of them wants.
func wantPrimaries() (roles map[string]string, err error) {
	roles = make(map[string]string)
	for _, name := range []string{mysql.Name, mongo.Name, redis.Name} {
		variable := strings.ToUpper(name) + "_ROLE"
		if os.Getenv(variable) == "" {
			err = errors.Join(err, os.Setenv(variable, "primary"))
		}
		roles[name] = os.Getenv(variable)
	}
	return roles, err
}

// cached asks for Redis each time: it is optional, and may be opened at any time.
var cached = &cache.Cache{Pool: redis.Handle, TTL: 30 * time.Second}

// schema is what has to be there before anybody works. As a resource it has its place in the order, and a time limit.
type schema struct{}

func (schema) Name() string { return "schema" }

func (schema) Open(ctx context.Context) error {
	return errors.Join(
		orders.Migrate(ctx, mysql.DB()),
		products.Seed(ctx, products.In(mongo.Database())),
		events.Ensure(ctx, pubsub.Client()),
	)
}

func (schema) Check(context.Context) error { return nil }
func (schema) Close(context.Context) error { return nil }

// pack packs what was ordered. Its handles are open until it has returned.
func pack(ctx context.Context, m *driver.Message) {
	w := &events.Worker{Orders: orders.New(mysql.DB()), Cache: cached}
	w.Handle(ctx, m)
}

// remind tells again of orders that are overdue.
func remind(ctx context.Context) error {
	return events.Remind(ctx, orders.New(mysql.DB()), pubsub.Publisher(events.Topic))
}

// routes are the paths of the API and of the page, but for what a page of another origin has no business with.
func routes(page *status.Page) http.Handler {
	mux := http.NewServeMux()
	page.Handle(mux)
	(&api.API{
		Orders: orders.New(mysql.DB()), Products: products.In(mongo.Database()), Cache: cached,
		Placed: pubsub.Publisher(events.Topic),
	}).Handle(mux)
	return http.NewCrossOriginProtection().Handler(mux)
}
