package redis

import (
	"context"
	"time"

	driver "github.com/gomodule/redigo/redis"
)

// wait is how long a call waits for replies: until a context ends, for a time, or, if it has neither, for as long as
// the connection does by itself.
type wait struct {
	ctx     context.Context
	timeout *time.Duration
}

// do has conn send a command, with all that was sent before, and returns the last reply; for "", all replies.
func (w wait) do(conn driver.Conn, name string, args ...any) (any, error) {
	switch {
	case w.ctx != nil:
		return driver.DoContext(conn, w.ctx, name, args...)
	case w.timeout != nil:
		return driver.DoWithTimeout(conn, *w.timeout, name, args...)
	}
	return conn.Do(name, args...)
}

func (w wait) receive(conn driver.Conn) (any, error) {
	switch {
	case w.ctx != nil:
		return driver.ReceiveContext(conn, w.ctx)
	case w.timeout != nil:
		return driver.ReceiveWithTimeout(conn, *w.timeout)
	}
	return conn.Receive()
}

// exchange is what a connection does, however long it waits.
type exchange interface {
	do(w wait, name string, args []any) (any, error)
	receive(w wait) (any, error)
}

// calls are the methods by which the driver's connections wait for replies.
type calls struct{ exchange }

func (c calls) Do(name string, args ...any) (any, error) { return c.do(wait{}, name, args) }

func (c calls) DoContext(ctx context.Context, name string, args ...any) (any, error) {
	return c.do(wait{ctx: ctx}, name, args)
}

func (c calls) DoWithTimeout(timeout time.Duration, name string, args ...any) (any, error) {
	return c.do(wait{timeout: &timeout}, name, args)
}

func (c calls) Receive() (any, error) { return c.receive(wait{}) }

func (c calls) ReceiveContext(ctx context.Context) (any, error) { return c.receive(wait{ctx: ctx}) }

func (c calls) ReceiveWithTimeout(timeout time.Duration) (any, error) {
	return c.receive(wait{timeout: &timeout})
}
