// Command topologies starts Redis Sentinels, a Redis Cluster, a primary and a replica of MariaDB and a node of a Galera
// cluster, breaks them under load, and compares what a program sees through this module with what it sees through other
// clients, all at once on the same servers: errors, the longest operation, when all was well again, and the writes that
// were acknowledged and are not there. It asserts what this module promises and writes docs/topologies.md.
//
//	go run ./topologies -out ../docs    everything, in about five minutes
//	go run ./topologies -short          those that CI runs: about one of each kind; nothing is written
//	go run ./topologies -only SIGSTOP   the events with this in their names; nothing is written
//
// It wants Linux, Redis 7, MariaDB and Galera: apt-get install redis-server mariadb-server galera-4. It never uses
// servers that are already running, and kills those that it starts. It exits with 1 if a promise is broken.
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
	var text strings.Builder
	text.WriteString(introduction())
	var broken []error
	for _, p := range []part{redisPart(), mysqlPart(), galeraPart()} {
		text.WriteString(p.intro(ctx))
		for _, s := range p.scenarios {
			if *short && !s.short || !strings.Contains(s.title, *only) {
				continue
			}
			lines, wrong, err := s.run(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", s.title, err)
			}
			for _, l := range lines {
				fmt.Println(l.printed)
				text.WriteString(l.written + "\n")
			}
			if wrong != nil {
				broken = append(broken, fmt.Errorf("%s: %w", s.title, wrong))
			}
		}
		text.WriteString("\n")
	}
	if err := errors.Join(broken...); err != nil {
		return err
	}
	if *out == "" || *short || *only != "" {
		return nil
	}
	return os.WriteFile(filepath.Join(*out, "topologies.md"), []byte(strings.TrimSpace(text.String())+"\n"), 0o644)
}
