// Command topologies starts Redis Sentinels and a Redis Cluster, breaks them under load, and compares what a program
// sees through this module with what it sees through other clients, all at once on the same servers: errors, the
// longest operation, when all was well again, and the writes that were acknowledged and are not there. It asserts what
// this module promises and writes docs/topologies.md.
//
//	go run ./topologies -out ../docs    everything, in about three minutes
//	go run ./topologies -short          a kill of each topology and a reshard; nothing is written
//	go run ./topologies -only SIGSTOP   the events with this in their names; nothing is written
//
// It wants Linux and Redis 7: apt-get install redis-server. It never uses servers that are already running, and kills
// those that it starts. It exits with 1 if a promise is broken.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

func main() {
	runtime.LockOSThread() // the servers end with the thread that has started them
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "topologies:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("topologies", flag.ContinueOnError)
	out := flags.String("out", "", "folder that topologies.md is written to")
	short := flags.Bool("short", false, "only the events that CI runs")
	only := flags.String("only", "", "only events with this in their names")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var rows []row
	var broken []error
	for _, e := range events {
		if *short && !e.short || !strings.Contains(e.title(), *only) {
			continue
		}
		got, err := e.measure(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", e.title(), err)
		}
		for _, r := range got {
			fmt.Println(r)
		}
		for _, err := range judge(e, got) {
			broken = append(broken, fmt.Errorf("%s: %w", e.title(), err))
		}
		rows = append(rows, got...)
	}
	if err := errors.Join(broken...); err != nil {
		return err
	}
	if *out == "" || *short || *only != "" {
		return nil
	}
	return os.WriteFile(filepath.Join(*out, "topologies.md"), []byte(page(ctx, rows)), 0o644)
}
