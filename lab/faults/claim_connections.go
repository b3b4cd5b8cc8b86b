package main

import (
	"context"
	"fmt"
	"time"

	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// leaked is how many connections the program does not give back.
const leaked = 5

// claimConnections asks the server which connections it has after CloseAll.
func (r *results) claimConnections(ctx context.Context, b *backend) error {
	for _, try := range []struct {
		text   string
		leak   int
		frozen bool
	}{
		{"all given back", 0, false},
		{fmt.Sprintf("%d leaked", leaked), leaked, false},
		{fmt.Sprintf("%d leaked, and the network frozen until CloseAll has returned", leaked), leaked, true},
	} {
		text := fmt.Sprintf("%s (%s), %s", b.name, b.lists, try.text)
		err := r.try(connections, text, func(c *claim) error { return abandon(ctx, b, c, try.leak, try.frozen) })
		if err != nil {
			return err
		}
	}
	return nil
}

// abandon opens a resource, takes connections and does not give all back, and closes it.
func abandon(ctx context.Context, b *backend, c *claim, leak int, frozen bool) error {
	proxy, err := faultproxy.Start(b.server.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = proxy.Close() }()
	res := b.connect(target{addr: proxy.Addr(), password: b.server.Password, pool: 2 * leaked})
	reg := lone(res)
	if err := reg.OpenAll(ctx); err != nil {
		return err
	}
	if _, err := b.hold(ctx, res, leak); err != nil {
		return err
	}
	release, err := b.hold(ctx, res, leaked)
	if err != nil {
		return err
	}
	release()
	before, err := b.count(ctx)
	if err != nil {
		return err
	}
	if before < leak+1 {
		c.fail("want %d connections before CloseAll, got %d", leak+1, before)
	}
	if frozen {
		proxy.Blackhole()
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	err = reg.CloseAll(bounded)
	cancel()
	proxy.Pass()
	want := registry.Kind("")
	if leak > 0 {
		want = registry.KindTimeout
	}
	c.wantKind(err, want)
	after, took, err := noneLeft(ctx, b)
	if after != 0 {
		c.fail("want no connection after CloseAll, got %d", after)
	}
	c.seen = fmt.Sprintf("%d before, %d after (%d ms)", before, after, took.Milliseconds())
	return err
}

// noneLeft waits a moment for the server to notice that connections have ended.
func noneLeft(ctx context.Context, b *backend) (n int, took time.Duration, err error) {
	start := time.Now()
	for {
		n, err = b.count(ctx)
		took = time.Since(start)
		if err != nil || n == 0 || took > settle {
			return n, took, err
		}
		pause(ctx, 10*time.Millisecond)
	}
}

func countMySQL(ctx context.Context, p *server.Process) (n int, err error) {
	db := p.MySQL(server.Admin, 1)
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SHOW PROCESSLIST")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	values := make([]any, len(columns))
	var user string
	for i := range values {
		values[i] = new(any)
	}
	values[1] = &user
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			return 0, err
		}
		if user == server.User || user == "unauthenticated user" {
			n++
		}
	}
	return n, rows.Err()
}

func countRedis(ctx context.Context, p *server.Process) (int, error) {
	conn, err := dialRedis(ctx, p)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return othersRedis(ctx, conn)
}
