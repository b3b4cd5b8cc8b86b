// Command soak puts the four backends behind proxies that fail at random, for two minutes unless told otherwise, while
// many probers check them and workers use their clients. Then it heals the network and looks at what Mooring promises:
// nothing is left over, no check ran twice at once, no report was rosier than the truth, or gloomier, and everything
// works again. It prints a table, and exits with 1 and a line for each promise that was broken. Redis and MySQL fail
// over, too. It wants MariaDB: apt-get install mariadb-server.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	duration := flag.Duration("d", 2*time.Minute, "how long the network fails")
	seed := flag.Uint64("seed", rand.Uint64(), "what decides how the network fails")
	servers := flag.Bool("servers", false, "be the servers: print their variables, and run until standard input ends")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	if *servers {
		if err := serve(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "soak:", err)
			os.Exit(1)
		}
		return
	}
	broken, err := soak(ctx, *duration, *seed)
	if err != nil {
		broken = append(broken, err.Error())
	}
	for _, promise := range broken {
		fmt.Fprintln(os.Stderr, "soak: broken:", promise)
	}
	if len(broken) > 0 {
		os.Exit(1)
	}
}

// shortest is the least time in which every backend feels a fault in both lives.
const shortest = 20 * time.Second

// soak lives through two lives with faults, one of a quarter of the time, to have something to compare with, and one
// of the rest.
func soak(ctx context.Context, duration time.Duration, seed uint64) (broken []string, err error) {
	if duration < shortest {
		return nil, fmt.Errorf("%v is too short to mean anything: -d must be at least %v", duration, shortest)
	}
	w, err := newWorld(ctx)
	if err != nil {
		return nil, err
	}
	defer w.stop()
	fmt.Printf("%v of faults, seed %d, %d probers and %d workers for each backend\n", duration, seed, probers, workers)

	random := rand.New(rand.NewPCG(seed, 0))
	first, err := w.life(ctx, duration/4, random)
	if err != nil {
		return nil, fmt.Errorf("in the first life: %w", err)
	}
	second, err := w.life(ctx, duration-duration/4, random)
	if err != nil {
		return nil, fmt.Errorf("in the second life: %w", err)
	}
	table(os.Stdout, first, second)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return judge(first, second), nil
}
