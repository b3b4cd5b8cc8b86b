package serve_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
	"github.com/vibework/mooring/registry/serve"
)

// A whole service: everything else that it does is in its handler.
func Example() {
	err := serve.Run(context.Background(), serve.Options{}, func(context.Context) (http.Handler, error) {
		mux := http.NewServeMux() // the resources are open: here is where handles are taken
		mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
		return mux, nil
	})
	if err != nil {
		log.Fatal(err)
	}
}

// The same by hand, for a program that has its own way to serve: OpenAll, CheckAll and CloseAll are all there is to it.
func Example_byHand() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	server := &http.Server{Handler: health.Handler(nil, health.Options{}), ReadHeaderTimeout: 5 * time.Second}
	listener, err := net.Listen("tcp", ":8080") // first, so that probes are answered while the backends open
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err = registry.OpenAll(ctx); err == nil {
		log.Print("opened, and now ", registry.CheckAll(ctx).Status())
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

// A service with a registry, a server and times of its own. It ends with its context.
func ExampleRun() {
	r := &registry.Registry{Logger: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	err := serve.Run(ctx, serve.Options{
		Registry: r,
		Server:   &http.Server{Addr: "127.0.0.1:0", WriteTimeout: 10 * time.Second},
		Drain:    -1, // nobody has to notice
		Timeout:  5 * time.Second,
	}, func(context.Context) (http.Handler, error) {
		stop()
		return http.NotFoundHandler(), nil
	})
	fmt.Println(err)
	// Output: <nil>
}
