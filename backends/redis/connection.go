package redis

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	driver "github.com/gomodule/redigo/redis"
)

// connection is a connection that leaves its pool when its server turns out to be the wrong one: it has said that it
// takes no writes, the host name has left its address, or the Sentinels name another primary. The reply that told so is
// the program's, and nothing is sent again. It knows by what the pool does whether it is lent: the pool flushes it by
// Do("") when it comes back, asks for its Err, and asks for that again before it lends it.
type connection struct {
	driver.Conn
	of     *client
	addr   string
	socket net.Conn
	made   time.Time
	state  atomic.Int32
}

const (
	inUse int32 = iota
	comingBack
	idle
)

var (
	errStale = errors.New("the connection leaves the pool")

	_ driver.ConnWithContext = (*connection)(nil)
	_ driver.ConnWithTimeout = (*connection)(nil)
)

// Err returns why the connection cannot be used, or may not stay in the pool.
func (c *connection) Err() error {
	if err := c.Conn.Err(); err != nil {
		return err
	}
	switch c.state.Load() {
	case inUse:
		return nil
	case comingBack:
		c.state.Store(idle)
	case idle:
		if hasEnded(c.socket) {
			return errStale
		}
	}
	if c.of.notes.Stale(c.made) || c.of.lookups.Left(c.socket.RemoteAddr()) || c.of.primary.left(c.addr) {
		return errStale
	}
	return nil
}

func (c *connection) Do(command string, args ...any) (any, error) {
	c.begin(command)
	return c.note(c.Conn.Do(command, args...))
}

func (c *connection) DoContext(ctx context.Context, command string, args ...any) (any, error) {
	c.begin(command)
	return c.note(driver.DoContext(c.Conn, ctx, command, args...))
}

func (c *connection) DoWithTimeout(timeout time.Duration, command string, args ...any) (any, error) {
	c.begin(command)
	return c.note(driver.DoWithTimeout(c.Conn, timeout, command, args...))
}

func (c *connection) Send(command string, args ...any) error {
	c.state.Store(inUse)
	return c.Conn.Send(command, args...)
}

func (c *connection) Receive() (any, error) {
	c.state.Store(inUse)
	return c.note(c.Conn.Receive())
}

func (c *connection) ReceiveContext(ctx context.Context) (any, error) {
	c.state.Store(inUse)
	return c.note(driver.ReceiveContext(c.Conn, ctx))
}

func (c *connection) ReceiveWithTimeout(timeout time.Duration) (any, error) {
	c.state.Store(inUse)
	return c.note(driver.ReceiveWithTimeout(c.Conn, timeout))
}

func (c *connection) begin(command string) {
	if command != "" {
		c.state.Store(inUse)
		return
	}
	c.state.Store(comingBack)
	c.of.notes.Returned()
}

// note looks at what the server has answered, also to each command of a pipeline, and passes it on.
func (c *connection) note(reply any, err error) (any, error) {
	replies, _ := reply.([]any)
	if isReadOnly(err) || slices.ContainsFunc(replies, isReadOnly) {
		c.of.notes.ReadOnly()
	}
	return reply, err
}

// isReadOnly reports whether a reply is the error of a server that takes no writes. Older servers tell of a script's
// error within another.
func isReadOnly(reply any) bool {
	err, _ := reply.(error)
	refusal, is := errors.AsType[driver.Error](err)
	return is && (strings.HasPrefix(string(refusal), "READONLY ") || strings.Contains(string(refusal), " -READONLY "))
}
