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

// client is a pool, and what makes its connections.
type client struct {
	*sql.DB
	connector *connector
}

// Open makes a pool and verifies that the server can be used.
func (s *settings) Open(ctx context.Context) (*client, error) {
	c := &client{connector: &connector{server: &server{settings: s}, places: new(places)}}
	hook := s.hook
	if hook == nil {
		hook = sql.OpenDB
	}
	c.DB = hook(c.connector)
	c.connector.places.db.Store(c.DB)
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
	t := kit.Target{Addrs: []string{s.driver.Addr}, Database: s.driver.DBName}
	if s.credentials == nil {
		t.User = s.driver.User
	}
	return t
}

// Handle returns the pool.
func (c *client) Handle() *sql.DB { return c.DB }

// Check asks the server what a program would: a statement.
func (c *client) Check(ctx context.Context) error {
	s := c.connector.server
	if s.role == kit.Primary && s.driver.Net == "tcp" {
		s.lookups.Ask(ctx, s.host.Name)
	}
	return kit.Probe(ctx, c.askPooled, c.askDirect, func() {
		c.SetMaxIdleConns(-1)
		c.SetMaxIdleConns(s.MaxIdleConns)
	})
}

func (c *client) askPooled(ctx context.Context) error {
	err := c.ask(ctx, c.DB)
	if stats := c.PoolStats(); err != nil && ctx.Err() != nil && stats.Max > 0 && stats.InUse >= stats.Max {
		return c.connector.pool.Full(stats)
	}
	return err
}

// askDirect asks over a connection that is not of the pool.
func (c *client) askDirect(ctx context.Context) error {
	db := sql.OpenDB(&connector{server: c.connector.server})
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
	role, question := c.connector.role, anyQuestion
	if role != kit.Any {
		question = roleQuestion
	}
	var answer string
	err := db.QueryRowContext(ctx, question).Scan(&answer)
	refusal, refused := errors.AsType[*driver.MySQLError](err)
	switch refused = refused && slices.Contains(notAnswers, refusal.Number); {
	case refused && role == kit.Any:
		return nil
	case refused:
		return kit.Errorf(registry.KindPermission, "the server does not say whether it takes writes (%d), and %sROLE asks it",
			refusal.Number, c.connector.prefix)
	case err != nil:
		return Classify(err)
	case role == kit.Any:
		return nil
	}
	err = role.Judge(strings.Trim(strings.ReplaceAll(answer, "OFF", "0"), "0,") == "")
	if registry.KindOf(err) == registry.KindReadOnly {
		c.connector.pool.ReadOnly()
	}
	return err
}

// PoolStats returns the numbers of the pool. A connection that was cut is in use until the server has let go of it.
func (c *client) PoolStats() registry.PoolStats {
	s, taken := c.Stats(), c.connector.places.count()
	return registry.PoolStats{
		Max: s.MaxOpenConnections, Open: max(s.OpenConnections, taken), InUse: max(s.InUse, taken-s.Idle), Idle: s.Idle,
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
