package serve_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/vibework/mooring/registry"
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
