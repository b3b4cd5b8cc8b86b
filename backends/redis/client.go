package redis

import (
	"context"
	"net"
	"strconv"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// testAfter is how long a connection may be idle and still be lent without a PING.
const testAfter = time.Second

// client is a pool, and the connections that it has dialled.
type client struct {
	*driver.Pool
	*settings
	conns   kit.Conns
	notes   kit.Pool
	lookups kit.Lookups
}

// Open makes a pool and verifies that the server can be used, and is what the configuration says.
func (s *settings) Open(ctx context.Context) (*client, error) {
	c := &client{settings: s}
	c.conns.Family = s.family
	c.Pool = &driver.Pool{
		DialContext:         c.dialPooled,
		TestOnBorrowContext: c.test,
		MaxActive:           s.MaxActive,
		MaxIdle:             s.MaxIdle,
		IdleTimeout:         s.IdleTimeout,
		MaxConnLifetime:     s.MaxConnLifetime,
		Wait:                true,
	}
	if s.hook != nil {
		s.hook(c.Pool)
	}
	if err := c.askPooled(ctx, c.identify, c.ask); err != nil {
		_ = c.Close(ctx)
		return nil, err
	}
	return c, nil
}

// Target returns where the server is.
func (s *settings) Target() kit.Target {
	t := kit.Target{Addrs: []string{s.addr}, Database: strconv.Itoa(s.DB)}
	if s.credentials == nil {
		t.User = s.Username
	}
	return t
}

// Handle returns the pool.
func (c *client) Handle() *driver.Pool { return c.Pool }

// Check asks the server over the pool, or else over a connection of its own.
func (c *client) Check(ctx context.Context) error {
	if c.role == kit.Primary && !c.isSocket() {
		c.lookups.Ask(ctx, c.host)
	}
	pooled := func(ctx context.Context) error { return c.askPooled(ctx, c.ask) }
	return kit.Probe(ctx, pooled, c.askDirect, c.notes.ReadOnly) // they leave as if it had said that
}

// askPooled puts the questions over a connection of the pool.
func (c *client) askPooled(ctx context.Context, questions ...func(context.Context, driver.Conn) error) error {
	conn, err := c.GetContext(ctx)
	if err != nil {
		if stats := c.PoolStats(); ctx.Err() != nil && stats.Max > 0 && stats.InUse >= stats.Max {
			return c.notes.Full(stats)
		}
		return Classify(err)
	}
	defer func() { _ = conn.Close() }()
	for _, question := range questions {
		if err := question(ctx, conn); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) askDirect(ctx context.Context) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return c.ask(ctx, conn)
}

// dialPooled connects for the pool.
func (c *client) dialPooled(ctx context.Context) (driver.Conn, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	c.notes.Lent()
	return conn, nil
}

// dial connects, logs in and selects the database within DialTimeout. Its error can be shown, unlike the driver's.
func (c *client) dial(ctx context.Context) (conn driver.Conn, err error) {
	ctx, cancel := c.conns.Dialling(ctx, c.DialTimeout)
	defer cancel()
	err = c.login.Connect(ctx, func(who kit.Credentials) (err error) {
		conn, err = c.dialAs(ctx, who)
		return err
	})
	return conn, err
}

func (c *client) dialAs(ctx context.Context, who kit.Credentials) (driver.Conn, error) {
	var remote net.Conn
	conn, err := driver.DialContext(ctx, "tcp", c.addr,
		driver.DialContextFunc(func(ctx context.Context, _, addr string) (_ net.Conn, err error) {
			if c.tls != nil { // the driver's own handshake would ignore ctx
				remote, err = c.conns.DialTLS(ctx, addr, c.DialTimeout, c.tls)
			} else {
				remote, err = c.conns.Dial(ctx, addr, c.DialTimeout)
			}
			return remote, err
		}),
		driver.DialReadTimeout(c.ReadTimeout),
		driver.DialWriteTimeout(c.WriteTimeout),
	)
	if err == nil {
		if err = c.greet(ctx, conn, who); err != nil {
			_ = conn.Close()
		}
	}
	if over := c.conns.Err(); over != nil {
		if err == nil {
			_ = conn.Close()
		}
		return nil, over
	}
	if err != nil {
		return nil, Classify(err)
	}
	return &connection{Conn: conn, of: c, socket: remote, made: time.Now()}, nil
}

// test keeps a connection that the server has closed, or that is to leave the pool, from being lent.
func (c *client) test(ctx context.Context, conn driver.Conn, lastUsed time.Time) error {
	if err := conn.Err(); err != nil {
		return err
	}
	if time.Since(lastUsed) >= testAfter {
		if err := ping(ctx, conn); err != nil {
			return err
		}
	}
	c.notes.Lent()
	return c.conns.Err()
}

// PoolStats returns the numbers of the pool.
func (c *client) PoolStats() registry.PoolStats {
	s := c.Stats()
	return registry.PoolStats{
		Max: c.Pool.MaxActive, Open: s.ActiveCount, InUse: s.ActiveCount - s.IdleCount, Idle: s.IdleCount,
		WaitCount: s.WaitCount, WaitDuration: s.WaitDuration,
	}
}

// Close closes the pool. It lends no connection from its beginning on; those that are lent may finish their work until
// ctx ends, less 100ms (in 25s if ctx has no deadline). Those that do not come back are cut and counted in the error.
func (c *client) Close(ctx context.Context) error {
	closeIdle := func() { _ = c.Pool.Close() } // the rest closes on its return
	if cut := c.conns.Drain(ctx, closeIdle); cut > 0 {
		return kit.Errorf(registry.KindTimeout, "%d connections were still in use and have been cut", cut)
	}
	return nil
}
