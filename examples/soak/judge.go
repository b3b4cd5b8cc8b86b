package main

import (
	"cmp"
	"fmt"
	"os"
	"text/tabwriter"
	"time"
)

// What may be there after the long life that was not there after the short one.
const (
	moreGoroutines = 3       // of the runtime and of timers that are just firing
	moreHeap       = 4 << 20 // bytes
	// moreOpen is for connections that are open: a pool that is full has as many as before, and each driver has a few
	// for itself. Each has two sockets here, and a handful of goroutines in its proxy.
	moreOpen = 24
)

// judge notes every promise that was broken.
func (w *world) judge(before, after *record) {
	most(w, "goroutines after CloseAll", after.closed.goroutines, before.closed.goroutines+moreGoroutines)
	most(w, "sockets after CloseAll", after.closed.sockets, before.closed.sockets)
	most(w, "bytes of heap after CloseAll", after.closed.heap, before.closed.heap+moreHeap)
	most(w, "sockets while open", after.open.sockets, before.open.sockets+moreOpen)
	most(w, "goroutines while open", after.open.goroutines, before.open.goroutines+5*moreOpen)
	most(w, "bytes of heap while open", after.open.heap, before.open.heap+moreHeap)
	most(w, "the longest CheckAll", w.slowest.get(), checkTimeout+slack)
	for _, t := range w.targets {
		most(w, t.name+": checks while another one ran", t.resource.twice.Load(), 0)
		most(w, t.name+": healthy for so long after a fault began that lasted", t.rosy.get(), checkTimeout+slack)
		most(w, t.name+": unhealthy for so long after the network was well", t.recovery.get(), patience)
		if !t.healedCheckOK || t.healedCheck > patience {
			w.breaks("%s: the report was not healthy %v after the last fault", t.name, patience)
		}
		if !t.cured || t.healed > patience {
			w.breaks("%s: the client did not work %v after the last fault", t.name, patience)
		}
		if t.succeeded.Load() == 0 || t.pass.Load() == 0 {
			w.breaks("%s: nothing ever worked", t.name)
		}
	}
	for life, rec := range map[string]*record{"without faults": before, "after the faults": after} {
		if rec.closeErr != nil {
			w.breaks("CloseAll %s: %v", life, rec.closeErr)
		}
	}
}

func (w *world) breaks(format string, args ...any) {
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

// most is the promise that got is not more than bound.
func most[T cmp.Ordered](w *world, what string, got, bound T) {
	if got > bound {
		w.breaks("%s: %v, want at most %v", what, got, bound)
	}
}

// print prints the table.
func (w *world) print(before, after *record) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\nBACKEND\tFAULTS\tCHECKS\tPASS\tWARN\tFAIL\tTWICE\tROSY\tRECOVERY\tHEALED\tUSES\tFAILED\t")
	for _, t := range w.targets {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%v\t%v\t%v\t%d\t%d\t\n", t.name, t.faults.Load(),
			t.resource.checks.Load(), t.pass.Load(), t.warn.Load(), t.fail.Load(), t.resource.twice.Load(),
			brief(t.rosy.get()), brief(t.recovery.get()), brief(max(t.healed, t.healedCheck)),
			t.succeeded.Load(), t.failed.Load())
	}
	fmt.Fprintln(table, "\n\tGOROUTINES\tSOCKETS\tHEAP\t")
	for _, row := range []struct {
		when string
		sample
	}{
		{"open, warm", before.open},
		{"open, healed", after.open},
		{"closed, warm", before.closed},
		{"closed, healed", after.closed},
	} {
		fmt.Fprintf(table, "%s\t%d\t%d\t%.1f MB\t\n", row.when, row.goroutines, row.sockets, float64(row.heap)/(1<<20))
	}
	_ = table.Flush()
	fmt.Printf("\nthe longest CheckAll took %v; CheckTimeout is %v\n", brief(w.slowest.get()), checkTimeout)
	fmt.Println("rosy: reported healthy for so long after a fault began that lasted; recovery: unhealthy after it ended")
}

func brief(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
