// Command quickstart is Mooring's main job in one small program: it opens four backends, does one real thing on
// each, serves their health until Ctrl-C, drains, and closes them in reverse.
//
// A backend whose variables are set is used as it is. For the others it starts servers inside this process.
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

	_ "github.com/vibework/mooring/backends/all"
	"github.com/vibework/mooring/registry"
)

func main() {
	once := flag.Bool("once", false, "do everything once and exit, without waiting for Ctrl-C")
	addr := flag.String("addr", "127.0.0.1:8080", "where to serve /livez and /readyz")
	drain := flag.Duration("drain", time.Second, "how long to be unready before closing")
	flag.Parse()
	slog.SetLogLoggerLevel(slog.LevelWarn) // the program says itself what goes well
	if err := run(context.Background(), *once, *addr, *drain); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, once bool, addr string, drain time.Duration) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()

	stack, err := startMissing(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stack.Stop()) }()

	registry.SetOrder("mysql", "mongo", "redis", "pubsub")
	defer registry.Observe(say)()
	if err := registry.OpenAll(ctx); err != nil {
		return err
	}
	defer func() {
		// The signal has ended ctx; closing gets a budget of its own.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = errors.Join(err, registry.CloseAll(ctx))
	}()

	if err := useEach(ctx); err != nil {
		return err
	}
	printReport(registry.CheckAll(ctx))
	server, err := serve(addr)
	if err != nil {
		return err
	}
	if once {
		drain = 0
		err = server.show()
	} else {
		fmt.Println("\npress Ctrl-C to drain and close")
		<-ctx.Done()
		stop() // a second Ctrl-C ends the program at once
	}
	registry.Drain()
	fmt.Printf("\ndraining: /readyz answers 503 for %v, then no request is accepted any more\n", drain)
	return errors.Join(err, server.stop(drain))
}

// say prints what the registry does; a service would leave that to its log.
func say(event registry.Event) {
	verb := map[registry.Op]string{registry.OpOpen: "opened", registry.OpClose: "closed"}[event.Op]
	switch {
	case event.Err != nil:
		fmt.Println(" ", event.Err)
	case verb != "":
		fmt.Printf("  %s %-7s %9s\n", verb, event.Name, event.Duration.Round(10*time.Microsecond))
	}
}
