package mysql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// client is a pool, and what makes its connections.
type client struct {
	*sql.DB
	settings  *settings
	connector *connector
}

// Open makes a pool and verifies that the server can be used.
func (s *settings) Open(ctx context.Context) (*client, error) {
	c := &client{settings: s, connector: &connector{settings: s}}
	hook := s.hook
	if hook == nil {
		hook = sql.OpenDB
	}
	c.DB = hook(c.connector)
	c.SetMaxOpenConns(s.MaxOpenConns)
	c.SetMaxIdleConns(s.MaxIdleConns)
	c.SetConnMaxLifetime(s.ConnMaxLifetime)
	c.SetConnMaxIdleTime(s.ConnMaxIdleTime)
	if err := c.pingPooled(ctx); err != nil {
		_ = c.Close(ctx)
		return nil, err
	}
	return c, nil
}

// Handle returns the pool.
func (c *client) Handle() *sql.DB { return c.DB }

// Check pings the server.
func (c *client) Check(ctx context.Context) error { return kit.Probe(ctx, c.pingPooled, c.pingDirect) }

func (c *client) pingPooled(ctx context.Context) error {
	err := c.PingContext(ctx)
	if pool := c.PoolStats(); err != nil && ctx.Err() != nil && pool.Max > 0 && pool.InUse >= pool.Max {
		return kit.PoolFull(pool)
	}
	return Classify(err)
}

func (c *client) pingDirect(ctx context.Context) error {
	conn, err := c.connector.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return Classify(conn.(sqldriver.Pinger).Ping(ctx))
}

// PoolStats returns the numbers of the pool.
func (c *client) PoolStats() registry.PoolStats {
	s := c.Stats()
	return registry.PoolStats{
		Max: s.MaxOpenConnections, Open: s.OpenConnections, InUse: s.InUse, Idle: s.Idle,
		WaitCount: s.WaitCount, WaitDuration: s.WaitDuration,
	}
}

// Close closes the pool. It lends no connection from its beginning on; those in use may finish their work until ctx
// ends, less 100ms (in 25s if ctx has no deadline). Those that do not come back are cut and counted in the error.
func (c *client) Close(ctx context.Context) error {
	// It says good-bye on every idle connection, and takes no context.
	goodBye := func() { _ = c.DB.Close() }
	if cut := c.connector.conns.Drain(ctx, goodBye); cut > 0 {
		return kit.Errorf(registry.KindTimeout, "%d connections were still in use and have been cut", cut)
	}
	return nil
}
