package postgres

import (
	"context"
	"net"
	"os"
	"sync"
	"sync/atomic"
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
	pool  *driver.Pool
	conns kit.Conns
	notes kit.Pool

	sessions atomic.Int32 // connections of the pool, and those that the program has hijacked
}

// Open makes a pool and verifies that the server can be used.
func (s *settings) Open(ctx context.Context) (*client, error) {
	c := &client{settings: s}
	c.notes.Role = kit.Role(s.Role)
	for _, host := range s.hosts {
		c.notes.Hosts = append(c.notes.Hosts, host.Name)
	}
	c.conns.InUse = func() int { return int(c.sessions.Load()) } // none is idle in a pool that is closed
	cfg := s.driver.Copy()
	c.follow(cfg)
	if s.hook != nil {
		s.hook(cfg)
	}
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

// dial connects. The login ends after DialTimeout and when the pool closes, and so does a connection that only asks the
// server to cancel a query, for which the pool would wait.
func (c *client) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	conn, err := c.conns.Dial(ctx, addr, c.DialTimeout)
	if err != nil {
		return nil, err
	}
	login, cancel := c.conns.Dialling(context.Background(), c.DialTimeout)
	unwatch := context.AfterFunc(login, func() { _ = conn.SetDeadline(time.Now()) })
	return &loggingIn{conn, sync.OnceValue(func() bool {
		defer cancel()
		return unwatch()
	})}, nil
}

// loggingIn is a connection whose time is bounded until somebody takes its deadline away, also through TLS around it.
type loggingIn struct {
	net.Conn
	end func() bool // of the bound; whether it was in time
}

func (l *loggingIn) SetDeadline(t time.Time) error {
	if t.IsZero() && !l.end() {
		return os.ErrDeadlineExceeded
	}
	return l.Conn.SetDeadline(t)
}

func (l *loggingIn) Close() error {
	l.end()
	return l.Conn.Close()
}

// lookUp ends with its context, as net's LookupHost does not, and when the pool closes, which waits for it.
func (c *client) lookUp(ctx context.Context, host string) (addrs []string, err error) {
	ctx, cancel := c.conns.Dialling(ctx, c.DialTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	for _, addr := range found {
		addrs = append(addrs, addr.String())
	}
	return addrs, err
}

// follow has the pool connect by the client, and tell what it does.
func (c *client) follow(cfg *driver.Config) {
	onError := cfg.ConnConfig.OnPgError
	cfg.ConnConfig.DialFunc, cfg.BeforeConnect, cfg.ConnConfig.ValidateConnect = c.dial, c.logIn, c.ready
	cfg.ConnConfig.LookupFunc = c.lookUp
	cfg.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) {
		c.notes.Returned() // to whoever has waited for it
		made, _ := conn.PgConn().CustomData()[madeAt].(time.Time)
		return !c.notes.Stale(made) && !c.notes.Left(conn.PgConn().Conn().RemoteAddr()), nil
	}
	cfg.BeforeClose = func(conn *pgx.Conn) { // the driver would take up to 15s
		c.sessions.Add(-1)
		socket := conn.PgConn().Conn()
		time.AfterFunc(farewell, func() { _ = socket.Close() })
	}
	cfg.ConnConfig.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
		if isReadOnly(conn, err) {
			c.notes.ReadOnly()
		}
		return onError(conn, err)
	}
}

// farewell is what a connection that is being closed gets to say good-bye, and to have the server cancel its query.
const farewell = time.Second

const (
	madeAt       = "mooring: made at"
	anyQuestion  = "SELECT 1"
	roleQuestion = "SHOW transaction_read_only" // also on where default_transaction_read_only is
)

// ready is called for each new connection that has logged in.
func (c *client) ready(ctx context.Context, conn *pgconn.PgConn) error {
	if c.notes.Role != kit.Any {
		if err := c.ask(ctx, conn); err != nil {
			return err
		}
	}
	conn.CustomData()[madeAt] = time.Now()
	c.sessions.Add(1)
	return Classify(conn.Conn().SetDeadline(time.Time{})) // it has logged in
}

// Handle returns the pool.
func (c *client) Handle() *driver.Pool { return c.pool }

// Check asks the server what a program would: a statement.
func (c *client) Check(ctx context.Context) error {
	return c.notes.Check(ctx, c.PoolStats, c.askPooled, c.askDirect, c.pool.Reset)
}

func (c *client) askPooled(ctx context.Context) error {
	conn, err := c.pool.Acquire(ctx)
	if err != nil {
		return c.explain(err)
	}
	defer conn.Release()
	return c.ask(ctx, conn.Conn().PgConn())
}

// askDirect asks over a connection that is not of the pool.
func (c *client) askDirect(ctx context.Context) error {
	cfg := c.pool.Config().ConnConfig
	return c.login.Connect(ctx, func(who kit.Credentials) error { return c.askAs(ctx, who, cfg) })
}

// askAs is askDirect with these credentials, which it puts into cfg.
func (c *client) askAs(ctx context.Context, who kit.Credentials, cfg *pgx.ConnConfig) error {
	cfg.User, cfg.Password = who.User, who.Password.Reveal()
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return c.explain(err)
	}
	c.sessions.Add(-1)
	defer func() { _ = conn.Close(ctx) }()
	return c.ask(ctx, conn.PgConn())
}

// ask prepares nothing, which a pooler between might not allow.
func (c *client) ask(ctx context.Context, conn *pgconn.PgConn) error {
	question := anyQuestion
	if c.notes.Role != kit.Any {
		question = roleQuestion
	}
	results, err := conn.Exec(ctx, question).ReadAll()
	switch {
	case err != nil:
		return c.explain(err)
	case c.notes.Role == kit.Any:
		return nil
	case len(results) != 1 || len(results[0].Rows) != 1:
		return kit.Errorf(registry.KindPermission, "the server does not say whether it takes writes, and %sROLE asks it",
			c.vars.Prefix())
	}
	return c.notes.Judge(c.notes.Role, string(results[0].Rows[0][0]) == "off")
}

// PoolStats returns the numbers of the pool.
func (c *client) PoolStats() registry.PoolStats {
	s := c.pool.Stat()
	return registry.PoolStats{
		Max:  int(s.MaxConns()) % unlimited, // which is 0
		Open: int(s.TotalConns()), InUse: int(s.AcquiredConns()), Idle: int(s.IdleConns()),
		WaitCount: s.EmptyAcquireCount(), WaitDuration: s.EmptyAcquireWaitTime(),
	}
}

// Close closes the pool. It lends no connection from its beginning on; those in use may finish their work until ctx
// ends, less 100ms (in 25s if ctx has no deadline). Those that do not come back are cut and counted in the error.
func (c *client) Close(ctx context.Context) error { return c.conns.Close(ctx, c.pool.Close) }
