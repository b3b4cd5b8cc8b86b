package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

// table writes what the two lives were like.
func table(out io.Writer, first, second *record) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nLIFE\tBACKEND\tFAULTS\tCHECKS\tPASS\tWARN\tFAIL\tTWICE\tROSY\tRECOVERY\tHEALED\tUSES\tFAILED\t")
	for i, rec := range []*record{first, second} {
		for _, t := range rec.tallies {
			fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%v\t%v\t%v\t%d\t%d\t\n", i+1, t.name, t.faults, t.checks,
				t.pass, t.warn, t.fail, t.twice, brief(t.rosy), brief(t.recovery), brief(max(t.healed, t.healedCheck)),
				t.succeeded, t.failed)
		}
	}
	fmt.Fprintln(w, "\n\tGOROUTINES\tSOCKETS\tHEAP\t")
	for _, row := range []struct {
		when string
		sample
	}{
		{"open, first life", first.open},
		{"open, second life", second.open},
		{"closed, first life", first.closed},
		{"closed, second life", second.closed},
	} {
		sockets := strconv.Itoa(row.sockets)
		if row.sockets == notMeasured {
			sockets = "not measured"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%.2f MB\t\n", row.when, row.goroutines, sockets, float64(row.heap)/(1<<20))
	}
	_ = w.Flush()
	fmt.Fprintf(out, "\nthe longest CheckAll took %v; CheckTimeout is %v, and the machine was up to %v late\n",
		brief(max(first.slowest, second.slowest)), checkTimeout, brief(max(first.lateness, second.lateness)))
	fmt.Fprintln(out, "rosy: reported healthy for so long after a fault began that lasted; "+
		"recovery: unhealthy after it ended")
}

func brief(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
