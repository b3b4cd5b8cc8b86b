// Command herd starts many programs at the same moment, against one MariaDB that has few connections, and prints who
// has opened it when and what has failed: what a deployment is to a server.
//
//	go run ./herd                                          the scenes that the README's sizing rule is made of
//	go run ./herd -programs 30 -connections 50 -pool 1     one scene
//
// Every program is a process with the defaults of backends/mysql, and of OpenAll. It is kept until all have opened or
// failed; then those that have opened work for a while, and all end. After the scenes there are 50 services with an
// optional backend that falls silent, and a kubelet.
//
// It wants apt-get install mariadb-server redis-server, and starts servers of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	beProgram()
	beService()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "herd:", err)
		os.Exit(1)
	}
}

// scenes are the herd with one connection for two programs, and ten programs in a roll-out, which are twice as many,
// with the default pool and with the one that the README's rule allows: programs times pool and one more.
var scenes = []scene{
	{programs: 100, connections: 50, workers: 1},
	{programs: 20, connections: 50, workers: 8},
	{programs: 20, connections: 50, workers: 8, pool: 1},
}

func run(ctx context.Context, args []string) error {
	one, some := scene{}, scenes
	flags := flag.NewFlagSet("herd", flag.ContinueOnError)
	flags.IntVar(&one.programs, "programs", 0, "how many programs there are; 0 means the usual scenes")
	flags.IntVar(&one.connections, "connections", 50, "how many connections the server takes")
	flags.IntVar(&one.pool, "pool", 0, "MYSQL_MAX_OPEN_CONNS; 0 means the default")
	flags.IntVar(&one.workers, "workers", 8, "how many goroutines of each program work at the same time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if one.programs > 0 {
		some = []scene{one}
	}
	h, err := newHerd(ctx)
	if err != nil {
		return err
	}
	defer h.stop()
	fmt.Print(header)
	for _, s := range some {
		s.work = 5 * time.Second
		programs, err := h.play(ctx, s)
		if err != nil {
			return err
		}
		fmt.Print(row(s, programs))
	}
	if one.programs > 0 {
		return nil
	}
	services, err := silence(ctx, 50, 10)
	if err == nil {
		fmt.Print(silentRow(services))
	}
	return err
}
