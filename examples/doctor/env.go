package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/vibework/mooring/backends/config"
)

// form is how -env lists the variables.
type form string

const (
	table    form = "table"
	markdown form = "markdown"
	dotenv   form = "dotenv"
)

func (f *form) String() string { return string(*f) }

// IsBoolFlag lets -env stand alone.
func (f *form) IsBoolFlag() bool { return true }

func (f *form) Set(text string) error {
	switch got := form(text); {
	case text == "true":
		*f = table
	case got.known():
		*f = got
	default:
		return fmt.Errorf("want %s, %s or %s", table, markdown, dotenv)
	}
	return nil
}

func (f form) known() bool { return f == table || f == markdown || f == dotenv }

// print lists every variable of the instances, with whether it is set and never with its value.
func (f form) print(w io.Writer, instances []instance, environ []string) {
	rows := [][]string{{"VARIABLE", "TYPE", "DEFAULT", "SET", "MEANING"}}
	for _, i := range instances {
		if f == dotenv {
			fmt.Fprintf(w, "# %s\n", i.name)
		}
		for _, v := range i.vars {
			set := strings.Join(setFor(v, environ), " ")
			if f == dotenv {
				printDotenv(w, v, set)
				continue
			}
			mark := map[bool]string{true: "yes", false: "-"}[set != ""]
			if set != "" && set != v.Name {
				mark = set // by an alias, or by a file
			}
			rows = append(rows, []string{v.Name, v.Type, v.Default, mark, v.Doc})
		}
	}
	switch f {
	case table:
		printRows(w, rows, func(_, _ int, text string) string { return text })
	case markdown:
		for n, row := range rows {
			fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
			if n == 0 {
				fmt.Fprintln(w, "|"+strings.Repeat(" --- |", len(row)))
			}
		}
	}
}

// printDotenv prints a line to fill in. A variable that is set keeps its value to itself.
func printDotenv(w io.Writer, v config.Var, set string) {
	note := ""
	if set != "" {
		note = "; set now, as " + set
	}
	fmt.Fprintf(w, "# %s%s\n#%s=%s\n", v.Doc, note, v.Name, v.Default)
}
