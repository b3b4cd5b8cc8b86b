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
	"github.com/vibework/mooring/registry/health"

	"github.com/vibework/mooring/examples/service/internal/api"
	"github.com/vibework/mooring/examples/service/internal/cache"
	"github.com/vibework/mooring/examples/service/internal/events"
	"github.com/vibework/mooring/examples/service/internal/orders"
	"github.com/vibework/mooring/examples/service/internal/products"
	"github.com/vibework/mooring/examples/service/internal/status"
)

// service is what runs between OpenAll and CloseAll.
type service struct {
	server  *http.Server
	stopped chan error // what has ended before its time

	endWork func() // ends what is working
	working sync.WaitGroup
}

// start prepares the backends and starts to serve. The handles are taken here, once, and passed down.
func start(ctx context.Context, addr string, page *status.Page) (*service, error) {
	prepare, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	queries, catalog := orders.New(mysql.DB()), products.In(mongo.Database())
	if err := errors.Join(
		orders.Migrate(prepare, mysql.DB()),
		products.Seed(prepare, catalog),
		events.Ensure(prepare, pubsub.Client()),
	); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}

	cached := &cache.Cache{Pool: redis.Handle, TTL: 30 * time.Second}
	placed := pubsub.Publisher(events.Topic)
	work, endWork := context.WithCancel(context.WithoutCancel(ctx))
	s := &service{
		server: newServer(page, &api.API{Orders: queries, Products: catalog, Cache: cached, Placed: placed}),
		// The server and the worker: only the first is read, and neither must wait for a reader.
		stopped: make(chan error, 2),
		endWork: endWork,
	}
	worker := &events.Worker{Orders: queries, Cache: cached}
	s.working.Go(func() { s.stopped <- worker.Run(work, pubsub.Client().Subscriber(events.Subscription)) })
	s.working.Go(func() { events.Remind(work, queries, placed) })
	s.working.Go(func() { page.Watch(work, time.Second) })
	go func() { s.stopped <- s.server.Serve(listener) }()
	slog.Info("serving", "url", "http://"+listener.Addr().String())
	return s, nil
}

func newServer(page *status.Page, orders *api.API) *http.Server {
	mux := http.NewServeMux()
	probes := health.Handler(nil, health.Options{})
	for _, path := range []string{"/livez", "/startupz", "/readyz", "/readyz/{name}"} {
		mux.Handle(path, probes)
	}
	orders.Handle(mux)
	page.Handle(mux)
	return &http.Server{
		// A page of another origin has no business with the buttons, nor with the orders.
		Handler:           http.NewCrossOriginProtection().Handler(mux),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}
