package redis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// run has commands of one slot executed by the node that holds it, and returns a reply for each. The context is for
// getting a connection, and for sending again what was refused.
func (c *routed) run(ctx context.Context, commands []command, do doer) ([]any, error) {
	slot, err := slotOf(commands)
	if err != nil {
		return nil, err
	}
	started, to, asking := time.Now(), c.of.slots.Load().addr(slot), false
	for attempt := 0; ; attempt++ {
		replies, refusal, sent, err := c.try(ctx, to, asking, commands, do)
		switch {
		case sent && refusal == "", isFinal(err), !c.of.mayGoOn(started): // done, or perhaps done, or hopeless
			return replies, err
		case sent && len(commands) > 1 && !areOne(commands):
			return c.runEach(ctx, commands, replies, do)
		}
		to, asking = c.of.next(to, refusal)
		if (to == "" || attempt > 0) && !c.of.pause(ctx) {
			return replies, err
		}
		if to == "" {
			to = c.of.slots.Load().addr(slot)
		}
	}
}

// try has the commands executed by the node at addr, and stays bound to its connection if they bind. It returns the
// refusal, if there was one after which they may be sent again, and whether anything was sent.
func (c *routed) try(ctx context.Context, addr string, asking bool, commands []command, do doer) (
	replies []any, refusal string, sent bool, err error,
) {
	conn, err := c.of.borrow(ctx, addr)
	if err != nil {
		return nil, "", false, err
	}
	if replies, err = exec(conn, asking, commands, do); err != nil {
		_ = conn.Close()
		c.of.renew()
		return nil, "", true, err
	}
	refusal = refusalIn(replies)
	if bound := modeAfter(commands); refusal == "" && bound.binds() {
		c.node, c.mode = conn, bound
		return replies, "", true, nil
	}
	_ = conn.Close()
	return replies, refusal, true, nil
}

// areOne reports whether the commands are one transaction, of which all or nothing is done.
func areOne(commands []command) bool {
	ends := slices.IndexFunc(commands, func(c command) bool { return c.name == "EXEC" || c.name == "DISCARD" })
	return commands[0].name == "MULTI" && (ends < 0 || ends == len(commands)-1)
}

// runEach runs those commands of a pipeline again, one by one, that a node has refused. Of one with a transaction among
// others it runs none: it cannot tell what belongs together.
func (c *routed) runEach(ctx context.Context, commands []command, replies []any, do doer) ([]any, error) {
	renewed := c.of.renew()
	for i := range commands {
		if modeAfter(commands[i : i+1]).binds() {
			return replies, nil
		}
	}
	select {
	case <-renewed:
	case <-ctx.Done():
	}
	for i, reply := range replies {
		if refusalIn([]any{reply}) == "" {
			continue
		}
		again, err := c.run(ctx, commands[i:i+1], do)
		if err != nil {
			return nil, err
		}
		replies[i] = again[0]
	}
	return replies, nil
}

// exec sends the commands over a connection and returns a reply for each. An error is of the connection.
func exec(conn driver.Conn, asking bool, commands []command, do doer) ([]any, error) {
	if asking {
		if err := conn.Send("ASKING"); err != nil {
			return nil, err
		}
	}
	if len(commands) == 1 {
		reply, err := do(conn, commands[0].name, commands[0].args...)
		if refusal, is := errors.AsType[driver.Error](err); is {
			return []any{refusal}, nil
		}
		return []any{reply}, err
	}
	for _, c := range commands {
		if err := conn.Send(c.name, c.args...); err != nil {
			return nil, err
		}
	}
	reply, err := do(conn, "")
	replies, _ := reply.([]any)
	if asking && err == nil {
		replies = replies[1:]
	}
	return replies, err
}

// again are the words that a refusal begins with after which a command may be sent again: none of it was done.
var again = []string{"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN"}

// refusalIn returns the first refusal among the replies after which the commands may be sent again, and "" for none.
func refusalIn(replies []any) string {
	for _, reply := range replies {
		if refusal, is := reply.(driver.Error); is {
			word, _, _ := strings.Cut(string(refusal), " ")
			if slices.Contains(again, word) {
				return string(refusal)
			}
		}
	}
	return ""
}

// next returns where to send what the node at addr has refused, and "" for where the map says, later.
func (r *router) next(addr, refusal string) (to string, asking bool) {
	words := strings.Fields(refusal)
	if len(words) == 3 && (words[0] == "MOVED" || words[0] == "ASK") {
		colon := strings.LastIndexByte(words[2], ':')
		if to = sameHost(words[2][:max(colon, 0)], words[2][colon+1:], addr); words[0] == "ASK" {
			return to, true
		}
	}
	r.renew()
	return to, false
}

// borrow takes a connection from the pool of the node at addr.
func (r *router) borrow(ctx context.Context, addr string) (driver.Conn, error) {
	if addr == "" {
		return nil, kit.Errorf(registry.KindLoading, "the slot of the key has no master")
	}
	return r.node(addr).Conn(ctx)
}

// mayGoOn reports whether there is time to send something again: REDIS_DIAL_TIMEOUT, whatever the context has.
func (r *router) mayGoOn(started time.Time) bool {
	return r.DialTimeout <= 0 || time.Since(started) < r.DialTimeout
}

// pause waits for a newer map and a moment more. It reports whether ctx is not done yet.
func (r *router) pause(ctx context.Context) bool {
	select {
	case <-r.renew():
	case <-ctx.Done():
	}
	select {
	case <-time.After(50 * time.Millisecond):
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
