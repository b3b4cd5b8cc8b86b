// Command faults pulls every cable of the five backends, on servers that it starts itself, and asserts what
// happens: how long each operation takes, what kind of error it returns, that nothing is left of it, and when all
// is well again. Then it asserts that no message and no connection is lost on the way. It writes
// docs/reliability.md.
//
//	go run ./faults -out ../docs             everything, in about three minutes
//	go run ./faults -quick                   without the outage of a minute
//	go run ./faults -only redis -fault TLS   some cells, printed
//
// It wants Linux, MariaDB, Redis and PostgreSQL: apt-get install mariadb-server redis-server postgresql. It never uses
// servers that are already running. It exits with 1 if a cell is not as it should be, and lists these.
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

	"github.com/vibework/mooring/lab/internal/server"
)

func main() {
	server.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var o request
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.StringVar(&o.out, "out", "", "folder that reliability.md is written to")
	flags.StringVar(&o.only, "only", "", "one backend; nothing is written")
	flags.StringVar(&o.fault, "fault", "", "faults with this in their names; nothing is written")
	flags.BoolVar(&o.quick, "quick", false, "leave out the outage of a minute; nothing is written")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is not a flag", flags.Arg(0))
	}
	r, err := measure(ctx, o)
	if err != nil {
		return err
	}
	r.print(os.Stdout)
	if o.out != "" && o.whole() {
		err = r.write(ctx, o.out)
	}
	if n := len(r.failures()); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d are not as they should be", n))
	}
	return err
}
