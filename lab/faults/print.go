package main

import (
	"fmt"
	"io"
	"time"
)

// failures are the cells and claims that are not as they should be, one line each.
func (r *results) failures() (lines []string) {
	for _, b := range r.backends {
		for _, f := range r.faults {
			for _, c := range r.cells[key(b.name, f.name)] {
				if len(c.problems) > 0 {
					lines = append(lines, c.String())
				}
			}
		}
	}
	for _, c := range r.claims {
		if len(c.problems) > 0 {
			lines = append(lines, c.String())
		}
	}
	return lines
}

// print prints everything, and the failures last.
func (r *results) print(out io.Writer) {
	for _, b := range r.backends {
		for _, f := range r.faults {
			fmt.Fprintln(out, b.name, r.row(b, f))
		}
	}
	for _, section := range []string{allAtOnce, messages, connections, moves} {
		for _, line := range r.claimsOf(section) {
			fmt.Fprintln(out, line)
		}
	}
	fmt.Fprintf(out, "%v; a plain timer was late by up to %v; %d measured twice\n",
		r.took.Round(time.Second), r.noise.Round(time.Millisecond), r.repeated())
	for _, line := range r.failures() {
		fmt.Fprintln(out, "FAILED", line)
	}
}
