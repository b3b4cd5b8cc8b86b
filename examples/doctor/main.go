// Command doctor says what a program built on Mooring would find: it reads the environment as the four backends
// do, tries each that is configured step by step, and says what is wrong and what to do about it. No value of a
// variable is ever shown.
//
//	doctor                     examine every backend that the environment configures, or seems meant to
//	doctor mysql mysql-replica examine these instances, configured or not
//	doctor -wait 60s           try until all are well, as an init container does
//	doctor -probe URL          be the health check of a container without a shell
//	doctor -env                list every variable
//
// The steps are resolve (the name of the host), connect (TCP), authenticate (TLS, the login, and a first question)
// and check (what a readiness probe asks). Those after a step that fails are not tried. The name of an instance
// begins or ends with that of its backend: mysql-replica, reports-mysql.
//
// A variable that is misspelt, so that nothing reads it, makes its backend one to examine: if nothing else says where
// that is, the configuration is wrong; otherwise it is a warning. GOOGLE_CLOUD_PROJECT and GCLOUD_PROJECT are set for
// many programs, so they alone do not configure Pub/Sub.
//
// The exit status is 0 if all is well, warnings such as a full connection pool included; 1 if a backend, or the URL,
// is not; and 2 if it is the command line or the configuration that is wrong, at any step, or nothing is configured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vibework/mooring/registry/health"
)

// Exit statuses.
const (
	statusWell   = 0
	statusUnwell = 1
	statusWrong  = 2
)

const usage = `usage: doctor [-json] [-wait DURATION] [INSTANCE ...]
       doctor -env[=table|markdown|dotenv] [INSTANCE ...]
       doctor -probe URL

Examines the backends that the environment configures, or the named instances: mysql, mongo, redis,
pubsub, or such as mysql-replica. Exits with 0 if all is well, 1 if not, and 2 if the command line or
the configuration is wrong, or nothing is configured. It never shows the value of a variable.

  -json            print JSON instead of a table
  -wait DURATION   try again until all are well, such as -wait 60s, unless time cannot mend what is wrong;
                   the first try has to end in this time, too
  -probe URL       ask this URL, with 6s to answer: the health check of a container without a shell
  -env[=FORM]      list every variable, and whether it is set, as a table, as markdown or as dotenv
`

type options struct {
	json      bool
	wait      time.Duration
	probe     string
	env       form
	instances []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], screenOf(os.Stdout), screenOf(os.Stderr))
	stop()
	os.Exit(status)
}

func run(ctx context.Context, args []string, stdout, stderr screen) int {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return statusWell
	}
	if err != nil {
		fmt.Fprintf(stderr, "doctor: %v\n%s", err, usage)
		return statusWrong
	}
	if o.probe != "" {
		if err := health.Probe(ctx, o.probe); err != nil {
			fmt.Fprintln(stderr, "doctor:", err)
			return statusUnwell
		}
		return statusWell
	}
	instances, err := find(o.instances)
	if err != nil {
		fmt.Fprintf(stderr, "doctor: %v\n", err)
		return statusWrong
	}
	if o.env != "" {
		o.env.print(stdout, instances, os.Environ())
		return statusWell
	}
	report := newReport(instances, os.Environ(), len(o.instances) > 0, heard(instances, os.Environ(), stderr))
	report.examine(ctx, o.wait, &progress{screen: stderr})
	if o.json {
		report.printJSON(stdout)
	} else {
		report.printTable(stdout, stdout.painter())
	}
	return report.exit()
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&o.json, "json", false, "")
	flags.DurationVar(&o.wait, "wait", 0, "")
	flags.StringVar(&o.probe, "probe", "", "")
	flags.Var(&o.env, "env", "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.instances = flags.Args()
	given := make(map[string]bool) // a variable that is not set makes -probe "$URL" an empty one, not none
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case given["wait"] && o.wait <= 0:
		return o, errors.New("-wait must be more than 0, such as 60s")
	case given["probe"] && o.probe == "":
		return o, errors.New("-probe wants a URL, not an empty text")
	case given["probe"] && (len(given) > 1 || flags.NArg() > 0):
		return o, errors.New("-probe takes no other flag and no instance")
	case given["env"] && len(given) > 1:
		return o, errors.New("-env takes no other flag")
	case given["env"] && flags.NArg() > 0 && form(flags.Arg(0)).known():
		return o, fmt.Errorf("write -env=%s", flags.Arg(0))
	}
	if slices.ContainsFunc(o.instances, func(arg string) bool { return strings.HasPrefix(arg, "-") }) {
		return o, errors.New("flags come before the instances")
	}
	return o, nil
}
