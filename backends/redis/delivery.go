package redis

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// deliver has commands of one slot executed by the node that holds it, and returns a reply for each. What a node has
// refused with MOVED, ASK or TRYAGAIN, or what could not be sent at all, is sent again, until ctx ends, and for
// REDIS_DIAL_TIMEOUT at most. What was sent and has no answer is not: it may have been done.
func (c *routed) deliver(ctx context.Context, commands []command, w wait) ([]any, error) {
	slot, err := slotOf(commands)
	if err != nil {
		return nil, err
	}
	limit, cancel := c.of.conns.Dialling(ctx, c.of.DialTimeout)
	defer cancel()
	p := newParcel(commands)
	to, asking := c.of.slots.Load().addr(slot), false
	for attempt := 0; ; attempt++ {
		refusal, sent, err := c.try(ctx, to, asking, p, w)
		switch kind := registry.KindOf(err); {
		case sent && err != nil: // perhaps done
			c.of.renew()
			return nil, err
		case sent && len(p.left) == 0:
			return p.replies, nil
		case err != nil && !kind.Retryable() && kind != registry.KindUnknown: // a pool that was closed meanwhile is that
			return nil, err
		}
		to, asking = c.of.next(to, refusal)
		if (to == "" || attempt > 0) && !c.of.pause(limit) {
			return p.replies, err
		}
		if to == "" {
			to = c.of.slots.Load().addr(slot)
		}
	}
}

// try has what is left of p executed by the node at addr, and stays bound to the connection if p binds. It returns the
// first refusal after which something may be sent again, and whether anything was sent.
func (c *routed) try(ctx context.Context, addr string, asking bool, p *parcel, w wait) (
	refusal string, sent bool, err error,
) {
	conn, err := c.of.borrow(ctx, addr)
	if err != nil {
		return "", false, err
	}
	refusal, err = p.exchange(conn, asking, w)
	if mode := modeAfter(p.commands); err == nil && refusal == "" && mode != free {
		c.bound, c.mode = conn, mode
	} else {
		_ = conn.Close()
	}
	return refusal, true, err
}

// parcel are commands of one slot on their way.
type parcel struct {
	commands []command
	replies  []any // to each
	left     []int // which of the commands are to be sent, at first all
}

func newParcel(commands []command) *parcel {
	p := &parcel{commands: commands, replies: make([]any, len(commands)), left: make([]int, len(commands))}
	for i := range p.left {
		p.left[i] = i
	}
	return p
}

// exchange sends what is left over a connection, and notes the replies and what is left now. It returns the first
// refusal after which something may be sent again. An error is of the connection.
func (p *parcel) exchange(conn driver.Conn, asking bool, w wait) (refusal string, err error) {
	asks := func(n int) bool { return asking && (n == 0 || !p.isTransaction()) } // it holds for what follows
	for n, i := range p.left {
		if asks(n) {
			_ = conn.Send("ASKING") // who asks for replies meets what this meets
		}
		_ = conn.Send(p.commands[i].name, p.commands[i].args...)
	}
	answers, err := driver.Values(w.do(conn, ""))
	if err != nil {
		return "", err
	}
	var refused []int
	for n, i := range p.left {
		if asks(n) {
			answers = answers[1:]
		}
		p.replies[i], answers = answers[0], answers[1:]
		if text := refusalOf(p.replies[i]); text != "" {
			refused = append(refused, i)
			refusal = cmp.Or(refusal, text)
		}
	}
	p.leave(refused)
	return refusal, nil
}

// leave notes what is left after some commands were refused.
func (p *parcel) leave(refused []int) {
	binds := func(c command) bool { return free.after(c.name) != free }
	switch some := len(refused) > 0 && len(refused) < len(p.commands); {
	case some && p.isTransaction(): // the whole
	case some && slices.ContainsFunc(p.commands, binds): // who knows what belongs together
		p.left = nil
	default:
		p.left = refused
	}
}

// isTransaction reports whether the commands are one transaction, of which all or nothing is done.
func (p *parcel) isTransaction() bool {
	ends := slices.IndexFunc(p.commands, func(c command) bool { return c.name == "EXEC" || c.name == "DISCARD" })
	return p.commands[0].name == "MULTI" && (ends < 0 || ends == len(p.commands)-1)
}

// refusalOf returns a reply that is a refusal after which the command may be sent again, since none of it was done, and
// "" for any other.
func refusalOf(reply any) string {
	refusal, _ := reply.(driver.Error)
	switch word, _, _ := strings.Cut(string(refusal), " "); word {
	case "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN":
		return string(refusal)
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

// pause waits for a newer map and a moment more. It reports whether ctx is not done yet.
func (r *router) pause(ctx context.Context) bool {
	select {
	case <-r.renew().done:
	case <-ctx.Done():
	}
	select {
	case <-time.After(50 * time.Millisecond):
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
