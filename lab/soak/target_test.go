package main

import (
	"errors"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestALastingFaultLastsUntilTheNetworkIsWell(t *testing.T) {
	for _, c := range []struct {
		faults  []string
		lasting bool
		first   int // the fault since when it lasts
	}{
		{[]string{"refuse"}, true, 0},
		{[]string{"refuse", "blackhole"}, true, 0},
		{[]string{"refuse", "latency", "reset"}, true, 0}, // latency comes on top
		{[]string{"latency", "refuse"}, true, 1},
		{[]string{"blackhole", healthy, "reset"}, true, 2},
		{[]string{"cut", "latency"}, false, 1},
		{[]string{"blackhole", healthy}, false, 1},
	} {
		var target target
		var since []time.Time
		for _, name := range c.faults {
			var during fault
			target.set(name, func() { during = target.current() })
			if during != (fault{}) {
				t.Errorf("%v: %v is known while a fault is put in force", c.faults, during)
			}
			since = append(since, target.current().since)
		}
		got := target.current()
		if got.lasting != c.lasting || !got.since.Equal(since[c.first]) {
			t.Errorf("%v: got %+v, want lasting %v since fault %d", c.faults, got, c.lasting, c.first)
		}
	}
}

func TestNoteMeasuresHowFarAReportLagsBehindTheNetwork(t *testing.T) {
	start := time.Now()
	good, bad := registry.Result{Name: "one"}, registry.Result{Name: "one", Err: errors.New("down")}
	for name, c := range map[string]struct {
		now            fault
		result         registry.Result
		rosy, recovery time.Duration
	}{
		"healthy in a lasting fault":   {fault{"refuse", start, true}, good, time.Second, 0},
		"unhealthy in a lasting fault": {fault{"refuse", start, true}, bad, 0, 0},
		"unhealthy in good times":      {fault{healthy, start, false}, bad, 0, time.Second},
		"healthy in good times":        {fault{healthy, start, false}, good, 0, 0},
		"unhealthy in a passing fault": {fault{"latency", start, false}, bad, 0, 0},
		"nothing is known":             {fault{}, bad, 0, 0},
	} {
		target := target{now: c.now}
		target.note(c.result, start.Add(time.Second))
		if target.rosy.get() != c.rosy || target.recovery.get() != c.recovery {
			t.Errorf("%s: rosy %v and recovery %v, want %v and %v",
				name, target.rosy.get(), target.recovery.get(), c.rosy, c.recovery)
		}
	}
}
