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
	ctx := cmp.Or(w.ctx, limit)
	left, to, asking := commands, c.of.slots.Load().addr(slot), false
	for attempt := 0; ; attempt++ {
		refused, sent, err := c.try(ctx, to, asking, left, w)
		switch kind := registry.KindOf(err); {
		case sent && err != nil: // perhaps done
			c.of.renew()
			return err
		case err != nil && !kind.Retryable():
			return err
		case sent:
			left = toSendAgain(left, refused)
			if len(left) == 0 {
				return nil
			}
		}
		to, asking = c.of.next(to, refused)
		if (to == "" || attempt > 0) && !c.of.awaitNews(limit) {
			return err
		}
		if to == "" {
			to = c.of.slots.Load().addr(slot)
		}
	}
}

// try has commands executed by the node at addr, and stays bound to the connection if they bind. It returns those that
// the node has refused, and whether anything was sent.
func (c *routed) try(ctx context.Context, addr string, asking bool, commands []*command, w wait) (
	refused []*command, sent bool, err error,
) {
	if addr == "" {
		return nil, false, kit.Errorf(registry.KindLoading, "the slot of the key has no master")
	}
	conn, err := c.of.node(addr).Conn(ctx)
	if err != nil {
		return nil, false, err
	}
	refused, err = transmit(conn, asking, commands, w)
	if mode := modeAfter(commands); err == nil && len(refused) == 0 && mode != free {
		c.bound, c.mode = conn, mode
		_ = conn.Flush() // that it has been flushed by Do("") is no sign that it comes back
	} else {
		_ = conn.Close()
	}
	return refused, true, err
}

// transmit sends commands over a connection and notes the replies. It returns those of the commands that may be sent
// again, since the node has refused them. An error is of the connection.
func transmit(conn driver.Conn, asking bool, commands []*command, w wait) (refused []*command, err error) {
	sent := make([]*command, 0, 2*len(commands))
	for n, c := range commands {
		if asking && (n == 0 || !isTransaction(commands)) { // it holds for what follows
			sent = append(sent, &command{name: "ASKING"})
		}
		sent = append(sent, c)
	}
	replies, err := exchanged(conn, sent, w)
	for n, reply := range replies {
		if sent[n].reply = reply; sent[n].refusal() != "" {
			refused = append(refused, sent[n])
		}
	}
	return refused, err
}

// exchanged sends commands and returns the reply to each. One alone is sent within the wait, too; to send several ends
// after REDIS_WRITE_TIMEOUT.
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
	return driver.Values(w.do(conn, ""))
}

// toSendAgain returns which commands to send again after some were refused: those, but a transaction as a whole, and
// nothing of what has a transaction in it, as it is not known what belongs together.
func toSendAgain(commands, refused []*command) []*command {
	binds := func(c *command) bool { return modes[c.name] != free }
	switch some := len(refused) > 0 && len(refused) < len(commands); {
	case some && isTransaction(commands):
		return commands
	case some && slices.ContainsFunc(commands, binds):
		return nil
	}
	return refused
}

// isTransaction reports whether the commands are one transaction, of which all or nothing is done.
func isTransaction(commands []*command) bool {
	ends := slices.IndexFunc(commands, func(c *command) bool { return c.name == "EXEC" || c.name == "DISCARD" })
	return commands[0].name == "MULTI" && (ends < 0 || ends == len(commands)-1)
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
			colon := max(strings.LastIndexByte(words[2], ':'), 0)
			to = sameHost(words[2][:colon], words[2][colon+1:], addr)
		}
	}
	if !asking {
		r.renew()
	}
	return to, asking
}

// awaitNews waits for a newer map and a moment more. It reports whether ctx is not done yet.
func (r *router) awaitNews(ctx context.Context) bool {
	return pause(ctx, r.renew().done, renewWithin) && pause(ctx, nil, 50*time.Millisecond)
}
