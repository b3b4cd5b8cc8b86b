package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vibework/mooring/registry"
	"golang.org/x/term"
)

// pool is shown as the registry's numbers are called.
type pool registry.PoolStats

func (p pool) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]int{"max": p.Max, "open": p.Open, "inUse": p.InUse, "idle": p.Idle})
}

func (r report) printJSON(w io.Writer) {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(r)
}

// printTable prints a row for each instance, and below it what is wrong and what to do about it.
func (r report) printTable(w io.Writer, paint painter) {
	rows := [][]string{{"BACKEND", "STATUS", "RESOLVE", "CONNECT", "AUTHENTICATE", "CHECK", "IN USE", "READ"}}
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
		s := f.last()
		if s.Error == "" {
			continue
		}
		fmt.Fprintf(w, "\n%s: %s at %s:\n", f.Name, paint(s.Status, string(s.Kind)), s.Name)
		for line := range strings.Lines(s.Error) {
			fmt.Fprintf(w, "  %s\n", strings.TrimSpace(line))
		}
		fmt.Fprintf(w, "  -> %s\n", s.Advice)
	}
	if r.Status == skipped {
		fmt.Fprintln(w, "\nno variable of any backend is set; doctor -env lists them")
	}
}

func (f finding) row() []string {
	row := []string{f.Name, string(f.Status), "-", "-", "-", "-", "-", strings.Join(f.Read, " ")}
	for _, s := range f.Steps {
		at := map[string]int{resolve: 2, connect: 3, authenticate: 4, check: 5}[s.Name]
		switch {
		case at == 0:
		case s.Status == registry.Pass:
			row[at] = s.Duration
		default:
			row[at] = string(s.Kind)
		}
	}
	if f.Pool != nil {
		row[6] = fmt.Sprintf("%d of %d", f.Pool.InUse, f.Pool.Max)
	}
	if len(f.Read) == 0 {
		row[7] = "nothing: no variable is set"
	}
	return row
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

// painter colours text for a status.
type painter func(status registry.Status, text string) string

// painterFor colours on a terminal only, and there not if NO_COLOR is set.
func painterFor(w io.Writer) painter {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" {
		return func(_ registry.Status, text string) string { return text }
	}
	return colour
}

func colour(status registry.Status, text string) string {
	code := map[registry.Status]int{registry.Pass: 32, registry.Warn: 33, registry.Fail: 31, skipped: 90}[status]
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, text)
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
