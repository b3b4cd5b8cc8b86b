package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// target is one backend: its resource, and the proxy between that and the server.
type target struct {
	name     string
	proxy    *faultproxy.Proxy
	demote   func(primary bool) // makes the server a replica, or a primary again; nil: it has no roles
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
// A fault that takes the place of one that lasts, or comes on top of it, lasts as well, and since the first one began.
func (t *target) set(name string, put func()) {
	old := t.current()
	t.know(fault{})
	put()
	f := fault{name: name, since: time.Now(), lasting: lasting[name]}
	if old.lasting && name != healthy {
		f.since, f.lasting = old.since, true
	}
	t.know(f)
}

func (t *target) know(f fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = f
}

// lasting are the faults that let nothing through until they end.
var lasting = map[string]bool{"blackhole": true, "refuse": true, "reset": true, demoted: true}

// demoted is a fail-over behind the server's address: it takes no writes, and all connections live on.
const demoted = "demoted"

// A healthy spell, and a fault, takes at most so long. A spell may be longer than a report may lag behind the network.
const (
	spell  = 4 * time.Second
	outage = 4 * checkTimeout
)

// suffer lets the network fail and heal in turn, each for a random time. The first fault comes soon and is
// one that everybody notices.
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
	if t.demote != nil {
		faults = append(faults, struct {
			name string
			put  func()
		}{demoted, func() { t.demote(false) }})
	}
	for before := spell / 2; pause(ctx, upTo(before)); before = spell {
		n := t.faults.Add(1)
		first := n == 1
		among, length := faults, upTo(outage)
		if first {
			among, length = faults[:3], max(length, outage/2) // which last
		}
		if n == 2 && t.demote != nil { // there is a fail-over in each life
			among = faults[len(faults)-1:]
		}
		f := among[random.IntN(len(among))]
		t.set(f.name, f.put)
		if !first && random.IntN(3) == 0 { // one fault may take the place of another
			continue
		}
		_ = pause(ctx, length)
		t.set(healthy, t.endFaults)
	}
}

// endFaults ends all of them.
func (t *target) endFaults() {
	t.proxy.Pass()
	if t.demote != nil {
		t.demote(true)
	}
}
