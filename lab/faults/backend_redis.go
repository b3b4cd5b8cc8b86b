package main

import (
	"context"
	"fmt"
	"strings"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/lab/internal/wire"
	"github.com/vibework/mooring/registry"
)

func newRedis(ctx context.Context, folder string) (b *backend, err error) {
	b = &backend{
		name: redis.Name, connect: connectRedis, hold: holdRedis, work: workRedis, greeting: 2,
		lists: "CLIENT LIST", states: statesOfRedis(),
		cannot: map[string]string{
			readOnly: "a primary takes writes: see the next line", expired: "passwords do not expire",
		},
		wants: map[string]wants{
			// Redis takes the start of a handshake for a command that is not over yet, and waits.
			plainFound: {Open: registry.KindTimeout, Check: registry.KindTimeout},
		},
	}
	if b.server, _, err = server.Redis(folder, nil); err != nil {
		return nil, err
	}
	b.count = func(ctx context.Context) (int, error) { return countRedis(ctx, b.server) }
	b.fill = func(ctx context.Context) (func() error, error) { return fillRedis(ctx, b.server) }
	if err = b.begin(ctx, b.server); err != nil {
		return b, err
	}
	trusted, unknown, err := certificates(folder)
	if err != nil {
		return b, err
	}
	p, addr, err := server.Redis(folder, trusted)
	if err != nil {
		return b, err
	}
	b.admit = func(ctx context.Context, in bool) error { return admitRedis(ctx, p, b.server.Password, in) }
	b.secure = &secure{
		addr: addr, plain: p.Addr, password: p.Password, process: p, trusted: trusted, unknown: unknown,
		present: func(ctx context.Context, cert *wire.Certificate) error {
			return askRedis(ctx, p, "CONFIG", "SET", "tls-cert-file", cert.CertFile, "tls-key-file", cert.KeyFile)
		},
	}
	return b, b.begin(ctx, p)
}

func connectRedis(t target) registry.Resource {
	host, port := split(t.addr)
	return redis.New(redis.Name, redis.WithConfig(redis.Config{
		Host: host, Port: port, Username: server.User, Password: config.NewSecret(t.password),
		TLS: t.tls(), MaxActive: t.pool, Role: t.role(),
	}))
}

func holdRedis(ctx context.Context, res registry.Resource, size int) (func(), error) {
	return holdAll(size, func() (driver.Conn, error) { return res.(*redis.Resource).Conn(ctx) })
}

func workRedis(ctx context.Context, res registry.Resource) ([]call, error) {
	pool := res.(*redis.Resource).Pool()
	conn, err := pool.GetContext(ctx)
	if err != nil {
		return nil, err
	}
	return []call{
		func(ctx context.Context) error {
			defer conn.Close()
			_, err := driver.DoContext(conn, ctx, "PING")
			return err
		},
		func(ctx context.Context) error {
			conn, err := pool.GetContext(ctx)
			if err != nil {
				return err
			}
			defer conn.Close()
			_, err = driver.DoContext(conn, ctx, "PING")
			return err
		},
	}, nil
}

// dialRedis connects as the default user, who may do everything.
func dialRedis(ctx context.Context, p *server.Process) (driver.Conn, error) {
	return driver.DialContext(ctx, "tcp", p.Addr, driver.DialPassword(p.Password))
}

func askRedis(ctx context.Context, p *server.Process, command string, args ...any) error {
	conn, err := dialRedis(ctx, p)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = driver.DoContext(conn, ctx, command, args...)
	return err
}

// othersRedis counts the connections of all users, without the one that asks.
func othersRedis(ctx context.Context, conn driver.Conn) (int, error) {
	self, err := driver.Int64(driver.DoContext(conn, ctx, "CLIENT", "ID"))
	if err != nil {
		return 0, err
	}
	list, err := driver.String(driver.DoContext(conn, ctx, "CLIENT", "LIST"))
	return othersIn(list, self), err
}

// othersIn counts the lines of a CLIENT LIST, without that of self.
func othersIn(list string, self int64) (n int) {
	own := fmt.Sprintf("id=%d ", self)
	for line := range strings.Lines(list) {
		if strings.HasPrefix(line, "id=") && !strings.HasPrefix(line, own) {
			n++
		}
	}
	return n
}

// fillRedis makes the connections that there are all that there may be. The one that says so stays, to be able
// to take it back.
func fillRedis(ctx context.Context, p *server.Process) (func() error, error) {
	conn, err := dialRedis(ctx, p)
	if err != nil {
		return nil, err
	}
	limit := func(ctx context.Context, n int) error {
		_, err := driver.DoContext(conn, ctx, "CONFIG", "SET", "maxclients", n)
		return err
	}
	undo := func() error {
		defer conn.Close()
		return limit(context.WithoutCancel(ctx), 1000)
	}
	n, err := othersRedis(ctx, conn)
	if err != nil {
		return undo, fmt.Errorf("CLIENT LIST: %w", err)
	}
	return undo, limit(ctx, n+1)
}
