package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/vibework/mooring/backends/config"
)

func env(_ context.Context, args []string, stdout, _ screen) (int, error) {
	flags := newFlags()
	markdown := flags.Bool("markdown", false, "")
	dotenv := flags.Bool("dotenv", false, "")
	names, err := parse(flags, args)
	if err != nil {
		return 0, err
	}
	instances, err := find(names)
	switch {
	case err != nil:
		return 0, err
	case *markdown && *dotenv:
		return 0, errors.New("-markdown and -dotenv exclude each other")
	case *dotenv:
		printDotenv(stdout, instances, os.Environ())
	case *markdown:
		printMarkdown(stdout, variables(instances, os.Environ()))
	default:
		printRows(stdout, variables(instances, os.Environ()), func(_, _ int, text string) string { return text })
	}
	return statusWell, nil
}

// variables returns a row for every variable of the instances, with whether it is set and never with its value.
func variables(instances []instance, environ []string) [][]string {
	rows := [][]string{{"VARIABLE", "TYPE", "DEFAULT", "SET", "MEANING"}}
	for _, i := range instances {
		for _, v := range i.vars {
			mark := "-"
			switch set := strings.Join(setFor(v, environ), " "); set {
			case "":
			case v.Name:
				mark = "yes"
			default:
				mark = set // an alias, or the one of a file
			}
			rows = append(rows, []string{v.Name, v.Type, v.Default, mark, v.Doc})
		}
	}
	return rows
}

func printMarkdown(w io.Writer, rows [][]string) {
	for n, row := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
		if n == 0 {
			fmt.Fprintln(w, "|"+strings.Repeat(" --- |", len(row)))
		}
	}
}

// printDotenv prints lines to fill in. A variable that is set keeps its value to itself.
func printDotenv(w io.Writer, instances []instance, environ []string) {
	for _, i := range instances {
		fmt.Fprintf(w, "# %s\n", i.name)
		for _, v := range i.vars {
			fmt.Fprintf(w, "# %s%s\n#%s=%s\n", v.Doc, setNow(v, environ), v.Name, v.Default)
		}
	}
}

func setNow(v config.Var, environ []string) string {
	if set := setFor(v, environ); len(set) > 0 {
		return "; set now, as " + strings.Join(set, " ")
	}
	return ""
}
