package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

func (r *report) printJSON(w io.Writer) {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(r)
}

// printTable prints a row for each instance, and below it what is wrong and what to do about it.
func (r *report) printTable(w io.Writer, paint painter) {
	rows := [][]string{{
		"BACKEND", "STATUS", "RESOLVE", "CONNECT", "AUTHENTICATE", "CHECK", "IN USE", "ADDRESS", "DATABASE", "USER", "READ",
	}}
	for _, f := range r.Findings {
		rows = append(rows, f.row())
	}
	printRows(w, rows, func(row, column int, text string) string {
		if row > 0 && column == 1 {
			return paint(r.Findings[row-1].Status, text)
		}
		return text
	})
	for _, f := range r.Findings {
		if f.Limit != nil {
			fmt.Fprintf(w, "\n%s: %s\n", f.Name, f.Limit.sentence(f.Pool.Max))
		}
		f.printTrouble(w, paint)
	}
	if r.Status == skipped {
		fmt.Fprintln(w, "\nno backend is configured; mooring env lists the variables (an instance such as mysql-replica "+
			"has to be named)")
	}
}

func (f finding) row() []string {
	row := []string{
		f.Name, string(f.Status), "-", "-", "-", "-", "-",
		cmp.Or(f.Target.Addr, "-"), cmp.Or(f.Target.Database, f.Target.Project, "-"), cmp.Or(f.Target.User, "-"), f.read(),
	}
	for _, s := range f.Steps {
		at := map[string]int{resolve: 2, connect: 3, authenticate: 4, check: 5}[s.Name]
		if at > 0 {
			row[at] = strings.TrimSpace(string(s.Kind) + " " + s.Took.String())
		}
	}
	if p := f.Pool; p != nil {
		row[6] = fmt.Sprintf("%d of %d", p.InUse, p.Max)
		if p.WaitCount > 0 {
			row[6] += fmt.Sprintf(" (waits: %d, %v)", p.WaitCount, p.Waited)
		}
	}
	return row
}

// read says which are read, and which are set in vain.
func (f finding) read() string {
	text := strings.Join(f.Read, " ")
	switch {
	case text == "" && len(f.Misspelt) == 0:
		return "nothing: no variable is set"
	case text == "":
		text = "nothing"
	case !f.wanted:
		return "nothing of its own: " + text
	}
	for _, t := range f.Misspelt {
		text += ", not " + t.Variable
	}
	return text
}

// printTrouble prints what is wrong with the instance.
func (f finding) printTrouble(w io.Writer, paint painter) {
	s := f.last()
	switch {
	case s.Error != "":
		fmt.Fprintf(w, "\n%s: %s at %s:\n", f.Name, paint(s.Status, string(s.Kind)), s.Name)
	case len(f.Misspelt) > 0:
		fmt.Fprintf(w, "\n%s: %s:\n", f.Name, paint(f.Status, "misspelt"))
		s.Advice = adviceOnNames
	}
	for line := range strings.Lines(s.Error) {
		fmt.Fprintf(w, "  %s\n", strings.TrimSpace(line))
	}
	for _, t := range f.Misspelt {
		fmt.Fprintf(w, "  %s is not read; did you mean %s?\n", t.Variable, t.Meant)
	}
	if s.Advice != "" {
		fmt.Fprintf(w, "  -> %s\n", s.Advice)
	}
}

// printRows aligns the columns; paint may add what takes no room.
func printRows(w io.Writer, rows [][]string, paint func(row, column int, text string) string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for column, text := range row {
			widths[column] = max(widths[column], utf8.RuneCountInString(text))
		}
	}
	for n, row := range rows {
		var line strings.Builder
		for column, text := range row {
			line.WriteString(paint(n, column, text))
			if column < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[column]-utf8.RuneCountInString(text)+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// String returns such as 0.8ms or 5.0s.
func (m millis) String() string {
	if m < 1000 {
		return fmt.Sprintf("%.1fms", float64(m))
	}
	return fmt.Sprintf("%.1fs", float64(m)/1000)
}
