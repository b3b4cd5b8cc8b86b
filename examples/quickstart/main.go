// Command quickstart is Mooring's main job in one small program: it opens four backends, does one real thing on each,
// checks them, serves their health until Ctrl-C, drains, and closes them in reverse. make demo starts servers for it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/serve"
)

func main() {
	once := flag.Bool("once", false, "do everything once and exit, without waiting for Ctrl-C")
	addr := flag.String("addr", "127.0.0.1:8080", "where to serve /livez and /readyz")
	drain := flag.Duration("drain", time.Second, "how long to be unready before closing")
	flag.Parse()

	ctx, end := context.WithCancel(context.Background())
	defer end()
	if *once {
		*drain = -1
	}
	registry.SetOrder("mysql", "mongo", "redis", "pubsub")
	options := serve.Options{Server: &http.Server{Addr: *addr, ReadHeaderTimeout: 5 * time.Second}, Drain: *drain}
	err := serve.Run(ctx, options, func(ctx context.Context) (http.Handler, error) {
		if err := useEach(ctx); err != nil {
			return nil, err
		}
		for _, result := range registry.CheckAll(ctx).Results {
			fmt.Printf("  %-6s %s in %v\n", result.Name, result.Status(), result.Duration)
		}
		if *once {
			end()
		} else {
			fmt.Printf("  look at http://%s/readyz, and press Ctrl-C to drain and close\n", *addr)
		}
		return nil, nil // the probes are all there is to serve
	})
	if err != nil {
		slog.Error("quickstart", "error", err)
		end()
		os.Exit(1)
	}
}

// useEach does one real thing with each backend. The handles are taken once and passed down.
func useEach(ctx context.Context) error {
	name := fmt.Sprintf("quickstart-%d", time.Now().UnixNano())
	for _, use := range []func() (string, error){
		func() (string, error) { return useMySQL(ctx, mysql.DB()) },
		func() (string, error) { return useMongo(ctx, mongo.Database().Collection(name)) },
		func() (string, error) { return useRedis(ctx, redis.Pool(), name) },
		func() (string, error) { return usePubSub(ctx, pubsub.Client(), pubsub.Publisher(name), name) },
	} {
		text, err := use()
		if err != nil {
			return err
		}
		fmt.Println(" ", text)
	}
	return nil
}
