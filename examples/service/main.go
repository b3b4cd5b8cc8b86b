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
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/vibework/mooring/examples/service/internal/embedded"
	"github.com/vibework/mooring/examples/service/internal/status"
	"github.com/vibework/mooring/registry"
)

type settings struct {
	addr     string
	drain    time.Duration
	budget   time.Duration
	embedded bool
}

func main() {
	var s settings
	flag.StringVar(&s.addr, "addr", "127.0.0.1:8080", "where to serve")
	flag.DurationVar(&s.drain, "drain", 5*time.Second, "how long to be unready, and serve, after SIGTERM")
	flag.DurationVar(&s.budget, "budget", 25*time.Second, "how long stopping may take in all, -drain included")
	flag.BoolVar(&s.embedded, "embedded", false,
		"start a server inside this process for each backend of which no variable is set; it forgets everything")
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err := run(context.Background(), s); err != nil {
		slog.Error("the service ended", "error", err)
		os.Exit(1)
	}
}

// run serves until SIGTERM or Ctrl-C, or until the service cannot go on.
func run(ctx context.Context, s settings) (err error) {
	if s.drain < 0 || s.drain >= s.budget {
		return fmt.Errorf("-drain must be shorter than -budget, which is %v", s.budget)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()

	servers := new(embedded.Servers) // none
	defer func() { err = errors.Join(err, servers.Stop()) }()
	if s.embedded {
		if err := servers.Start(ctx); err != nil {
			return err
		}
	}
	registry.SetOrder("mysql", "mongo", "redis", "pubsub")
	registry.SetOptional("redis")
	registry.Default().CheckTimeout = 2 * time.Second // all four are near: longer than this is an outage
	page, forget := status.New(registry.Default(), servers)
	defer forget()

	service, err := listen(ctx, s.addr, page)
	if err != nil {
		return err
	}
	err = registry.OpenAll(ctx)
	if err == nil {
		err = service.start(ctx)
	}
	if err == nil {
		err = service.wait(ctx)
	} else {
		s.drain = 0 // nobody was served
	}
	stop() // a second signal ends the program at once

	ctx, cancel := context.WithTimeout(context.Background(), s.budget)
	defer cancel()
	err = errors.Join(err, service.drain(ctx, s.drain))
	return errors.Join(err, registry.CloseAll(ctx))
}
