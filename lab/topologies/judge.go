package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/lab/internal/server"
)

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
func (e event) judge(rows []row) []error {
	us, them := rows[0], rows[slices.IndexFunc(rows, func(r row) bool { return r.client == goRedis })]
	broken := us.judge(us.promotion, limit)
	wrong := func(format string, args ...any) { broken = append(broken, fmt.Errorf(format, args...)) }
	// Both write at random moments of the window in which Redis loses writes.
	if us.lost > them.lost+them.lost/4+20 {
		wrong("%d acknowledged writes are lost, and %d of go-redis", us.lost, them.lost)
	}
	if e.planned && us.errors > them.errors+workers {
		wrong("%d errors, and %d of go-redis", us.errors, them.errors)
	}
	return broken
}

// judge returns what is not as it should be in any topology, if the row is of this module. Well is when a client could
// find out that there is another primary.
func (r row) judge(well, most time.Duration) (broken []error) {
	wrong := func(format string, args ...any) { broken = append(broken, fmt.Errorf(format, args...)) }
	const scheduling = 500 * time.Millisecond // of a busy machine
	if r.longest > most+scheduling {
		wrong("the longest operation took %v, and %v is right", r.longest, most)
	}
	if r.healed > well+time.Second+scheduling {
		wrong("the last error was %v after the event, and all was well at %v", r.healed, well)
	}
	if r.twice > 0 {
		wrong("%d writes are there twice", r.twice)
	}
	if r.done == 0 {
		wrong("nothing was written")
	}
	return broken
}

// redisPart is the part of the page about Redis.
func redisPart() part {
	p := part{intro: redisIntro}
	for _, e := range events {
		p.scenarios = append(p.scenarios, scenario{e.title(), e.short, e.run})
	}
	return p
}

func (e event) run(ctx context.Context) (lines []line, broken, err error) {
	rows, err := e.measure(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range rows {
		lines = append(lines, line{r.String(), r.cells()})
	}
	return lines, errors.Join(e.judge(rows)...), nil
}

func redisIntro(ctx context.Context) string {
	return fmt.Sprintf(`## Redis

%s: a primary with two replicas and three Sentinels (down-after %v), and a cluster of three masters with a
replica each (node timeout %[2]v). Redis replicates asynchronously, so no client has 0 lost for certain. What counts are
the times: a number of errors only says how often a client answered, rather than wait, while nobody could serve.
Mooring waits for a master until the context ends, and for REDIS_DIAL_TIMEOUT at most, but sends nothing twice that was
sent and has no answer. redisc has no contexts: its limits are its connections' timeouts.

| topology | event | client | written | errors | last error | promotion | longest | lost | twice |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
`, server.Versions(ctx)["redis"], downAfter)
}
