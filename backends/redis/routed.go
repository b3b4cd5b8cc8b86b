package redis

import (
	"cmp"
	"errors"
	"strings"

	driver "github.com/gomodule/redigo/redis"
)

// routed is what a program borrows from a cluster. A command goes to the node that holds its key, over a connection
// that is borrowed from the node's pool for it. So does a pipeline, and a transaction, of one slot: what is sent is
// held until a reply is wanted, or until Close. WATCH, MULTI and a subscription bind it to a connection until they end.
type routed struct {
	calls
	of      *router
	bound   driver.Conn // nil if nothing binds
	mode    mode        // of bound
	held    []*command  // sent by the program, and not delivered yet
	replies []any       // that have arrived and were not received yet
	err     error       // that ended it
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

// after returns the mode that a command leads to. WATCH and UNWATCH are a part of the transaction that they are in.
func (m mode) after(name string) mode {
	next, known := modes[name]
	if !known || m == listening || m == queueing && strings.HasSuffix(name, "WATCH") {
		return m
	}
	return next
}

func modeAfter(commands []*command) (m mode) {
	for _, c := range commands {
		m = m.after(c.name)
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
	name = strings.ToUpper(name)
	c.unbind(wait{})
	switch {
	case c.err != nil:
		return c.err
	case c.bound == nil:
		held := &command{name: name}
		for _, arg := range args { // as text, since the program may use a buffer again
			held.args = append(held.args, textOf(arg))
		}
		c.held = append(c.held, held)
		return nil
	}
	c.mode = c.mode.after(name)
	return c.bound.Send(name, args...)
}

// Flush sends what is held only if it begins a subscription: for the rest, where to is only seen when it is received.
func (c *routed) Flush() error {
	switch {
	case c.bound != nil:
		return c.bound.Flush()
	case modeAfter(c.held) == listening:
		return c.deliverHeld(wait{})
	}
	return c.err
}

func (c *routed) do(w wait, name string, args []any) (any, error) {
	c.unbind(w)
	switch {
	case c.err != nil:
		return nil, c.err
	case c.bound != nil:
		reply, err := w.do(c.bound, name, args...)
		if rest, _ := reply.([]any); name == "" && len(c.replies) > 0 {
			c.replies = append(c.replies, rest...)
			reply = c.replies
		}
		c.replies = nil // of what was not received, as the driver has it
		c.mode = c.mode.after(strings.ToUpper(name))
		c.unbind(w)
		return reply, err
	case name != "":
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
	return last(replies)
}

func (c *routed) receive(w wait) (any, error) {
	if c.bound != nil && len(c.replies) == 0 {
		return w.receive(c.bound)
	}
	if err := c.deliverHeld(w); err != nil {
		c.err = err // the replies to what was sent are lost
		return nil, err
	}
	if len(c.replies) == 0 {
		return nil, errNothing
	}
	reply := c.replies[0]
	c.replies = c.replies[1:]
	return last([]any{reply})
}

// deliverHeld delivers what is held, and keeps the replies.
func (c *routed) deliverHeld(w wait) error {
	switch {
	case len(c.held) == 0:
		return nil
	case len(c.held) == 1 && c.held[0].name == "MULTI": // its first key will say where to send it
		if !c.held[0].told {
			c.held[0].told = true
			c.replies = append(c.replies, "OK")
		}
		return nil
	}
	commands := c.held
	c.held = nil
	err := c.deliver(commands, w)
	if modeAfter(commands) != free && c.bound == nil { // what follows must not be done outside of the transaction
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

// last returns the last reply, and the first error among all, as the driver does.
func last(replies []any) (any, error) {
	reply := replies[len(replies)-1]
	for _, r := range replies {
		if refusal, is := r.(driver.Error); is {
			return reply, refusal
		}
	}
	return reply, nil
}

// unbind returns the connection to its pool once nothing binds to it, and keeps the replies that it still has.
func (c *routed) unbind(w wait) {
	if c.bound == nil || c.mode != free {
		return
	}
	reply, err := w.do(c.bound, "")
	replies, _ := reply.([]any)
	c.replies, c.err = append(c.replies, replies...), err
	_ = c.bound.Close()
	c.bound = nil
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
	c.bound, c.err = nil, errReturned
	c.of.giveBack()
	return err
}
