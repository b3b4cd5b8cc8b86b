package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/vibework/mooring/registry/registrytest"
)

// target is one backend: its resource, and the proxy between that and the server.
type target struct {
	name     string
	proxy    *registrytest.Proxy
	resource counted
	use      operation
	counts

	mu  sync.Mutex
	now fault
}

// fault is what the network is like since some time.
type fault struct {
	name    string
	since   time.Time
	lasting bool // nothing gets through until it ends
}

// healthy is the name of no fault.
const healthy = "none"

// source decides how the network fails.
type source interface{ Uint64() uint64 }

func (t *target) current() fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

// set puts a fault in force. Meanwhile nothing is known of the network, so that nobody is blamed for the moment before.
func (t *target) set(name string, put func()) {
	t.know(fault{})
	put()
	lasting := name == "blackhole" || name == "refuse" || name == "reset"
	t.know(fault{name, time.Now(), lasting})
}

func (t *target) know(f fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = f
}

// suffer lets the network fail and heal in turn, each for a random time.
func (t *target) suffer(ctx context.Context, random *rand.Rand) {
	upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
	faults := []struct {
		name string
		put  func()
	}{
		{"blackhole", t.proxy.Blackhole},
		{"refuse", t.proxy.Refuse},
		{"reset", t.proxy.Reset},
		{"cut", t.proxy.Cut},
		{"latency", func() { t.proxy.Latency(upTo(200 * time.Millisecond)) }},
		{"cut after", func() { t.proxy.CutAfter(int64(random.IntN(200))); t.proxy.Cut() }},
	}
	for pause(ctx, upTo(2*time.Second)) {
		f := faults[random.IntN(len(faults))]
		t.set(f.name, f.put)
		t.faults.Add(1)
		if random.IntN(3) == 0 { // one fault may take the place of another
			continue
		}
		_ = pause(ctx, upTo(4*checkTimeout))
		t.set(healthy, t.proxy.Pass)
	}
}
