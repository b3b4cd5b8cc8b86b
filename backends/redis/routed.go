package redis

import (
	"cmp"
	"errors"
	"strings"

	driver "github.com/gomodule/redigo/redis"
)

// routed is what a program borrows from a cluster. A command goes to the node that holds its key, over a connection
// that is borrowed from the node's pool for it. So does a pipeline, and a transaction, of one slot: what is sent is
// held until a reply is wanted, or until Close. WATCH, MULTI and a subscription bind it to a connection until they end:
// what is held goes there then. Only a subscription holds nothing, since it is used by two at a time.
type routed struct {
	calls
	of      *router
	bound   driver.Conn // nil while mode is free
	mode    mode
	held    []*command // sent by the program, and not delivered yet
	replies []any      // that have arrived and were not received yet
	err     error      // that ended it
}

// mode is what binds to a connection.
type mode int

const (
	free mode = iota
	watching
	queueing // the commands of a transaction
	listening
)

// modes are what commands lead to.
var modes = map[string]mode{
	"WATCH": watching, "UNWATCH": free, "MULTI": queueing, "EXEC": free, "DISCARD": free,
	"SUBSCRIBE": listening, "PSUBSCRIBE": listening, "MONITOR": listening,
}

// after returns the mode that commands lead to. WATCH and UNWATCH are a part of the transaction that they are in.
func (m mode) after(commands ...*command) mode {
	for _, c := range commands {
		next, known := modes[c.name]
		if known && m != listening && (m != queueing || !strings.HasSuffix(c.name, "WATCH")) {
			m = next
		}
	}
	return m
}

var (
	errReturned = errors.New("the connection was closed")
	errNothing  = errors.New("nothing was flushed that has a reply")
	errUnbound  = errors.New("the node has refused to begin a transaction or a subscription: borrow a connection anew")

	_ driver.ConnWithContext = (*routed)(nil)
	_ driver.ConnWithTimeout = (*routed)(nil)
)

func (c *routed) Send(name string, args ...any) error {
	switch {
	case c.err != nil:
		return c.err
	case c.mode == listening:
		return c.bound.Send(name, args...)
	}
	held := &command{name: strings.ToUpper(name)}
	for _, arg := range args { // as text, since the program may use a buffer again
		held.args = append(held.args, textOf(arg))
	}
	c.held = append(c.held, held)
	return nil
}

// Flush sends what is held only if it begins a subscription: for the rest, where to is only seen when it is received.
func (c *routed) Flush() error {
	switch {
	case c.mode == listening:
		return c.bound.Flush()
	case c.mode.after(c.held...) == listening:
		return c.deliverHeld(wait{})
	}
	return c.err
}

func (c *routed) do(w wait, name string, args []any) (any, error) {
	if c.err != nil {
		return nil, c.err
	}
	switch {
	case name == "":
	case c.mode == listening: // the reply comes after those to what was sent before
		_ = c.bound.Send(name, args...)
	default:
		c.held = append(c.held, &command{name: strings.ToUpper(name), args: args})
	}
	err := c.deliverHeld(w)
	replies := c.replies
	c.replies = nil
	switch {
	case err != nil || len(replies) == 0:
		return nil, err
	case name == "":
		return replies, nil
	}
	return replies[len(replies)-1], refusalIn(replies...)
}

func (c *routed) receive(w wait) (any, error) {
	switch {
	case c.mode != listening:
		if err := c.deliverHeld(w); err != nil {
			c.err = err // the replies to what was sent are lost
			return nil, err
		}
	case len(c.replies) == 0:
		return w.receive(c.bound)
	}
	if len(c.replies) == 0 {
		return nil, cmp.Or(c.err, errNothing)
	}
	reply := c.replies[0]
	c.replies = c.replies[1:]
	if err := refusalIn(reply); err != nil {
		return nil, err
	}
	return reply, nil
}

// deliverHeld delivers what is held, and keeps the replies.
func (c *routed) deliverHeld(w wait) error {
	if c.bound != nil {
		if err := c.deliverBound(w); err != nil {
			return err
		}
	}
	commands := c.held
	switch {
	case len(commands) == 0:
		return nil
	case len(commands) == 1 && commands[0].name == "MULTI": // its first key will say where to send it
		if !commands[0].told {
			commands[0].told = true
			c.replies = append(c.replies, "OK")
		}
		return nil
	}
	c.held = nil
	err := c.deliver(commands, w)
	if free.after(commands...) != free && c.bound == nil { // what follows must not be done outside of the transaction
		c.err = cmp.Or(err, errUnbound)
	}
	if err != nil {
		return err
	}
	for _, command := range commands {
		if !command.told || command.reply != "OK" {
			c.replies = append(c.replies, command.reply)
		}
	}
	return nil
}

// deliverBound delivers what is held over the connection that binds, until nothing binds any more.
func (c *routed) deliverBound(w wait) error {
	n := 0
	for ; n < len(c.held) && c.mode != free; n++ {
		c.mode = c.mode.after(c.held[n])
	}
	replies, err := exchanged(c.bound, c.held[:n], w)
	c.held, c.replies = c.held[n:], append(c.replies, replies...)
	if err != nil {
		c.held = nil
	}
	if c.mode == free {
		_ = c.bound.Close()
		c.bound = nil
	}
	return err
}

// refusalIn returns the first of the replies that is an error.
func refusalIn(replies ...any) error {
	for _, reply := range replies {
		if refusal, is := reply.(driver.Error); is {
			return refusal
		}
	}
	return nil
}

// Err returns why the connection cannot be used any longer.
func (c *routed) Err() error {
	if c.err == nil && c.bound != nil {
		return c.bound.Err()
	}
	return c.err
}

// Close sends what is held, as the driver does, and gives the connection back.
func (c *routed) Close() (err error) {
	if errors.Is(c.err, errReturned) {
		return nil
	}
	if len(c.held) > 0 {
		_, err = c.Do("")
	}
	if c.bound != nil {
		err = errors.Join(err, c.bound.Close())
	}
	c.bound, c.mode, c.err = nil, free, errReturned
	c.of.lent.Add(-1)
	return err
}
