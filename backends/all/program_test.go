package all_test

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/vibework/mooring/backends/mysql" // mysql.DB() and redis.Conn(ctx) are the handles
	_ "github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
)

func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	server := &http.Server{Handler: health.Handler(nil, health.Options{}), ReadHeaderTimeout: 5 * time.Second}
	listener, err := net.Listen("tcp", ":8080") // first, so that probes are answered while the backends open
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err = registry.OpenAll(ctx); err == nil {
		select {
		case err = <-served:
		case <-ctx.Done():
			registry.Drain()            // readiness turns red,
			time.Sleep(5 * time.Second) // and load balancers notice
		}
	}
	stop() // a second signal ends the program at once
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = errors.Join(err, server.Shutdown(ctx))
	ctx, cancel = context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err = errors.Join(err, registry.CloseAll(ctx)); err != nil {
		log.Fatal(err)
	}
}
