package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// testAfter is how long a connection may be idle and still be lent without a PING.
const testAfter = time.Second

// service is what one server, and a cluster of them, have in common.
type service interface {
	kit.Client[*driver.Pool]
	registry.Pooler
	// Conn borrows a connection.
	Conn(ctx context.Context) (driver.Conn, error)
}

// client is a pool of connections to one server at a time, and those that it has dialled.
type client struct {
	*driver.Pool
	*settings
	addr    string     // of the server
	primary *sentinels // who know the server's address instead; nil if nobody does
	conns   *kit.Conns
	notes   kit.Pool
	life    context.Context // once it ends, or that of conns, nothing is lent any more, and its cause is why
	end     context.CancelCauseFunc
}

var errClosed = kit.Errorf(registry.KindNotOpen, "%w: it was closed", registry.ErrNotOpen)

// Open makes a pool and verifies that the server can be used, and is what the configuration says.
func (s *settings) Open(ctx context.Context) (service, error) {
	if s.topology == cluster {
		return s.openCluster(ctx)
	}
	c := s.newClient(s.addrs[0], &kit.Conns{Family: s.family})
	c.conns.InUse = func() int { return c.PoolStats().InUse }
	if s.topology == sentinel {
		c.primary = watch(c)
	} else {
		c.notes.Role, c.notes.Hosts = s.role, []string{s.host}
	}
	if err := inquire(ctx, c.borrow, c.identify, c.ask); err != nil {
		_ = c.Close(ctx)
		return nil, err
	}
	return c, nil
}

// newClient makes a pool. It connects to nothing yet.
func (s *settings) newClient(addr string, conns *kit.Conns) *client {
	c := &client{settings: s, addr: addr, conns: conns}
	c.life, c.end = context.WithCancelCause(context.Background())
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
	return c
}

// Target returns where the server is.
func (s *settings) Target() kit.Target {
	return kit.Target{Addrs: s.addrs, Database: strconv.Itoa(s.DB), User: s.login.User()}
}

// Handle returns the pool.
func (c *client) Handle() *driver.Pool { return c.Pool }

// Conn borrows a connection of the pool. While Sentinels have no primary to name, or one that does not serve, it waits.
func (c *client) Conn(ctx context.Context) (driver.Conn, error) {
	if c.primary != nil {
		return c.lend(ctx, c.primary.await)
	}
	return c.borrow(ctx)
}

// borrow takes a connection from the pool.
func (c *client) borrow(ctx context.Context) (driver.Conn, error) { return c.lend(ctx, c.GetContext) }

// source is where a connection comes from.
type source func(ctx context.Context) (driver.Conn, error)

