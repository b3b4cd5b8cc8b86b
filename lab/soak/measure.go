package main

import (
	"context"
	"os"
	"runtime"
	"strings"
	"time"
)

// record is what one life was like and what it has left.
type record struct {
	duration     time.Duration // of the faults
	open, closed sample
	closeErr     error
	slowest      time.Duration // CheckAll
	lateness     time.Duration // of the machine
	tallies      []tally
}

// tally is what happened to one backend in one life.
type tally struct {
	name                string
	faults              int64
	checks, twice       int64 // runs of its check, and those that began while another one ran
	pass, warn, fail    int64 // results of checks
	succeeded, failed   int64 // operations
	rosy, recovery      time.Duration
	healedCheck, healed time.Duration // until the report, and the client, was well again
}

// sample is what the process has at some time.
type sample struct {
	goroutines, sockets int
	heap                int64 // bytes in use
}

func measure() sample {
	runtime.GC()
	runtime.GC() // what a finalizer has kept
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return sample{runtime.NumGoroutine(), sockets(), int64(mem.HeapAlloc)}
}

// settled measures when what ends by itself has ended: until nothing has become less for a second.
func settled() sample {
	least := measure()
	for since := time.Now(); time.Since(since) < time.Second; time.Sleep(50 * time.Millisecond) {
		now := measure()
		least.heap = min(least.heap, now.heap)
		if now.goroutines < least.goroutines || now.sockets < least.sockets {
			least.goroutines, least.sockets = min(now.goroutines, least.goroutines), min(now.sockets, least.sockets)
			since = time.Now()
		}
	}
	return least
}

// notMeasured is the number of sockets where there is no /proc.
const notMeasured = -1

// sockets counts the sockets of the process, both ends of the connections to the proxies among them.
func sockets() (n int) {
	const folder = "/proc/self/fd/"
	files, err := os.ReadDir(folder)
	if err != nil {
		return notMeasured
	}
	for _, file := range files {
		if link, err := os.Readlink(folder + file.Name()); err == nil && strings.HasPrefix(link, "socket:") {
			n++
		}
	}
	return n
}

// watchLateness notes, until ctx is done, how much longer than it should a short pause takes.
func (w *world) watchLateness(ctx context.Context) {
	const tick = 5 * time.Millisecond
	for start := time.Now(); pause(ctx, tick); start = time.Now() {
		w.lateness.note(time.Since(start) - tick)
	}
}
