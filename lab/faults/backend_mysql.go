package main

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"path/filepath"
	"strconv"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/lab/internal/wire"
	"github.com/vibework/mooring/registry"
)

func newMySQL(ctx context.Context, folder string) (b *backend, err error) {
	b = &backend{
		name: mysql.Name, connect: connectMySQL, hold: holdMySQL, work: workMySQL, greeting: 20,
		lists: "SHOW PROCESSLIST", states: statesOfMySQL(),
		cannot: map[string]string{protected: "that is a mode of Redis"},
		wants:  map[string]wants{diskFull: {}},         // a check writes nothing
		looks:  []string{"mysql.(*connection).Close."}, // whose place is taken until the server lets go
	}
	// All tables are in one file, which has a greatest size.
	const small = "--innodb-data-file-path=ibdata1:12M:autoextend:max:20M"
	if b.server, err = server.MariaDB(ctx, folder, nil, "--innodb-file-per-table=0", small); err != nil {
		return nil, err
	}
	b.count = func(ctx context.Context) (int, error) { return countMySQL(ctx, b.server) }
	b.fill = func(ctx context.Context) (func() error, error) { return fillMySQL(ctx, b.server) }
	if err = b.begin(ctx, b.server); err != nil {
		return b, err
	}
	return b, b.secureMySQL(ctx, folder)
}

// secureMySQL starts a server that reads its certificate anew when it is told to.
func (b *backend) secureMySQL(ctx context.Context, folder string) error {
	trusted, unknown, err := certificates(folder)
	if err != nil {
		return err
	}
	current := &wire.Certificate{
		CertFile: filepath.Join(folder, "current.crt"), KeyFile: filepath.Join(folder, "current.key"),
	}
	if err := current.Replace(trusted); err != nil {
		return err
	}
	p, err := server.MariaDB(ctx, folder, current)
	if err != nil {
		return err
	}
	b.admit = func(ctx context.Context, in bool) error { return admitMySQL(ctx, p, b.server.Password, in) }
	b.secure = &secure{
		addr: p.Addr, plain: p.Addr, password: p.Password, process: p, trusted: trusted, unknown: unknown,
		present: func(ctx context.Context, cert *wire.Certificate) error {
			if err := current.Replace(cert); err != nil {
				return err
			}
			db := p.MySQL(server.Admin, 1)
			defer db.Close()
			_, err := db.ExecContext(ctx, "FLUSH SSL")
			return err
		},
	}
	return b.begin(ctx, p)
}

func connectMySQL(t target) registry.Resource {
	host, port := split(t.addr)
	return mysql.New(mysql.Name, mysql.WithConfig(mysql.Config{
		Host: host, Port: port, User: server.User, Password: config.NewSecret(t.password),
		Database: server.Database, TLS: t.tls(), MaxOpenConns: t.pool, Role: t.role(),
	}))
}

func split(addr string) (host string, port config.Port) {
	host, text, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(text)
	return host, config.Port(n)
}

func holdMySQL(ctx context.Context, res registry.Resource, size int) (func(), error) {
	db := res.(*mysql.Resource).DB()
	return holdAll(size, func() (*sql.Conn, error) { return db.Conn(ctx) })
}

func workMySQL(ctx context.Context, res registry.Resource) ([]call, error) {
	db := res.(*mysql.Resource).DB()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return []call{
		func(ctx context.Context) error {
			defer conn.Close()
			_, err := conn.ExecContext(ctx, "DO 1")
			return err
		},
		func(ctx context.Context) error {
			_, err := db.ExecContext(ctx, "DO 1")
			return err
		},
	}, nil
}

// fillMySQL takes all connections that the server has; it has no fewer than ten.
func fillMySQL(ctx context.Context, p *server.Process) (func() error, error) {
	const fewest, usual, tooMany = 10, 100, 1040
	admin, others := p.MySQL(server.Admin, 1), p.MySQL(server.User, 2*fewest)
	limit := func(ctx context.Context, n int) error {
		_, err := admin.ExecContext(ctx, "SET GLOBAL max_connections = "+strconv.Itoa(n))
		return err
	}
	var taken []*sql.Conn
	undo := func() error {
		for _, conn := range taken {
			_ = conn.Close()
		}
		_ = others.Close()
		defer admin.Close()
		return limit(context.WithoutCancel(ctx), usual)
	}
	if err := limit(ctx, fewest); err != nil {
		return undo, err
	}
	for {
		conn, err := others.Conn(ctx)
		if full, ok := errors.AsType[*driver.MySQLError](err); ok && full.Number == tooMany {
			return undo, nil
		}
		if err != nil {
			return undo, err
		}
		taken = append(taken, conn)
	}
}