// lend returns what take does, or else why nothing is lent any more: then take is not waited for, and a connection that
// it returns all the same is closed.
func (c *client) lend(ctx context.Context, take source) (driver.Conn, error) {
	if over := c.over(); over != nil {
		return nil, over
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	conn, err := take(ctx)
	over := c.over()
	if over != nil && err == nil {
		_ = conn.Close()
	}
	return conn, cmp.Or(over, err)
}

// over returns why nothing is lent any more, and nil until then.
func (c *client) over() error { return cmp.Or(c.conns.Err(), context.Cause(c.life)) }

// Check asks the server as a program would.
func (c *client) Check(ctx context.Context) error {
	return c.probe(ctx, c.ask)
}

// question asks the server something over a connection.
type question func(ctx context.Context, conn driver.Conn) error

// probe asks over the pool, or else over a connection of its own.
func (c *client) probe(ctx context.Context, ask question) error {
	pooled := func(ctx context.Context) error { return inquire(ctx, c.borrow, ask) }
	direct := func(ctx context.Context) error { return inquire(ctx, c.dial, ask) }
	return c.notes.Check(ctx, c.PoolStats, pooled, direct, c.notes.ReadOnly) // they leave as if it had said that
}

// inquire asks over a connection that take returns. Its error can be shown.
func inquire(ctx context.Context, take source, questions ...question) error {
	conn, err := take(ctx)
	if err != nil {
		return Classify(err)
	}
	defer func() { _ = conn.Close() }()
	for _, ask := range questions {
		if err := ask(ctx, conn); err != nil {
			return Classify(err)
		}
	}
	return nil
}

// dialPooled connects for the pool.
func (c *client) dialPooled(ctx context.Context) (driver.Conn, error) {
	conn, err := c.dial(ctx)
	if err == nil {
		c.notes.Lent()
	}
	return conn, err
}

// dial connects, logs in and selects the database within DialTimeout. Its error can be shown, unlike the driver's.
func (c *client) dial(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := c.conns.Dialling(ctx, c.DialTimeout)
	defer cancel()
	if c.primary != nil {
		return c.lend(ctx, c.primary.dial)
	}
	return c.lend(ctx, func(ctx context.Context) (driver.Conn, error) {
		return c.connect(ctx, c.addr, c.login, c.greet)
	})
}

// connect connects to addr and has greet log in, with the credentials that login knows.
func (c *client) connect(
	ctx context.Context, addr string, login *kit.Login, greet func(context.Context, driver.Conn, kit.Credentials) error,
) (conn driver.Conn, err error) {
	err = login.Connect(ctx, func(who kit.Credentials) error {
		socket, err := c.socket(ctx, addr)
		if err != nil {
			return err
		}
		plain := driver.NewConn(socket, c.ReadTimeout, c.WriteTimeout)
		if err = greet(ctx, plain, who); err != nil {
			_ = plain.Close()
			return Classify(c.firstWord(err))
		}
		own := &connection{conn: plain, of: c, addr: addr, socket: socket, made: time.Now()}
		own.calls = calls{own}
		conn = own
		return nil
	})
	return conn, err
}

// socket opens a connection, encrypted if that is asked for.
func (c *client) socket(ctx context.Context, addr string) (socket net.Conn, err error) {
	secure, err := c.tlsTo(addr)
	if err != nil {
		return nil, err
	}
	socket, err = c.conns.DialTLS(ctx, addr, c.DialTimeout, secure)
	if err = Classify(err); err != nil && strings.HasPrefix(err.Error(), "the server's certificate") {
		err = kit.Errorf(registry.KindTLS, "%w (see %[2]sTLS_CA_FILE, %[2]sTLS_SERVER_NAME)", err, c.vars.Prefix())
	}
	return socket, err
}

// tlsTo returns how to encrypt connections to addr, and nil for not at all. Whom Sentinels and nodes name has to show
// the name that they give.
func (s *settings) tlsTo(addr string) (*tls.Config, error) {
	if s.tls == nil || s.topology == oneServer {
		return s.tls, nil
	}
	host, _, _ := net.SplitHostPort(addr)
	if known, found := s.secure.Load(host); found {
		return known.(*tls.Config), nil
	}
	secure, err := s.vars.TLS(s.TLS, host)
	if err != nil {
		return nil, kit.Errorf(registry.KindTLS, "%w", err)
	}
	s.secure.Store(host, secure)
	return secure, nil
}

// test keeps a connection that the server has closed, or that is to leave the pool, from being lent.
func (c *client) test(ctx context.Context, conn driver.Conn, lastUsed time.Time) error {
	err := conn.Err()
	if err == nil && time.Since(lastUsed) >= testAfter {
		err = ping(ctx, conn)
	}
	if err == nil {
		c.notes.Lent()
	}
	return err
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
	working, stop := kit.Working(ctx)
	defer stop()
	return c.conns.Close(ctx, func() {
		if c.primary != nil {
			c.primary.leave()
		}
		retire(working, errClosed, c)
	})
}

// retire ends the life of clients: who borrows gets the reason why. It closes what is idle, also what has come back
// just before, until nothing is lent or ctx ends. What comes back later closes then. The pools stay open, since the
// driver panics when somebody asks a closed one with a context that is done.
func retire(ctx context.Context, why error, clients ...*client) {
	for busy := true; busy; busy = busy && pause(ctx, nil, 10*time.Millisecond) {
		busy = false
		for _, c := range clients {
			for c.end(why); c.Stats().IdleCount > 0; {
				conn, _ := c.GetContext(context.Background()) // a program's hook may have let it through
				_ = conn.Close()
			}
			busy = busy || c.ActiveCount() > 0
		}
	}
}
