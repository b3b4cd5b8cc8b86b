package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	driver "github.com/gomodule/redigo/redis"
)

const (
	limit   = time.Second // of the context of each operation
	workers = 4           // of each client
	rest    = 4 * time.Millisecond
	lists   = 24 // of each client, in slots all over the cluster
)

// event is something that happens to a topology.
type event struct {
	topology, name string
	planned        bool // nothing is broken, so nothing has to fail
	short          bool
	happen         func(*world) error
	promoted       func(*world) error // waits until somebody else serves; nil if nobody has to
	over           func(*world) error // waits until what was the master is none any longer; may be nil
}

func (e event) title() string { return e.topology + ", " + e.name }

var events = []event{
	{"Sentinel", "kill -9", false, true, kill, sentinelsPromote, nil},
	{"Sentinel", "SIGSTOP", false, false, freeze, sentinelsPromote, thawed},
	{"Sentinel", "SENTINEL FAILOVER", true, false, func(w *world) error {
		_, err := w.sentinels[0].conn.Do("SENTINEL", "failover", "shop")
		return err
	}, sentinelsPromote, demoted},
	{"Cluster", "kill -9", false, true, kill, clusterPromotes, nil},
	{"Cluster", "SIGSTOP", false, false, freeze, clusterPromotes, thawed},
	{"Cluster", "CLUSTER FAILOVER", true, false, func(w *world) error {
		_, err := w.nodes[masters].conn.Do("CLUSTER", "FAILOVER")
		return err
	}, clusterPromotes, demoted},
	{"Cluster", "a reshard", true, true, func(w *world) error { return w.move(400) }, nil, nil},
}

func kill(w *world) error {
	w.nodes[0].kill()
	return nil
}

func freeze(w *world) error {
	w.nodes[0].signal(syscall.SIGSTOP)
	return nil
}

// sentinelsPromote waits until all Sentinels name another server.
func sentinelsPromote(w *world) error {
	for _, s := range w.sentinels {
		err := w.until("another primary", func() error {
			addr, err := driver.Strings(s.conn.Do("SENTINEL", "get-master-addr-by-name", "shop"))
			if err == nil && addr[1] == w.nodes[0].port {
				err = errors.New("not yet")
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func clusterPromotes(w *world) error {
	return w.says(w.nodes[masters], "role:master", "INFO", "replication")
}

// thawed wakes the old master, when the next one has served for a while, and waits until it knows.
func thawed(w *world) error {
	time.Sleep(2 * time.Second)
	w.nodes[0].signal(syscall.SIGCONT)
	return demoted(w)
}

func demoted(w *world) error {
	return w.until("the old master is none any longer", func() error {
		conn, err := driver.DialContext(w.ctx, "tcp", w.nodes[0].addr, driver.DialReadTimeout(time.Second))
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		text, err := driver.String(conn.Do("INFO", "replication"))
		if err == nil && !strings.Contains(text, "role:slave") {
			err = errors.New("not yet")
		}
		return err
	})
}

// row is what one client has seen of an event.
type row struct {
	event     event
	client    string
	done      int
	errors    int
	longest   time.Duration
	healed    time.Duration // the last error, after the event
	lost      int
	promotion time.Duration // after the event, of the servers
}

func (r row) String() string {
	return fmt.Sprintf("%-28s %-18s %6d written %5d errors, the last at %5.1fs (promotion %4.1fs), longest %.2fs, %d lost",
		r.event.title(), r.client, r.done, r.errors, r.healed.Seconds(), r.promotion.Seconds(), r.longest.Seconds(), r.lost)
}

// load is what the workers of a client do.
type load struct {
	client client

	mu      sync.Mutex
	acked   map[string][]string // values by list
	errors  int
	longest time.Duration
	last    time.Time // of an error
}

func (l *load) work(ctx context.Context, worker int) {
	for n := 0; ctx.Err() == nil; n++ {
		key, value := l.key((n+worker)%lists), fmt.Sprint(worker, "-", n)
		one, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		began := time.Now()
		err := l.client.push(one, key, value)
		took := time.Since(began)
		cancel()
		l.mu.Lock()
		l.longest = max(l.longest, took)
		if err == nil {
			l.acked[key] = append(l.acked[key], value)
		} else {
			l.errors, l.last = l.errors+1, time.Now()
		}
		l.mu.Unlock()
		time.Sleep(rest)
	}
}

func (l *load) key(n int) string { return fmt.Sprint(l.client.name, "/", n) }

// measure starts the topology, has all clients work on it, lets the event happen, and counts.
func (e event) measure(ctx context.Context) ([]row, error) {
	w, err := newWorld(ctx)
	if err != nil {
		return nil, err
	}
	defer w.end()
	start := w.startCluster
	if e.topology == "Sentinel" {
		start = w.startSentinels
	}
	if err := start(); err != nil {
		return nil, err
	}
	clients, err := e.openAll(ctx, w)
	if err != nil {
		return nil, err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	var running sync.WaitGroup
	var loads []*load
	for _, c := range clients {
		l := &load{client: c, acked: make(map[string][]string)}
		loads = append(loads, l)
		for n := range workers {
			running.Go(func() { l.work(working, n) })
		}
	}
	time.Sleep(time.Second)
	began := time.Now()
	promotion, err := e.pass(w, began)
	stop()
	running.Wait()
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, l := range loads {
		r := row{event: e, client: l.client.name, errors: l.errors, longest: l.longest, promotion: promotion}
		if l.errors > 0 {
			r.healed = l.last.Sub(began)
		}
		if r.done, r.lost, err = l.count(ctx, clients[0], w, e); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	for _, c := range clients {
		c.close()
	}
	return rows, nil
}

// pass lets the event happen, and time pass until all is well again and a bit more.
func (e event) pass(w *world, began time.Time) (promotion time.Duration, err error) {
	if err := e.happen(w); err != nil {
		return 0, err
	}
	if e.promoted != nil {
		if err := e.promoted(w); err != nil {
			return 0, err
		}
		promotion = time.Since(began)
	}
	if e.over != nil {
		if err := e.over(w); err != nil {
			return 0, err
		}
	}
	time.Sleep(3 * time.Second)
	return promotion, w.ctx.Err()
}
