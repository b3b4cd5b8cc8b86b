package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/postgres"
	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/lab/internal/wire"
	"github.com/vibework/mooring/registry"
)

func newPostgres(ctx context.Context, folder string) (b *backend, err error) {
	b = &backend{
		name: postgres.Name, connect: connectPostgres, hold: holdPostgres, work: workPostgres, greeting: 5,
		lists: "pg_stat_activity", states: statesOfPostgres(),
		looks: []string{ // of a connection whose query was given up, which says good-bye for a second
			"pgconn.(*PgConn).asyncClose", "puddle/v2.(*Pool[...]).destroyAcquiredResource", "postgres.(*client).follow.",
		},
		cannot: map[string]string{
			diskFull: "it takes a file system of its own", protected: "that is a mode of Redis",
		},
	}
	if b.server, _, err = server.PostgreSQL(ctx, nil); err != nil {
		return nil, err
	}
	b.count = func(ctx context.Context) (n int, err error) {
		conn, err := dialPostgres(ctx, b.server)
		if err != nil {
			return 0, err
		}
		defer func() { _ = conn.Close(ctx) }()
		err = conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", server.User).Scan(&n)
		return n, err
	}
	b.fill = func(ctx context.Context) (func() error, error) { return fillPostgres(ctx, b.server) }
	if err = b.begin(ctx, b.server); err != nil {
		return b, err
	}
	trusted, unknown, err := certificates(folder)
	if err != nil {
		return b, err
	}
	p, current, err := server.PostgreSQL(ctx, trusted)
	if err != nil {
		return b, err
	}
	b.admit = func(ctx context.Context, in bool) error { // a user has one password
		password := p.Password
		if in {
			password = b.server.Password
		}
		return askPostgres(ctx, p, fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", server.User, password))
	}
	b.secure = &secure{
		addr: p.Addr, plain: p.Addr, password: p.Password, process: p, trusted: trusted, unknown: unknown,
		present: func(ctx context.Context, cert *wire.Certificate) error {
			return errors.Join(current.Replace(cert), askPostgres(ctx, p, "SELECT pg_reload_conf()"))
		},
	}
	return b, errors.Join(b.begin(ctx, p), serving(ctx, b.server), serving(ctx, p))
}

// serving waits until the server, which takes connections earlier, takes statements.
func serving(ctx context.Context, p *server.Process) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for ctx.Err() == nil {
		if err = askPostgres(ctx, p, "SELECT 1"); err == nil {
			return nil
		}
	}
	return err
}

func connectPostgres(t target) registry.Resource {
	host, port := split(t.addr)
	return postgres.New(postgres.Name, postgres.WithConfig(postgres.Config{
		Host: host, Port: port, User: server.User, Password: config.NewSecret(t.password),
		Database: server.Database, TLS: t.tls(), MaxOpenConns: t.pool, Role: t.role(),
	}))
}

// lent is a connection that closes by going back to its pool.
type lent struct{ *pgxpool.Conn }

func (l lent) Close() error { //nolint:unparam // it is an io.Closer
	l.Release()
	return nil
}

func holdPostgres(ctx context.Context, res registry.Resource, size int) (func(), error) {
	pool := res.(*postgres.Resource).Pool()
	return holdAll(size, func() (lent, error) {
		conn, err := pool.Acquire(ctx)
		return lent{conn}, err
	})
}

func workPostgres(ctx context.Context, res registry.Resource) ([]call, error) {
	pool := res.(*postgres.Resource).Pool()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return []call{
		func(ctx context.Context) error {
			defer conn.Release()
			_, err := conn.Exec(ctx, "SELECT 1")
			return err
		},
		func(ctx context.Context) error {
			_, err := pool.Exec(ctx, "SELECT 1")
			return err
		},
	}, nil
}

// dialPostgres connects as the administrator.
func dialPostgres(ctx context.Context, p *server.Process) (*pgx.Conn, error) {
	return loginPostgres(ctx, p, server.Admin)
}

func loginPostgres(ctx context.Context, p *server.Process, user string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, fmt.Sprintf("postgres://%s:%s@%s/postgres?sslmode=disable", user, p.Password, p.Addr))
}

func askPostgres(ctx context.Context, p *server.Process, statements ...string) error {
	conn, err := dialPostgres(ctx, p)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", strings.Fields(statement)[0], err)
		}
	}
	return nil
}

// fillPostgres takes all connections that the server has for ordinary users.
func fillPostgres(ctx context.Context, p *server.Process) (undo func() error, err error) {
	const tooMany = "53300"
	var taken []*pgx.Conn
	undo = func() error {
		var errs []error
		for _, conn := range taken {
			errs = append(errs, conn.Close(context.WithoutCancel(ctx)))
		}
		return errors.Join(errs...)
	}
	for {
		conn, err := loginPostgres(ctx, p, server.User)
		if full, ok := errors.AsType[*pgconn.PgError](err); ok && full.Code == tooMany {
			return undo, nil
		}
		if err != nil {
			return undo, err
		}
		taken = append(taken, conn)
	}
}

// awaitPostgres waits until the server, which reads its configuration in its own time, has done so.
func awaitPostgres(ctx context.Context, p *server.Process, readOnly string) (err error) {
	for start := time.Now(); time.Since(start) < patience; pause(ctx, time.Millisecond) {
		conn, err := dialPostgres(ctx, p)
		if err != nil {
			return err
		}
		var now string
		err = conn.QueryRow(ctx, "SHOW transaction_read_only").Scan(&now)
		_ = conn.Close(ctx)
		if err != nil || now == readOnly {
			return err
		}
	}
	return errors.New("it has not read its configuration")
}

func statesOfPostgres() map[string]state {
	run := func(statements ...string) func(context.Context, *server.Process) error {
		return func(ctx context.Context, p *server.Process) error { return askPostgres(ctx, p, statements...) }
	}
	set := func(readOnly string) func(context.Context, *server.Process) error {
		return func(ctx context.Context, p *server.Process) error {
			err := askPostgres(ctx, p,
				"ALTER SYSTEM SET default_transaction_read_only = "+readOnly, "SELECT pg_reload_conf()")
			return errors.Join(err, awaitPostgres(ctx, p, readOnly))
		}
	}
	return map[string]state{
		readOnly: {enter: set("on"), leave: set("off"), primary: true},
		demoted:  {enter: set("on"), leave: set("off")},
		expired: {
			enter: run("ALTER ROLE " + server.User + " VALID UNTIL 'yesterday'"),
			leave: run("ALTER ROLE " + server.User + " VALID UNTIL 'infinity'"),
			cut:   true,
		},
	}
}
