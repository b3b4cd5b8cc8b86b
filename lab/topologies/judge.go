package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	driver "github.com/gomodule/redigo/redis"
)

// count returns how many writes were acknowledged, and how many of these are not there.
func (l *load) count(_ context.Context, _ client, w *world, e event) (done, lost int, err error) {
	for n := range lists {
		key := l.key(n)
		there, err := w.list(e, key)
		if err != nil {
			return 0, 0, err
		}
		have := make(map[string]bool, len(there))
		for _, value := range there {
			have[value] = true
		}
		for _, value := range l.acked[key] {
			done++
			if !have[value] {
				lost++
			}
		}
	}
	return done, lost, nil
}

// list reads a list from the master that has it, past all clients.
func (w *world) list(e event, key string) (values []string, err error) {
	addr := ""
	if e.topology == "Sentinel" {
		place, err := driver.Strings(w.sentinels[0].conn.Do("SENTINEL", "get-master-addr-by-name", "shop"))
		if err != nil {
			return nil, err
		}
		addr = place[0] + ":" + place[1]
	} else {
		addr = w.nodes[2].addr
	}
	for range 5 {
		conn, err := driver.DialContext(w.ctx, "tcp", addr, driver.DialReadTimeout(5*time.Second))
		if err != nil {
			return nil, err
		}
		values, err = driver.Strings(conn.Do("LRANGE", key, 0, -1))
		_ = conn.Close()
		if err == nil || !strings.HasPrefix(err.Error(), "MOVED") {
			return values, err
		}
		addr = strings.Fields(err.Error())[2]
	}
	return nil, fmt.Errorf("the master of a key is not found")
}

// judge returns what is not as this module promises.
func judge(e event, rows []row) (broken []error) {
	wrong := func(format string, args ...any) { broken = append(broken, fmt.Errorf(format, args...)) }
	var us, them row
	for _, r := range rows {
		switch r.client {
		case ours:
			us = r
		case goRedis:
			them = r
		}
	}
	const scheduling = 500 * time.Millisecond // of a busy machine
	if us.longest > limit+scheduling {
		wrong("the longest operation took %v with a context of %v", us.longest, limit)
	}
	if us.healed > us.promotion+time.Second+scheduling {
		wrong("the last error was %v after the event, with the promotion at %v", us.healed, us.promotion)
	}
	// Both write at random moments of the window in which Redis loses writes.
	if us.lost > them.lost+them.lost/4+20 {
		wrong("%d acknowledged writes are lost, and %d of go-redis", us.lost, them.lost)
	}
	if e.planned && us.errors > them.errors+workers {
		wrong("%d errors, and %d of go-redis", us.errors, them.errors)
	}
	if us.done == 0 {
		wrong("nothing was written")
	}
	return broken
}

// page is docs/topologies.md.
func page(ctx context.Context, rows []row) string {
	version, _ := exec.CommandContext(ctx, "redis-server", "--version").Output()
	words := strings.Fields(string(version))
	var text strings.Builder
	fmt.Fprintf(&text, `# Topologies of Redis

Written by `+"`make topologies`"+` on %s, with Redis %s, which starts all servers itself: a primary with two
replicas and three Sentinels (down-after %v), and a cluster of three masters with a replica each (node timeout %[3]v).
In each event all clients work at the same time on the same servers: %d workers each, which append to lists with a pause
of %v and a context of %v for each operation.

"last error" is when the last operation failed, after the event; "promotion" is when the servers had another master.
"lost" are writes that were acknowledged and are not there when all is well again. Redis replicates asynchronously, so
no client has 0 there for certain. What counts are the times: a number of errors only says how often a client answered,
rather than wait, while nobody could serve. Mooring waits for a master until the context ends, and for
REDIS_DIAL_TIMEOUT at most, but sends nothing twice that was sent and has no answer. "longest" is the longest operation:
what is more than %[6]v has outlived its context. redisc has no contexts: its limits are the timeouts of its connections.

| topology | event | client | written | errors | last error | promotion | longest | lost |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
`, time.Now().UTC().Format(time.DateOnly), strings.TrimPrefix(words[2], "v="), downAfter, workers, rest, limit)
	for _, r := range rows {
		last, promotion := "-", "-"
		if r.errors > 0 {
			last = fmt.Sprintf("%.1f s", r.healed.Seconds())
		}
		if r.promotion > 0 {
			promotion = fmt.Sprintf("%.1f s", r.promotion.Seconds())
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %d | %d | %s | %s | %.2f s | %d |\n", r.event.topology, r.event.name, r.client,
			r.done, r.errors, last, promotion, r.longest.Seconds(), r.lost)
	}
	return text.String()
}
