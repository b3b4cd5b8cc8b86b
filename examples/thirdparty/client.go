package nats

import (
	"context"
	"errors"
	"fmt"
	"net"

	driver "github.com/nats-io/nats.go"

	"github.com/vibework/mooring/backends/kit"
)

// client is a connection. The driver, which makes it again by itself, knows no contexts: end breaks off what it is
// doing.
type client struct {
	conn      *driver.Conn
	conns     kit.Conns
	life      context.Context
	end, drop context.CancelFunc // of life, and of the latest TCP connection
}

// Open connects and logs in.
func (s *settings) Open(ctx context.Context) (*client, error) {
	c := &client{drop: func() {}}
	c.life, c.end = context.WithCancel(context.WithoutCancel(ctx)) // ctx bounds the opening alone
	options := s.driver
	options.CustomDialer = c
	release := context.AfterFunc(ctx, c.end)
	var err error
	if c.conn, err = options.Connect(); !release() || err != nil {
		c.end()
		c.conn.Close()
		return nil, classify(errors.Join(ctx.Err(), err))
	}
	return c, nil
}

// Dial is for the driver, which never calls it twice at once.
func (c *client) Dial(_, addr string) (net.Conn, error) {
	c.drop() // not all that have failed are closed by the driver
	conn, err := c.conns.Dial(c.life, addr, driver.DefaultTimeout)
	if err == nil {
		untie := context.AfterFunc(c.life, func() { conn.Close() })
		c.drop = func() { untie(); conn.Close() }
	}
	return conn, err
}

func (c *client) Handle() *driver.Conn { return c.conn }

// Check sends a ping, which everybody may, and waits for the answer.
func (c *client) Check(ctx context.Context) error {
	ping := func() (none struct{}, err error) { // late if the driver holds its lock, as it does to connect
		if !c.conn.IsConnected() {
			return none, errors.Join(c.conn.LastError(), driver.ErrDisconnected)
		}
		return none, c.conn.FlushWithContext(ctx)
	}
	_, err := kit.Within(ctx, ping, nil)
	return classify(err)
}

// Close waits until the server has what was published and subscriptions have handled what they received, for its share
// of the time. The connection is closed in any case.
func (c *client) Close(ctx context.Context) error {
	ctx, cancel := kit.Working(ctx)
	defer cancel()
	context.AfterFunc(ctx, c.end)
	closed := c.conn.StatusChanged(driver.CLOSED)
	// Drain alone would not wait for a connection that is being made again.
	err := errors.Join(c.conn.FlushWithContext(ctx), c.conn.Drain())
	if err == nil {
		<-closed
	}
	c.conn.Close()
	if err = errors.Join(ctx.Err(), err); err != nil {
		return fmt.Errorf("%w: what was published last may be lost", classify(err))
	}
	return nil
}
