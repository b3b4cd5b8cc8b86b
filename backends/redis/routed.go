package redis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	driver "github.com/gomodule/redigo/redis"
)

// routed is what a program borrows from a cluster. A command goes to the node that holds its key, over a connection
// that is borrowed from the node's pool for it. So does a pipeline, and a transaction, of one slot: what is sent is
// held until a reply is wanted, or until Close. WATCH, MULTI and a subscription bind it to a connection until they end.
//
// What a node has refused with MOVED, ASK or TRYAGAIN, or what could not be sent at all, is sent again. What was sent
// and has no answer is not: it may have been done.
type routed struct {
	of      *router
	node    driver.Conn // bound to it; nil otherwise
	mode    mode        // of node
	held    []command   // sent by the program, and not executed yet
	replies []any       // that have arrived and were not received yet
	err     error       // that ended it
}

// mode is what binds to a connection.
type mode struct{ watches, queues, listens bool }

func (m mode) binds() bool { return m != mode{} }

// after returns the mode that a command leads to.
func (m mode) after(name string) mode {
	switch name {
	case "WATCH":
		m.watches = true
	case "MULTI":
		m.queues = true
	case "UNWATCH":
		m.watches = m.watches && m.queues
	case "EXEC", "DISCARD":
		m.watches, m.queues = false, false
	case "SUBSCRIBE", "PSUBSCRIBE", "MONITOR":
		m.listens = true
	}
	return m
}

func modeAfter(commands []command) (m mode) {
	for _, c := range commands {
		m = m.after(c.name)
	}
	return m
}

// A doer sends a command over a connection, with all that was sent before, and returns the last reply; for "", all.
type doer func(conn driver.Conn, name string, args ...any) (any, error)

func within(ctx context.Context) doer {
	return func(conn driver.Conn, name string, args ...any) (any, error) {
		return driver.DoContext(conn, ctx, name, args...)
	}
}

func withTimeout(timeout time.Duration) doer {
	return func(conn driver.Conn, name string, args ...any) (any, error) {
		return driver.DoWithTimeout(conn, timeout, name, args...)
	}
}

var (
	errReturned = errors.New("the connection was closed")
	errNothing  = errors.New("nothing was flushed that has a reply")

	_ driver.ConnWithContext = (*routed)(nil)
	_ driver.ConnWithTimeout = (*routed)(nil)
)

// patience returns a context for what has none of its own: REDIS_DIAL_TIMEOUT.
func (r *router) patience() (context.Context, context.CancelFunc) {
	if r.DialTimeout <= 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), r.DialTimeout)
}

func (c *routed) Do(name string, args ...any) (any, error) {
	ctx, cancel := c.of.patience()
	defer cancel()
	return c.do(ctx, driver.Conn.Do, name, args)
}

func (c *routed) DoContext(ctx context.Context, name string, args ...any) (any, error) {
	return c.do(ctx, within(ctx), name, args)
}

func (c *routed) DoWithTimeout(timeout time.Duration, name string, args ...any) (any, error) {
	ctx, cancel := c.of.patience()
	defer cancel()
	return c.do(ctx, withTimeout(timeout), name, args)
}

// do has what is held executed, and the command. The context is for getting a connection, and for sending again.
func (c *routed) do(ctx context.Context, do doer, name string, args []any) (any, error) {
	if err := c.listen(ctx, name); err != nil {
		return nil, err
	}
	if c.node != nil {
		reply, err := do(c.node, name, args...)
		c.mode = c.mode.after(strings.ToUpper(name))
		c.unbind()
		return reply, err
	}
	if name != "" {
		_ = c.Send(name, args...)
	}
	if len(c.held) == 1 && c.held[0].name == "MULTI" { // its first key will say where to send it
		return "OK", nil
	}
	replies, err := c.execute(ctx, do)
	c.replies = nil
	switch {
	case err != nil:
		return nil, err
	case len(replies) == 0:
		return nil, nil
	case name == "":
		return replies, nil
	}
	return last(replies)
}

// execute has what is held executed, and returns the replies that were not received yet.
func (c *routed) execute(ctx context.Context, do doer) ([]any, error) {
	if commands := c.held; len(commands) > 0 {
		c.held = nil
		replies, err := c.run(ctx, commands, do)
		if err != nil {
			return nil, err
		}
		c.replies = append(c.replies, replies...)
	}
	return c.replies, nil
}

// last returns the last reply, and the first error among all, as the driver does.
func last(replies []any) (any, error) {
	for _, reply := range replies {
		if refusal, is := reply.(driver.Error); is {
			return replies[len(replies)-1], refusal
		}
	}
	return replies[len(replies)-1], nil
}

// listen binds to any node if what is held, or the command, begins a subscription. It ends what bound before.
func (c *routed) listen(ctx context.Context, name string) (err error) {
	c.unbind()
	if len(c.held) > 0 {
		name = c.held[0].name
	}
	if c.err != nil || c.node != nil || !(mode{}).after(strings.ToUpper(name)).listens {
		return c.err
	}
	node, err := c.of.borrow(ctx, c.of.slots.Load().addr(anySlot))
	if err != nil {
		return err
	}
	c.node, c.mode.listens = node, true
	for _, held := range c.held {
		err = errors.Join(err, node.Send(held.name, held.args...))
	}
	c.held = nil
	return err
}

// unbind returns the connection to its pool once nothing binds to it.
func (c *routed) unbind() {
	if c.node != nil && !c.mode.binds() {
		_ = c.node.Close()
		c.node = nil
	}
}

func (c *routed) Send(name string, args ...any) error {
	switch {
	case c.err != nil:
		return c.err
	case c.node == nil:
		c.held = append(c.held, command{strings.ToUpper(name), slices.Clone(args)})
		return nil
	case !c.mode.listens: // another goroutine may receive meanwhile
		c.mode = c.mode.after(strings.ToUpper(name))
	}
	return c.node.Send(name, args...)
}

// Flush sends what is held only if it begins a subscription: for the rest, where to is only seen when it is received.
func (c *routed) Flush() error {
	ctx, cancel := c.of.patience()
	defer cancel()
	if c.node == nil {
		if err := c.listen(ctx, ""); err != nil || c.node == nil {
			return err
		}
	}
	return c.node.Flush()
}

func (c *routed) Receive() (any, error) {
	ctx, cancel := c.of.patience()
	defer cancel()
	return c.receive(ctx, driver.Conn.Do, driver.Conn.Receive)
}

func (c *routed) ReceiveContext(ctx context.Context) (any, error) {
	return c.receive(ctx, within(ctx), func(conn driver.Conn) (any, error) { return driver.ReceiveContext(conn, ctx) })
}

func (c *routed) ReceiveWithTimeout(timeout time.Duration) (any, error) {
	ctx, cancel := c.of.patience()
	defer cancel()
	return c.receive(ctx, withTimeout(timeout), func(conn driver.Conn) (any, error) {
		return driver.ReceiveWithTimeout(conn, timeout)
	})
}

func (c *routed) receive(ctx context.Context, do doer, from func(driver.Conn) (any, error)) (any, error) {
	if c.node != nil && len(c.replies) == 0 {
		return from(c.node)
	}
	if _, err := c.execute(ctx, do); err != nil {
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

// Err returns why the connection cannot be used any longer.
func (c *routed) Err() error {
	if c.err == nil && c.node != nil {
		return c.node.Err()
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
	if c.node != nil {
		err = errors.Join(err, c.node.Close())
	}
	c.node, c.err = nil, errReturned
	c.of.giveBack()
	return err
}
