package main

import (
	"cmp"
	"fmt"
	"time"
)

// What may be there after the second life that was not there after the first one. Both have had faults, so that pools
// are full and buffers as big as they get.
const (
	moreGoroutines = 3         // of the runtime and of timers that are just firing
	moreHeap       = 256 << 10 // bytes
	// moreConnections is for drivers that replace a connection of their own just then: the pools are full in both
	// lives. Each has two sockets here, and a handful of goroutines at its two ends.
	moreConnections = 2
)

// reconnect is how long a resource may be unwell when its network is well again, as docs/reliability.md has it: gRPC
// pauses for up to 1.8 s between two tries to connect.
const reconnect = 2 * time.Second

// wellAgain is how long reports and clients may be unwell when the network is well: a caller learns of a check only
// when those of the other resources are done, and then comes the next probe.
const wellAgain = reconnect + checkTimeout + probePause

// slowCycle is more than a healthy spell and the fault after it ever take.
const slowCycle = spell + outage + 2*time.Second

// judge returns every promise that was broken.
func judge(first, second *record) []string {
	var v verdict
	v.life = "first life: "
	v.obeys(first)
	v.life = "second life: "
	v.obeys(second)
	v.life = ""
	v.grew("closed", first.closed, second.closed, sample{moreGoroutines, 0, moreHeap})
	v.grew("open", first.open, second.open, sample{5 * moreConnections, 2 * moreConnections, moreHeap})
	return v.broken
}

// verdict collects the promises that were broken.
type verdict struct {
	life   string
	broken []string
}

// obeys judges what every life must keep.
func (v *verdict) obeys(rec *record) {
	late := 2 * rec.lateness // the machine may be late when a time begins and when it ends
	most(v, "the longest CheckAll", rec.slowest, checkTimeout+late)
	if rec.closeErr != nil {
		v.breaks("CloseAll: %v", rec.closeErr)
	}
	if rec.open.sockets == 0 {
		v.breaks("no socket is found while everything is open")
	}
	for _, t := range rec.tallies {
		most(v, t.name+": checks while another one ran", t.twice, 0)
		most(v, t.name+": healthy for so long after a fault began that lasted", t.rosy, checkTimeout+late)
		most(v, t.name+": unhealthy for so long after the network was well", t.recovery, wellAgain+late)
		most(v, t.name+": until the report was healthy after the last fault", t.healedCheck, wellAgain+late)
		most(v, t.name+": until the client worked after the last fault", t.healed, wellAgain+late)
		least(v, t.name+": healthy reports", t.pass, 1)
		least(v, t.name+": work that was done", t.succeeded, 1)

		bites := max(int64(rec.duration/slowCycle), 1)
		least(v, t.name+": faults", t.faults, bites)
		least(v, t.name+": unhealthy reports", t.fail, bites)
		least(v, t.name+": work that failed", t.failed, bites)
	}
}

// grew judges what may have grown by more at most.
func (v *verdict) grew(when string, first, second, more sample) {
	most(v, "goroutines while "+when, second.goroutines, first.goroutines+more.goroutines)
	most(v, "bytes of heap while "+when, second.heap, first.heap+more.heap)
	if first.sockets != notMeasured && second.sockets != notMeasured {
		most(v, "sockets while "+when, second.sockets, first.sockets+more.sockets)
	}
}

func (v *verdict) breaks(format string, args ...any) {
	v.broken = append(v.broken, v.life+fmt.Sprintf(format, args...))
}

// most is the promise that got is not more than bound.
func most[T cmp.Ordered](v *verdict, what string, got, bound T) {
	if got > bound {
		v.breaks("%s: %v, want at most %v", what, got, bound)
	}
}

// least is the promise that got is not less than bound.
func least[T cmp.Ordered](v *verdict, what string, got, bound T) {
	if got < bound {
		v.breaks("%s: %v, want at least %v", what, got, bound)
	}
}
