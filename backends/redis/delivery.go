package redis

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// deliver has commands of one slot executed by the node that holds it, and notes their replies. What a node has refused
// with MOVED, ASK or TRYAGAIN, or what could not be sent at all, is sent again, until ctx ends, and for
// REDIS_DIAL_TIMEOUT at most. What was sent and has no answer is not: it may have been done. Without a context it takes
// REDIS_DIAL_TIMEOUT to get a connection, too.
func (c *routed) deliver(commands []*command, w wait) error {
	slot, err := slotOf(commands)
	if err != nil {
		return err
	}
	limit, cancel := c.of.conns.Dialling(cmp.Or(w.ctx, context.Background()), c.of.DialTimeout)
	defer cancel()
	left, to, asking := commands, "", false
	for attempt := 0; ; attempt++ {
		to = cmp.Or(to, c.of.slots.Load().addr(slot))
		var refused []*command
		conn, err := c.of.lend(cmp.Or(w.ctx, limit), to)
		switch {
		case err == nil:
			if refused, err = c.over(conn, asking, left, w); err != nil { // perhaps done
				c.of.renew()
				return err
			}
			if left = toSendAgain(left, refused); len(left) == 0 {
				return nil
			}
		case !registry.KindOf(err).Retryable():
			return err
		}
		to, asking = c.of.next(to, refused)
		if (to == "" || attempt > 0) && !c.of.awaitNews(limit) {
			return err
		}
	}
}

// lend borrows a connection to the node at addr.
func (r *router) lend(ctx context.Context, addr string) (driver.Conn, error) {
	if addr == "" {
		return nil, kit.Errorf(registry.KindLoading, "the slot of the key has no master")
	}
	return r.node(addr).Conn(ctx)
}

// over has commands executed over a connection, notes the replies, and stays bound to it if they bind. It returns those
// of the commands that may be sent again, since the node has refused them. An error is of the connection.
func (c *routed) over(conn driver.Conn, asking bool, commands []*command, w wait) (refused []*command, err error) {
	var sent []*command
	mode := free
	for _, one := range commands {
		if asking && mode != queueing { // it holds for one command, or for one transaction
			sent = append(sent, &command{name: "ASKING"})
		}
		sent, mode = append(sent, one), mode.after(one)
	}
	replies, err := exchanged(conn, sent, w)
	for n, reply := range replies {
		sent[n].reply = reply
	}
	refused = slices.DeleteFunc(slices.Clone(commands), func(c *command) bool { return c.refusal() == "" })
	if err == nil && len(refused) == 0 && mode != free {
		c.bound, c.mode = conn, mode
	} else {
		_ = conn.Close()
	}
	return refused, err
}

// exchanged sends commands and returns the reply to each. One alone is sent within the wait, too; to send several ends
// after REDIS_WRITE_TIMEOUT. For none it returns what has been sent without a reply.
func exchanged(conn driver.Conn, commands []*command, w wait) ([]any, error) {
	if len(commands) == 1 {
		reply, err := w.do(conn, commands[0].name, commands[0].args...)
		if refusal, is := errors.AsType[driver.Error](err); is {
			reply, err = refusal, nil
		}
		return []any{reply}, err
	}
	for _, c := range commands {
		_ = conn.Send(c.name, c.args...) // what this meets, asking for the replies meets, too
	}
	reply, err := w.do(conn, "")
	if err == nil {
		_ = conn.Flush() // that it has been flushed by Do("") is no sign that it comes back
	}
	replies, _ := reply.([]any)
	return replies, err
}

// toSendAgain returns which commands to send again after some were refused: those, but a transaction as a whole, and
// nothing of what has a transaction in it, as it is not known what belongs together.
func toSendAgain(commands, refused []*command) []*command {
	ends := func(c *command) bool { return c.name == "EXEC" || c.name == "DISCARD" }
	binds := func(c *command) bool { return modes[c.name] != free }
	switch end := slices.IndexFunc(commands, ends); {
	case len(refused) == 0 || len(refused) == len(commands) || !slices.ContainsFunc(commands, binds):
		return refused
	case commands[0].name == "MULTI" && (end < 0 || end == len(commands)-1):
		return commands
	}
	return nil
}

// refusal returns the reply if the command may be sent again after it, since none of it was done, and "" if not.
func (c *command) refusal() string {
	refusal, _ := c.reply.(driver.Error)
	switch word, _, _ := strings.Cut(string(refusal), " "); word {
	case "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN":
		return string(refusal)
	}
	return ""
}

// next returns where to send what the node at addr has refused, and "" for where the map says, later.
func (r *router) next(addr string, refused []*command) (to string, asking bool) {
	if len(refused) > 0 {
		words := strings.Fields(refused[0].refusal()) // MOVED or ASK, the slot, host:port
		if asking = words[0] == "ASK"; len(words) == 3 && (asking || words[0] == "MOVED") {
			to = sameHost(words[2], addr)
		}
	}
	if !asking {
		r.renew()
	}
	return to, asking
}

// awaitNews waits for a newer map and a moment more. It reports whether ctx is not done yet.
func (r *router) awaitNews(ctx context.Context) bool {
	return pause(ctx, r.renew().over.Done(), renewWithin) && pause(ctx, nil, 50*time.Millisecond)
}
