package redis

import (
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
// the program's, and nothing is sent again. It also leaves when the next who borrows it would not find it as it was.
type connection struct {
	calls
	conn   driver.Conn
	of     *client
	addr   string
	socket net.Conn
	made   time.Time
	idle   atomic.Bool // the pool has flushed it, by Do(""), and the program has not used it since
	spoilt atomic.Bool // by a lasting command
}

// lasting are commands whose effect on a connection lasts, and which the driver does not undo: it does so for MULTI and
// WATCH. Those of subscriptions have a reply for each channel: who came next would get those that nobody has read.
var lasting = strings.Fields("AUTH CLIENT HELLO PSUBSCRIBE PSYNC PUNSUBSCRIBE QUIT RESET SELECT SSUBSCRIBE SUBSCRIBE " +
	"SUNSUBSCRIBE SYNC UNSUBSCRIBE")

var (
	errStale = errors.New("the connection leaves the pool")

	_ driver.ConnWithContext = (*connection)(nil)
	_ driver.ConnWithTimeout = (*connection)(nil)
)

// Err returns why the connection cannot be used, or may not stay in the pool. The pool asks when the connection comes
// back, and before it is lent.
func (c *connection) Err() error {
	if err := c.conn.Err(); err != nil || !c.idle.Load() {
		return err
	}
	if c.spoilt.Load() || hasEnded(c.socket) || c.of.notes.Stale(c.made) || c.of.notes.Left(c.socket.RemoteAddr()) ||
		c.of.primary != nil && c.of.primary.left(c.addr) || c.of.over() != nil {
		return errStale
	}
	return nil
}

func (c *connection) Send(name string, args ...any) error {
	c.use(name)
	return c.conn.Send(name, args...)
}

func (c *connection) Flush() error {
	c.idle.Store(false)
	return c.conn.Flush()
}

func (c *connection) Close() error { return c.conn.Close() }

// use notes that a command is being sent, or that there is none.
func (c *connection) use(name string) {
	c.idle.Store(name == "")
	if slices.Contains(lasting, strings.ToUpper(name)) {
		c.spoilt.Store(true)
	}
}

func (c *connection) do(w wait, name string, args []any) (any, error) {
	if c.use(name); name == "" {
		c.of.notes.Returned()
	}
	return c.note(w.do(c.conn, name, args...))
}

func (c *connection) receive(w wait) (any, error) { return c.note(w.receive(c.conn)) }

// note looks at what the server has answered, also to each command of a pipeline, and passes it on.
func (c *connection) note(reply any, err error) (any, error) {
	replies, _ := reply.([]any)
	has := func(refusal func(any) bool) bool { return refusal(err) || slices.ContainsFunc(replies, refusal) }
	if has(isReadOnly) {
		c.of.notes.ReadOnly()
	}
	if has(isWithoutMulti) {
		c.spoilt.Store(true)
	}
	return reply, err
}

// isReadOnly reports whether a reply is the error of a server that takes no writes.
func isReadOnly(reply any) bool { return strings.HasPrefix(refusalOf(reply), "READONLY ") }

// isWithoutMulti reports whether a reply refuses EXEC or DISCARD outside of a transaction: the keys that are watched
// stay so, but the driver takes WATCH for ended.
func isWithoutMulti(reply any) bool { return strings.HasSuffix(refusalOf(reply), " without MULTI") }

// refusalOf returns the error of the server that a reply is, and "" for any other reply.
func refusalOf(reply any) string {
	err, _ := reply.(error)
	refusal, _ := errors.AsType[driver.Error](err)
	return causeOf(refusal)
}
