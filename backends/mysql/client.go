package mysql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"

	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/registry"
)

// client is a pool, and what makes its connections.
type client struct {
	*sql.DB
	settings  *settings
	connector *connector
}

// connect makes a pool and verifies that the server can be used.
func connect(ctx context.Context, s *settings, hook func(sqldriver.Connector) *sql.DB) (*client, error) {
	c := &client{settings: s, connector: &connector{settings: s}}
	if hook == nil {
		hook = sql.OpenDB
	}
	c.DB = hook(c.connector)
	c.SetMaxOpenConns(s.MaxOpenConns)
	c.SetMaxIdleConns(s.MaxIdleConns)
	c.SetConnMaxLifetime(s.ConnMaxLifetime)
	c.SetConnMaxIdleTime(s.ConnMaxIdleTime)
	if err := c.pingPooled(ctx); err != nil {
		_ = c.release(ctx)
		return nil, err
	}
	return c, nil
}

func (c *client) pingPooled(ctx context.Context) error {
	err := c.PingContext(ctx)
	if pool := c.poolStats(); err != nil && ctx.Err() != nil && pool.Max > 0 && pool.InUse >= pool.Max {
		return fault.PoolFull(pool)
	}
	return classify(err)
}

func (c *client) pingDirect(ctx context.Context) error {
	conn, err := c.connector.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return classify(conn.(sqldriver.Pinger).Ping(ctx))
}

func (c *client) poolStats() registry.PoolStats {
	s := c.Stats()
	return registry.PoolStats{
		Max: s.MaxOpenConnections, Open: s.OpenConnections, InUse: s.InUse, Idle: s.Idle,
		WaitCount: s.WaitCount, WaitDuration: s.WaitDuration,
	}
}

// release closes the pool and sees to it that no connection is left.
func (c *client) release(ctx context.Context) error {
	// It says good-bye on every idle connection, and takes no context.
	goodBye := func() { _ = c.DB.Close() }
	if cut := c.connector.conns.Drain(ctx, goodBye); cut > 0 {
		return fault.New(registry.KindTimeout, "%d connections were still in use and have been cut", cut)
	}
	return nil
}
