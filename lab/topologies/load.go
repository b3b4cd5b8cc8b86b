package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// load is what the workers of a client do.
type load struct {
	client client

	mu      sync.Mutex
	acked   map[string][]string // values by list
	errors  int
	longest time.Duration
	last    time.Time // of an error
	ill     bool      // the last operation failed
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
		l.longest, l.ill = max(l.longest, took), err != nil
		if err == nil {
			l.acked[key] = append(l.acked[key], value)
		} else {
			l.errors, l.last = l.errors+1, time.Now()
		}
		l.mu.Unlock()
		time.Sleep(rest)
	}
}

// work has all clients work for a second and on, until stop is called, which waits for them.
func work(ctx context.Context, clients []client) (began time.Time, loads []*load, stop func()) {
	working, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, c := range clients {
		l := &load{client: c, acked: make(map[string][]string)}
		loads = append(loads, l)
		for n := range workers {
			running.Go(func() { l.work(working, n) })
		}
	}
	time.Sleep(time.Second)
	return time.Now(), loads, func() {
		cancel()
		running.Wait()
	}
}

func (l *load) key(n int) string { return fmt.Sprint(l.client.name, "/", n) }

// row is what one client has seen of an event.
type row struct {
	topology, event, client string

	done      int
	errors    int
	longest   time.Duration
	healed    time.Duration // the last error, after the event
	ill       bool          // that was the end of it
	lost      int
	twice     int           // are there more than once
	made      int           // connections to what was the primary, until the promotion; of MySQL
	promotion time.Duration // after the event, of the servers
}

// row is what the load has seen when all is over.
func (l *load) row(topology, event string, began time.Time, promotion time.Duration) row {
	r := row{
		topology: topology, event: event, client: l.client.name,
		errors: l.errors, longest: l.longest, ill: l.ill, promotion: promotion,
	}
	if l.errors > 0 {
		r.healed = l.last.Sub(began)
	}
	return r
}

// count fills in how many writes were acknowledged, how many of these are not there, and how many are there twice.
func (l *load) count(r *row, list func(key string) ([]string, error)) error {
	for n := range lists {
		key := l.key(n)
		there, err := list(key)
		if err != nil {
			return err
		}
		have := make(map[string]int, len(there))
		for _, value := range there {
			if have[value]++; have[value] == 2 {
				r.twice++
			}
		}
		for _, value := range l.acked[key] {
			r.done++
			if have[value] == 0 {
				r.lost++
			}
		}
	}
	return nil
}

func (r row) String() string {
	return fmt.Sprintf(
		"%-41s %-24s %6d written %5d errors, the last at %4.1fs (promoted %.1fs), longest %.2fs, %d lost, %d twice",
		r.topology+", "+r.event, r.client, r.done, r.errors, r.healed.Seconds(), r.promotion.Seconds(), r.longest.Seconds(),
		r.lost, r.twice)
}

// cells are those of a table that all topologies have in common.
func (r row) cells() string {
	last, promotion := "-", "-"
	if r.errors > 0 {
		last = fmt.Sprintf("%.1f s", r.healed.Seconds())
	}
	if r.ill {
		last = "never ends"
	}
	if r.promotion > 0 {
		promotion = fmt.Sprintf("%.1f s", r.promotion.Seconds())
	}
	return fmt.Sprintf("| %s | %s | %s | %d | %d | %s | %s | %.2f s | %d | %d |", r.topology, r.event, r.client,
		r.done, r.errors, last, promotion, r.longest.Seconds(), r.lost, r.twice)
}
