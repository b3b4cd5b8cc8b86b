package postgres

import (
	"context"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	driver "github.com/jackc/pgx/v5/pgxpool"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// client is a pool, and what makes its connections.
type client struct {
	*settings
	pool    *driver.Pool
	single  *pgx.ConnConfig // for connections that are not of the pool
	conns   kit.Conns
	moves   kit.Pool
	lookups kit.Lookups
}

// Open makes a pool and verifies that the server can be used.
func (s *settings) Open(ctx context.Context) (*client, error) {
	c := &client{settings: s}
	cfg := s.driver.Copy()
	cfg.ConnConfig.DialFunc = func(ctx context.Context, _, addr string) (net.Conn, error) {
		return c.conns.Dial(ctx, addr, s.DialTimeout)
	}
	cfg.ConnConfig.ValidateConnect = c.ready
	if s.hook != nil {
		s.hook(cfg)
	}
	c.single = cfg.ConnConfig.Copy()
	c.follow(cfg)
	var err error
	if c.pool, err = driver.NewWithConfig(ctx, cfg); err != nil {
		return nil, Classify(err)
	}
	if err := c.askPooled(ctx); err != nil {
		_ = c.Close(ctx)
		return nil, err
	}
	return c, nil
}

// follow has the pool tell what it does, besides what the program's hook has set.
func (c *client) follow(cfg *driver.Config) {
	before, prepare, onError := cfg.BeforeConnect, cfg.PrepareConn, cfg.ConnConfig.OnPgError
	cfg.BeforeConnect = func(ctx context.Context, conn *pgx.ConnConfig) error {
		if before != nil {
			if err := before(ctx, conn); err != nil {
				return err
			}
		}
		return c.logIn(ctx, conn)
	}
	cfg.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
		c.moves.Returned() // to whoever has waited for it
		if made, _ := conn.PgConn().CustomData()[madeAt].(time.Time); c.moves.Stale(made) ||
			c.lookups.Left(conn.PgConn().Conn().RemoteAddr()) {
			return false, nil
		}
		if prepare == nil {
			return true, nil
		}
		return prepare(ctx, conn)
	}
	cfg.ConnConfig.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		if isReadOnly(conn, err) {
			c.moves.ReadOnly()
		}
		return onError(conn, err)
	}
}

const (
	madeAt       = "mooring: made at"
	anyQuestion  = "SELECT 1"
	roleQuestion = "SHOW transaction_read_only" // also on where default_transaction_read_only is
)

// ready is called for each new connection.
func (c *client) ready(ctx context.Context, conn *pgconn.PgConn) error {
	conn.CustomData()[madeAt] = time.Now()
	if c.role == kit.Any {
		return nil
	}
	return c.ask(ctx, conn)
}

// Handle returns the pool.
func (c *client) Handle() *driver.Pool { return c.pool }

// Check asks the server what a program would: a statement. If only the pool does not answer, its connections are
// dropped: some router has forgotten them.
func (c *client) Check(ctx context.Context) error {
	for _, host := range c.hosts {
		if c.role == kit.Primary && !isSocket(host) {
			c.lookups.Ask(ctx, host.Name)
		}
	}
	silent := false
	err := kit.Probe(ctx, func(ctx context.Context) error {
		err := c.askPooled(ctx)
		silent = registry.KindOf(err) == registry.KindTimeout
		return err
	}, c.askDirect)
	if err == nil && silent {
		c.pool.Reset()
	}
	return err
}

func (c *client) askPooled(ctx context.Context) error {
	conn, err := c.pool.Acquire(ctx)
	if err == nil {
		defer conn.Release()
		return c.ask(ctx, conn.Conn().PgConn())
	}
	if stats := c.PoolStats(); ctx.Err() != nil && stats.Max > 0 && stats.InUse >= stats.Max {
		return c.moves.Full(stats)
	}
	return c.explain(err)
}

// askDirect asks over a connection that is not of the pool.
func (c *client) askDirect(ctx context.Context) error {
	return c.login.Connect(ctx, func(who kit.Credentials) error {
		conn, err := c.connect(ctx, who)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		return c.ask(ctx, conn.PgConn())
	})
}

// ask prepares nothing, which a pooler between might not allow.
func (c *client) ask(ctx context.Context, conn *pgconn.PgConn) error {
	question := anyQuestion
	if c.role != kit.Any {
		question = roleQuestion
	}
	results, err := conn.Exec(ctx, question).ReadAll()
	switch {
	case err != nil:
		return c.explain(err)
	case c.role == kit.Any:
		return nil
	case len(results) != 1 || len(results[0].Rows) != 1:
		return kit.Errorf(registry.KindPermission, "the server does not say whether it takes writes, and %sROLE asks it", c.prefix)
	}
	err = c.role.Judge(string(results[0].Rows[0][0]) == "off")
	if registry.KindOf(err) == registry.KindReadOnly {
		c.moves.ReadOnly()
	}
	return err
}

// PoolStats returns the numbers of the pool.
func (c *client) PoolStats() registry.PoolStats {
	s := c.pool.Stat()
	stats := registry.PoolStats{
		Max: int(s.MaxConns()), Open: int(s.TotalConns()), InUse: int(s.AcquiredConns()), Idle: int(s.IdleConns()),
		WaitCount: s.EmptyAcquireCount(), WaitDuration: s.EmptyAcquireWaitTime(),
	}
	if stats.Max == unlimited {
		stats.Max = 0
	}
	return stats
}

// Close closes the pool. It lends no connection from its beginning on; those in use may finish their work until ctx
// ends, less 100ms (in 25s if ctx has no deadline). Those that do not come back are cut and counted in the error.
func (c *client) Close(ctx context.Context) error {
	if cut := c.conns.Drain(ctx, c.pool.Close); cut > 0 {
		return kit.Errorf(registry.KindTimeout, "%d connections were still in use and have been cut", cut)
	}
	return nil
}
