package mysql

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// client is a pool, and makes its connections.
type client struct {
	*settings
	*sql.DB
	conns  *kit.Conns
	notes  kit.Pool
	places *places
}

// Open makes a pool and verifies that the server can be used.
func (s *settings) Open(ctx context.Context) (*client, error) {
	c := &client{settings: s, conns: new(kit.Conns), places: newPlaces()}
	c.notes.Role, c.notes.Hosts = s.role, []string{s.host.Name}
	hook := s.hook
	if hook == nil {
		hook = sql.OpenDB
	}
	c.DB = hook(c)
	c.places.db.Store(c.DB)
	c.SetMaxOpenConns(s.MaxOpenConns)
	c.SetMaxIdleConns(s.MaxIdleConns)
	c.SetConnMaxLifetime(s.ConnMaxLifetime)
	c.SetConnMaxIdleTime(s.ConnMaxIdleTime)
	if err := c.askPooled(ctx); err != nil {
		_ = c.Close(ctx)
		return nil, err
	}
	return c, nil
}

// Target returns where the server is, as the driver is told.
func (s *settings) Target() kit.Target {
	return kit.Target{Addrs: []string{s.driver.Addr}, Database: s.driver.DBName, User: s.login.User()}
}

// Handle returns the pool.
func (c *client) Handle() *sql.DB { return c.DB }

// Check asks the server what a program would: a statement.
func (c *client) Check(ctx context.Context) error {
	return c.notes.Check(ctx, c.PoolStats, c.askPooled, c.askDirect, func() {
		c.SetMaxIdleConns(-1)
		c.SetMaxIdleConns(c.MaxIdleConns)
	})
}

func (c *client) askPooled(ctx context.Context) error { return c.ask(ctx, c.DB) }

// askDirect asks over a connection that is not of the pool, and of which the pool notes nothing.
func (c *client) askDirect(ctx context.Context) error {
	db := sql.OpenDB(&client{settings: c.settings, conns: c.conns, places: newPlaces()})
	defer func() { _ = db.Close() }()
	return c.ask(ctx, db)
}

// The questions read from a table, a derived one, that no privilege is needed for: a node of Galera that is not ready
// answers a SELECT without one. innodb_read_only is Aurora's.
const (
	anyQuestion  = "SELECT 1 FROM (SELECT 1) AS t"
	roleQuestion = "SELECT CONCAT(@@global.read_only, ',', @@global.innodb_read_only) FROM (SELECT 1) AS t"
)

// notAnswers are the errors of a server or a proxy that does not know the question or does not allow it.
var notAnswers = []uint16{1064, 1142, 1143, 1148, 1193, 1227, 1235, 1370}

func (c *client) ask(ctx context.Context, db *sql.DB) error {
	question := anyQuestion
	if c.role != kit.Any {
		question = roleQuestion
	}
	var answer string
	err := db.QueryRowContext(ctx, question).Scan(&answer)
	refusal, refused := errors.AsType[*driver.MySQLError](err)
	refused = refused && slices.Contains(notAnswers, refusal.Number)
	switch {
	case c.role == kit.Any && (err == nil || refused):
		return nil
	case refused:
		return kit.Errorf(registry.KindPermission, "the server does not say whether it takes writes (%d), and %sROLE asks it",
			refusal.Number, c.vars.Prefix())
	case err != nil:
		return Classify(err)
	}
	return c.notes.Judge(c.role, strings.Trim(strings.ReplaceAll(answer, "OFF", "0"), "0,") == "")
}

// PoolStats returns the numbers of the pool. A connection that was cut is in use until the server has let go of it.
func (c *client) PoolStats() registry.PoolStats {
	s, taken := c.Stats(), c.places.add(0)
	return registry.PoolStats{
		Max: s.MaxOpenConnections, Open: max(s.OpenConnections, taken), InUse: max(s.InUse, taken-s.Idle), Idle: s.Idle,
		WaitCount: s.WaitCount, WaitDuration: s.WaitDuration,
	}
}

// Close closes the pool. It lends no connection from its beginning on; those in use may finish their work until ctx
// ends, less 100ms (in 25s if ctx has no deadline). Those that do not come back are cut and counted in the error.
func (c *client) Close(ctx context.Context) error {
	// It says good-bye on every idle connection, and takes no context.
	return c.conns.Close(ctx, func() { _ = c.DB.Close() })
}
