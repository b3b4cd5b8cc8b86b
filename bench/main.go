// Command bench measures Mooring beside what it could be replaced with, and writes docs/performance.md.
//
//	go run . -out ../docs        measure everything, in a quarter of an hour, and write the page and its charts
//	go run . -gate               hold what can be held on any machine; exits with 1 if a bar is missed
//	go run . -quick              go through everything once, in half a minute; the numbers are good for nothing
//	go run . -only W1,W6         measure some workloads and print their bars
//
// It has to be run in its own folder: it builds programs with the versions of this module. Everything but the gate
// needs a MySQL and a Redis server, for W9.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/vibework/mooring/bench/internal/page"
	"github.com/vibework/mooring/bench/internal/suite"
	"github.com/vibework/mooring/bench/internal/workload"
)

func main() {
	workload.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var servers workload.Servers
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	out := flags.String("out", "", "folder that performance.md and its charts are written to")
	quick := flags.Bool("quick", false, "go through everything once")
	gate := flags.Bool("gate", false, "hold the bars, the ratios with some slack")
	only := flags.String("only", "", "workloads, such as W1,W6; nothing is written")
	flags.StringVar(&servers.MySQL, "mysql", "127.0.0.1:3306", "address of a MySQL server")
	flags.StringVar(&servers.User, "user", "root", "user of the MySQL server")
	flags.StringVar(&servers.Password, "password", "", "password of that user")
	flags.StringVar(&servers.Database, "database", "test", "database of the MySQL server")
	flags.StringVar(&servers.Redis, "redis", "127.0.0.1:6379", "address of a Redis server")
	if err := flags.Parse(args); err != nil {
		return err
	}
	plan := suite.Full()
	switch {
	case *gate:
		return hold(ctx)
	case *quick:
		plan = suite.Quick()
	}
	if *only != "" {
		plan.Steps = strings.Split(*only, ",")
		results, err := suite.Run(ctx, plan, servers, os.Stdout)
		if err == nil {
			show(results)
		}
		return err
	}
	return publish(ctx, plan, servers, *out)
}

// publish measures everything and writes the page, unless out is empty.
func publish(ctx context.Context, plan suite.Plan, servers workload.Servers, out string) error {
	versions, err := servers.Versions(ctx)
	if err != nil {
		return fmt.Errorf("W9 needs servers: %w", err)
	}
	machine := page.ThisMachine(ctx)
	results, err := suite.Run(ctx, plan, servers, os.Stdout)
	if err != nil {
		return err
	}
	show(results)
	if out == "" {
		return nil
	}
	return page.Write(page.Run{Results: results, Plan: plan, Machine: machine, Servers: versions}, out)
}

// show prints how the bars went that were measured.
func show(results *suite.Results) {
	for _, bar := range results.Bars() {
		if bar.Measures() {
			fmt.Printf("%v, must be %s: %s\n", bar, bar.Bound(bar.Must), bar.Verdict())
		}
	}
}
