package main

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/registry"
)

const (
	probers = 32
	workers = 8
)

// probePause is the longest pause between two probes of a prober.
const probePause = 100 * time.Millisecond

// counts are what happens to one backend.
type counts struct {
	faults              atomic.Int64
	pass, warn, fail    atomic.Int64  // results of checks
	succeeded, failed   atomic.Int64  // operations
	rosy                longest       // healthy, after the beginning of a fault that lasted
	recovery            longest       // unhealthy, after the end of one
	healedCheck, healed time.Duration // until the report, and the client, was well again
}

// longest is the longest of some times.
type longest struct{ nanoseconds atomic.Int64 }

func (l *longest) note(d time.Duration) {
	for {
		now := l.nanoseconds.Load()
		if int64(d) <= now || l.nanoseconds.CompareAndSwap(now, int64(d)) {
			return
		}
	}
}

func (l *longest) get() time.Duration { return time.Duration(l.nanoseconds.Load()) }

// load lets probers and workers, and faults if random is there, go on for so long.
func (w *world) load(ctx context.Context, duration time.Duration, random source) {
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	var running sync.WaitGroup
	for range probers {
		running.Go(func() { w.probe(ctx) })
	}
	for _, t := range w.targets {
		for i := range workers {
			running.Go(func() { t.work(ctx, i) })
		}
		if random != nil {
			own := rand.New(rand.NewPCG(random.Uint64(), 0))
			running.Go(func() { t.suffer(ctx, own) })
		}
	}
	running.Wait()
}

// probe checks everything again and again, with pauses such as probes make, only shorter.
func (w *world) probe(ctx context.Context) {
	for pause(ctx, time.Duration(rand.Int64N(int64(probePause)))) {
		start := time.Now()
		report := w.registry.CheckAll(context.WithoutCancel(ctx))
		end := time.Now()
		w.slowest.note(end.Sub(start))
		for i, result := range report.Results {
			w.targets[i].note(result, end)
		}
	}
}

// note compares a result with what is known of the network.
func (t *target) note(result registry.Result, now time.Time) {
	switch result.Status() {
	case registry.Pass:
		t.pass.Add(1)
	case registry.Warn:
		t.warn.Add(1)
	default:
		t.fail.Add(1)
	}
	f := t.current()
	switch {
	case f.lasting && result.OK():
		t.rosy.note(now.Sub(f.since))
	case f.name == healthy && !f.since.IsZero() && !result.OK():
		t.recovery.note(now.Sub(f.since))
	}
}

// work uses the client with little patience.
func (t *target) work(ctx context.Context, worker int) {
	for pause(ctx, time.Duration(rand.IntN(20))*time.Millisecond) {
		brief, cancel := context.WithTimeout(context.WithoutCancel(ctx), 300*time.Millisecond)
		err := t.use(brief, worker)
		cancel()
		if err != nil {
			t.failed.Add(1)
		} else {
			t.succeeded.Add(1)
		}
	}
}

// heal ends all faults and waits until every report and every client is well, or for far too long.
func (w *world) heal(ctx context.Context) {
	for _, t := range w.targets {
		t.set(healthy, t.endFaults)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*wellAgain)
	defer cancel()
	var healing sync.WaitGroup
	for _, t := range w.targets {
		healing.Go(func() {
			t.healedCheck = until(ctx, func() bool { return w.registry.Check(ctx, t.name).Err == nil })
		})
		healing.Go(func() {
			t.healed = until(ctx, func() bool {
				brief, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				return t.use(brief, 0) == nil
			})
		})
	}
	healing.Wait()
}

// never is longer than anything takes.
const never = time.Duration(math.MaxInt64)

// until returns how long it took until good was true, or never if ctx was done before.
func until(ctx context.Context, good func() bool) time.Duration {
	start := time.Now()
	for !good() {
		if !pause(ctx, 20*time.Millisecond) {
			return never
		}
	}
	return time.Since(start)
}

// pause waits and says whether ctx lasted that long.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
