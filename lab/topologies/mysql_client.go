package main

import (
	"context"
	"database/sql"
	"net"
	"strconv"
	"sync/atomic"

	sqldriver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/lab/internal/server"
)

const (
	goSQL    = "go-sql-driver v1.10.1"
	goSQLBad = "the same, rejectReadOnly"
)

// openAll opens a client of each kind, with pools of the same size. The first one is ours, and check its check.
func (p *pair) openAll() (clients []client, check func(context.Context) error, err error) {
	host, port, err := p.gate()
	if err != nil {
		return nil, nil, err
	}
	number, _ := strconv.Atoi(port)
	res := mysql.New("mysql", mysql.WithConfig(mysql.Config{
		Host: host, Port: config.Port(number), User: "shop", Password: config.NewSecret(p.password),
		Database: server.Database, MaxOpenConns: poolOf, Role: "primary",
	}))
	if err := res.Open(p.ctx); err != nil {
		return nil, nil, err
	}
	clients = append(clients, client{ours, pushTo(res.DB()), func() { _ = res.Close(p.ctx) }})
	for _, name := range []string{goSQL, goSQLBad} {
		if host, port, err = p.gate(); err != nil {
			return clients, nil, err
		}
		cfg := sqldriver.NewConfig()
		cfg.Net, cfg.Addr, cfg.DBName = "tcp", net.JoinHostPort(host, port), server.Database
		cfg.User, cfg.Passwd, cfg.RejectReadOnly = "shop", p.password, name == goSQLBad
		cfg.Logger = &sqldriver.NopLogger{}
		connector, err := sqldriver.NewConnector(cfg)
		if err != nil {
			return clients, nil, err
		}
		db := sql.OpenDB(connector)
		db.SetMaxOpenConns(poolOf)
		db.SetMaxIdleConns(poolOf)
		clients = append(clients, client{name, pushTo(db), func() { _ = db.Close() }})
	}
	return clients, res.Check, nil
}

// pushTo writes by a statement and by a transaction in turn.
func pushTo(db *sql.DB) func(ctx context.Context, key, value string) error {
	const statement = "INSERT INTO pushes (k, v) VALUES (?, ?)"
	var turn atomic.Int64
	return func(ctx context.Context, key, value string) error {
		if turn.Add(1)%2 == 0 {
			_, err := db.ExecContext(ctx, statement, key, value)
			return err
		}
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, statement, key, value); err != nil {
			_ = tx.Rollback()
			return err
		}
		return tx.Commit()
	}
}
