// Command devstack runs another command with MySQL, MongoDB, Redis and Pub/Sub servers beside it
// and the variables that lead there in its environment. The servers live in this process, on free
// loopback ports, and forget everything when the command ends; package
// [github.com/vibework/mooring/lab/devstack] says what they are good for.
//
//	devstack -- go run ./quickstart
//	devstack -only mysql,redis -- go test ./...
//
// A variable that is set already is never overridden, and a backend that the environment already
// says how to reach gets no server.
//
// SIGINT, SIGTERM and SIGHUP are passed on to the command, except the SIGINT of a terminal's Ctrl-C,
// which the terminal sends to the command itself. The servers stay until the command has ended. Its
// exit status becomes that of devstack, 128+n for a command that signal n has killed. The other
// statuses are 1 when a server does not start, 2 for bad usage, 126 when the command cannot be run
// and 127 when it cannot be found.
//
// Without a command, devstack prints the variables for another shell to use and serves until one
// of the signals comes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/vibework/mooring/lab/devstack"
)

const usage = `usage: devstack [-only NAMES] [-- COMMAND [ARGUMENT ...]]

Runs COMMAND with MySQL, MongoDB, Redis and Pub/Sub servers beside it. The servers live in this
process and forget everything when COMMAND ends. COMMAND finds them by MYSQL_URL, MONGO_URI,
REDIS_URL, PUBSUB_EMULATOR_HOST and PUBSUB_PROJECT_ID. A variable that is set already is left as it
is, and a backend that the environment says how to reach gets no server.
Without COMMAND, devstack prints the variables and serves until Ctrl-C.

  -only NAMES   start only these servers, for example -only mysql,redis
                (all: %s)
`

// Exit statuses of devstack itself.
const (
	statusFailed   = 1
	statusUsage    = 2
	statusNotRun   = 126
	statusNotFound = 127
	statusSignal   = 128 // plus the number of the signal
)

func main() {
	// From here on no signal ends the process before its servers have stopped.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(run(os.Args[1:], signals))
}

func run(args []string, signals <-chan os.Signal) int {
	names, command, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		printUsage(os.Stdout)
		return 0
	}
	if err != nil {
		complain(err)
		printUsage(os.Stderr)
		return statusUsage
	}

	var child []string // what the command inherits; nothing when there is none
	if len(command) > 0 {
		child = os.Environ()
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		variable, found := devstack.Configured(child, name)
		if found {
			complain(fmt.Errorf("no %s server: %s is set", name, variable))
		}
		return found
	})
	stack, err := start(names)
	if err != nil {
		complain(err)
		return statusFailed
	}
	defer func() {
		if err := stack.Stop(); err != nil {
			complain(err)
		}
	}()

	if len(command) == 0 {
		return serve(stack, signals)
	}
	// Without a context that ends: nothing but the command itself decides when it has finished.
	cmd := exec.CommandContext(context.Background(), command[0], command[1:]...)
	cmd.Env = devstack.Complete(child, stack.Env())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return runCommand(cmd, signals)
}

// parse returns the servers to start and the command to run, which may be empty.
func parse(args []string) (names, command []string, err error) {
	flags := flag.NewFlagSet("devstack", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	only := flags.String("only", strings.Join(devstack.Names(), ","), "")
	if err := flags.Parse(args); err != nil {
		return nil, nil, err
	}
	names = strings.Split(*only, ",")
	for _, name := range names {
		if !slices.Contains(devstack.Names(), name) {
			return nil, nil, fmt.Errorf("-only: unknown server %q", name)
		}
	}
	return names, flags.Args(), nil
}

// start starts the named servers; unlike [devstack.Start] it takes no names for none, not for all.
func start(names []string) (*devstack.Stack, error) {
	if len(names) == 0 {
		return &devstack.Stack{}, nil
	}
	return devstack.Start(context.Background(), names...)
}

// serve prints the variables in the form that POSIX shells read, and waits for a signal.
func serve(stack *devstack.Stack, signals <-chan os.Signal) int {
	for _, variable := range stack.Env() {
		name, value, _ := strings.Cut(variable, "=")
		fmt.Printf("export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	fmt.Fprintln(os.Stderr, "devstack: serving until Ctrl-C")
	<-signals
	return 0
}

func printUsage(w io.Writer) {
	fmt.Fprintf(w, usage, strings.Join(devstack.Names(), ","))
}

func complain(err error) {
	message := strings.TrimPrefix(err.Error(), "devstack: ")
	fmt.Fprintln(os.Stderr, "devstack: "+message)
}
