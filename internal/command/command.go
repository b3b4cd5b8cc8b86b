// Package command is the command mooring, for the mains that run it with the backends that their modules have.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vibework/mooring/internal/backends"
	"github.com/vibework/mooring/registry/health"
)

// Exit statuses.
const (
	statusWell   = 0
	statusUnwell = 1
	statusWrong  = 2
)

const (
	synopsis = `usage: mooring doctor [-json] [INSTANCE ...]
       mooring wait DURATION [INSTANCE ...]
       mooring probe URL
       mooring env [-markdown | -dotenv] [INSTANCE ...]
`
	usage = synopsis + `
  doctor   examine the backends that the environment configures, or the named instances, such as mysql
           or mysql-replica, step by step; say what is wrong and what to do about it
  wait     examine again until all are well, such as mooring wait 60s, unless time cannot mend what is
           wrong; the first try has to end in this time, too
  probe    ask this URL, with 6s to answer: the health check of a container without a shell
  env      list every variable and whether it is set, as a table, as Markdown or as lines of an .env file

It exits with 0 if all is well, 1 if not, or if its output cannot be written, and 2 if the command line
or the configuration is wrong, or nothing is configured. Of the values of variables it shows the
address, the database and the user.
`
	more = "mooring -h says more\n"
)

// commands are what the first argument may be. An error of theirs is one of usage.
var commands = map[string]func(ctx context.Context, args []string, stdout, stderr screen) (status int, err error){
	"doctor": doctor,
	"wait":   wait,
	"probe":  probe,
	"env":    env,
}

// table has the backends of the command.
var table = backends.Table

// Main runs the command that the arguments of the process name, with the backends of this module and more, and ends the
// process.
func Main(more ...backends.Backend) {
	table = slices.Concat(backends.Table, more)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], screenOf(os.Stdout), screenOf(os.Stderr))
	stop()
	os.Exit(status)
}

// run runs the command that the arguments name and returns the status to exit with. Output that is lost is not well.
func run(ctx context.Context, args []string, stdout, stderr screen) int {
	out := &output{Writer: stdout.Writer}
	stdout.Writer = out
	status := dispatch(ctx, args, stdout, stderr)
	if out.err != nil {
		fmt.Fprintf(stderr, "mooring: the output is not whole: %v\n", out.err)
		return max(status, statusUnwell)
	}
	return status
}

func dispatch(ctx context.Context, args []string, stdout, stderr screen) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return statusWrong
	}
	if slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		fmt.Fprint(stdout, usage)
		return statusWell
	}
	command, found := commands[args[0]]
	if !found {
		fmt.Fprintf(stderr, "mooring: %s is no command\n%s", quote(args[0]), synopsis+more)
		return statusWrong
	}
	status, err := command(ctx, args[1:], stdout, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return statusWell
	case err != nil:
		fmt.Fprintf(stderr, "mooring %s: %v\n%s", args[0], err, synopsis+more)
		return statusWrong
	}
	return status
}

func doctor(ctx context.Context, args []string, stdout, stderr screen) (int, error) {
	flags := newFlags()
	asJSON := flags.Bool("json", false, "")
	names, err := parse(flags, args)
	if err != nil {
		return 0, err
	}
	return examine(ctx, 0, names, stderr, func(r *report) {
		if *asJSON {
			r.printJSON(stdout)
		} else {
			r.printTable(stdout, stdout.painter())
		}
	})
}

func wait(ctx context.Context, args []string, stdout, stderr screen) (int, error) {
	names, err := parse(newFlags(), args)
	if err != nil {
		return 0, err
	}
	if len(names) == 0 {
		return 0, errors.New("for how long? Such as mooring wait 60s")
	}
	limit, err := time.ParseDuration(names[0])
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s is no duration such as 60s", quote(names[0]))
	case limit <= 0:
		return 0, errors.New("the duration must be more than 0, such as 60s")
	}
	return examine(ctx, limit, names[1:], stderr, func(r *report) { r.printTable(stdout, stdout.painter()) })
}

// examine examines the named instances, or all if there are none, and hands the report to show.
func examine(ctx context.Context, limit time.Duration, names []string, stderr screen, show func(*report)) (int, error) {
	instances, err := find(names)
	if err != nil {
		return 0, err
	}
	environ := os.Environ()
	tellOfOthers(environ, stderr)
	r := newReport(instances, environ, len(names) > 0, misspelt(instances, environ, stderr))
	r.examine(ctx, limit, &progress{screen: stderr})
	show(r)
	return r.exit(), nil
}

func probe(ctx context.Context, args []string, _, stderr screen) (int, error) {
	urls, err := parse(newFlags(), args)
	if err != nil {
		return 0, err
	}
	if len(urls) != 1 || urls[0] == "" { // a variable that is not set makes probe "$URL" an empty one
		return 0, errors.New("exactly one URL is required")
	}
	if err := health.Probe(ctx, urls[0]); err != nil {
		fmt.Fprintln(stderr, "mooring", err) // the error begins with "probe:"
		return statusUnwell, nil
	}
	return statusWell, nil
}

func newFlags() *flag.FlagSet {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// quote quotes an argument, unless it is a URL, which may have a password.
func quote(arg string) string {
	if strings.ContainsAny(arg, ":/@") {
		return "a URL"
	}
	return strconv.Quote(arg)
}

// parse returns the arguments that are no flags.
func parse(flags *flag.FlagSet, args []string) ([]string, error) {
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(flags.Args(), func(arg string) bool { return strings.HasPrefix(arg, "-") }) {
		return nil, errors.New("flags come before the other arguments")
	}
	return flags.Args(), nil
}
