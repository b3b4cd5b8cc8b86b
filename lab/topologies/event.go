package main

import (
	"context"
	"errors"
	"strings"
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

// event is something that happens to a topology of Redis.
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
	began, loads, stop := work(ctx, clients)
	promotion, err := e.pass(w, began)
	stop()
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, l := range loads {
		r := l.row(e.topology, e.name, began, promotion)
		if err := l.count(&r, func(key string) ([]string, error) { return w.list(e, key) }); err != nil {
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
