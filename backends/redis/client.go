package redis

import (
	"context"
	"net"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/internal/conns"
	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/registry"
)

// testAfter is how long a connection may be idle and still be lent without a PING.
const testAfter = time.Second

// client is a pool, and the connections that it has dialled.
type client struct {
	*driver.Pool
	settings *settings
	conns    conns.Set
}

// connect makes a pool and verifies that the server can be used.
func connect(ctx context.Context, s *settings, hook func(*driver.Pool)) (*client, error) {
	c := &client{settings: s}
	c.Pool = &driver.Pool{
		DialContext:         c.dial,
		TestOnBorrowContext: c.test,
		MaxActive:           s.MaxActive,
		MaxIdle:             s.MaxIdle,
		IdleTimeout:         s.IdleTimeout,
		MaxConnLifetime:     s.MaxConnLifetime,
		Wait:                true,
	}
	if hook != nil {
		hook(c.Pool)
	}
	if err := c.pingPooled(ctx); err != nil {
		_ = c.release(ctx)
		return nil, err
	}
	return c, nil
}

// dial connects, logs in and selects the database. Its error can be shown, unlike the driver's.
func (c *client) dial(ctx context.Context) (driver.Conn, error) {
	s := c.settings
	ctx, cancel := c.conns.Dialling(ctx, s.DialTimeout)
	defer cancel()
	conn, err := driver.DialContext(ctx, "tcp", s.addr,
		driver.DialContextFunc(func(ctx context.Context, _, addr string) (net.Conn, error) {
			if s.tls != nil { // the driver's own handshake would ignore ctx
				return c.conns.DialTLS(ctx, addr, s.DialTimeout, s.tls)
			}
			return c.conns.Dial(ctx, addr, s.DialTimeout)
		}),
		driver.DialUsername(s.Username),
		driver.DialPassword(s.Password.Reveal()),
		driver.DialDatabase(s.DB),
		driver.DialReadTimeout(s.ReadTimeout),
		driver.DialWriteTimeout(s.WriteTimeout),
	)
	if over := c.conns.Err(); over != nil {
		if err == nil {
			_ = conn.Close()
		}
		return nil, over
	}
	if err != nil {
		return nil, classify(err)
	}
	return conn, nil
}

// test keeps a connection that the server has closed from being lent.
func (c *client) test(ctx context.Context, conn driver.Conn, lastUsed time.Time) error {
	if time.Since(lastUsed) < testAfter {
		return nil
	}
	if err := ping(ctx, conn); err != nil {
		return err
	}
	return c.conns.Err()
}

func (c *client) pingPooled(ctx context.Context) error {
	conn, err := c.GetContext(ctx)
	if err != nil {
		if pool := c.poolStats(); ctx.Err() != nil && pool.Max > 0 && pool.InUse >= pool.Max {
			return fault.PoolFull(pool)
		}
		return classify(err)
	}
	defer func() { _ = conn.Close() }()
	return ping(ctx, conn)
}

func (c *client) pingDirect(ctx context.Context) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return ping(ctx, conn)
}

// ping is nil also for a user who may not PING (NOPERM): the server is there and knows the user.
func ping(ctx context.Context, conn driver.Conn) error {
	reply, err := driver.DoContext(conn, ctx, "PING")
	switch err = classify(err); {
	case registry.KindOf(err) == registry.KindPermission:
		return nil
	case err == nil && reply != "PONG": // a server that sends back what it gets sends an array
		return fault.New(registry.KindUnknown, "the answer to PING is not PONG; is this a Redis server?")
	}
	return err
}

func (c *client) poolStats() registry.PoolStats {
	s := c.Stats()
	return registry.PoolStats{
		Max: c.MaxActive, Open: s.ActiveCount, InUse: s.ActiveCount - s.IdleCount, Idle: s.IdleCount,
		WaitCount: s.WaitCount, WaitDuration: s.WaitDuration,
	}
}

// release closes the pool and sees to it that no connection is left.
func (c *client) release(ctx context.Context) error {
	closeIdle := func() { _ = c.Pool.Close() } // the rest closes on its return
	if cut := c.conns.Drain(ctx, closeIdle); cut > 0 {
		return fault.New(registry.KindTimeout, "%d connections were still in use and have been cut", cut)
	}
	return nil
}
