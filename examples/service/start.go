package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	_ "github.com/vibework/mooring/backends/all"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/examples/service/budget"
	"github.com/vibework/mooring/examples/service/internal/api"
	"github.com/vibework/mooring/examples/service/internal/cache"
	"github.com/vibework/mooring/examples/service/internal/events"
	"github.com/vibework/mooring/examples/service/internal/orders"
	"github.com/vibework/mooring/examples/service/internal/products"
	"github.com/vibework/mooring/examples/service/internal/status"
	"github.com/vibework/mooring/registry/health"
)

// service is what serves and works. It listens before the resources are open, so that probes are answered from the
// beginning.
type service struct {
	server  *http.Server
	gate    *gate
	page    *status.Page
	stopped chan error // what has ended before its time

	endWork func() // ends what is working
	working sync.WaitGroup
}

// listen answers /livez and the status page from now on, and everything else by 503 until start is done.
func listen(ctx context.Context, addr string, page *status.Page) (*service, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &service{
		gate: new(gate),
		page: page,
		// The server and the worker: only the first is read, and neither must wait for a reader.
		stopped: make(chan error, 2),
		endWork: func() {}, // there is none yet
	}
	mux := http.NewServeMux()
	mux.Handle("/livez", health.Handler(nil, health.Options{}))
	page.Handle(mux)
	mux.Handle("/", s.gate)
	s.server = newServer(mux)
	go func() { s.stopped <- s.server.Serve(listener) }()
	slog.Info("listening", "url", "http://"+listener.Addr().String())
	return s, nil
}

// start prepares the backends, which are open, and starts to work. The handles are taken here, once, and passed
// down.
func (s *service) start(ctx context.Context) error {
	prepare, cancel := context.WithTimeout(ctx, budget.Preparing)
	defer cancel()
	queries, catalog := orders.New(mysql.DB()), products.In(mongo.Database())
	if err := errors.Join(
		orders.Migrate(prepare, mysql.DB()),
		products.Seed(prepare, catalog),
		events.Ensure(prepare, pubsub.Client()),
	); err != nil {
		return err
	}

	cached := &cache.Cache{Pool: redis.Handle, TTL: 30 * time.Second}
	placed := pubsub.Publisher(events.Topic)
	work, endWork := context.WithCancel(context.WithoutCancel(ctx))
	s.endWork = endWork
	worker := &events.Worker{Orders: queries, Cache: cached}
	s.working.Go(func() { s.stopped <- worker.Run(work, pubsub.Client().Subscriber(events.Subscription)) })
	s.working.Go(func() { events.Remind(work, queries, placed) })
	s.working.Go(func() { s.page.Watch(work, time.Second) })

	mux := http.NewServeMux()
	probes := health.Handler(nil, health.Options{})
	for _, path := range []string{"/startupz", "/readyz", "/readyz/{name}"} {
		mux.Handle(path, probes)
	}
	(&api.API{Orders: queries, Products: catalog, Cache: cached, Placed: placed}).Handle(mux)
	s.gate.open(mux)
	slog.Info("serving")
	return nil
}

func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		// A page of another origin has no business with the buttons, nor with the orders.
		Handler:           http.NewCrossOriginProtection().Handler(handler),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}
