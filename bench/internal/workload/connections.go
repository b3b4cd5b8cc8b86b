package workload

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	healthmysql "github.com/hellofresh/health-go/v5/checks/mysql"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/registry"
)

// Connections is how many connections a number of checks have opened.
type Connections struct {
	Who, Server string
	Checks      int
	Opened      int64
}

// Connections makes so many checks of each server, half of them one after the other and half by 64 callers at a
// time. The connections are counted outside the process's drivers, on their way to the server.
func (s Servers) Connections(ctx context.Context, checks int) ([]Connections, error) {
	toCache, err := forward(ctx, s.Redis)
	if err != nil {
		return nil, err
	}
	defer toCache.stop()
	toDatabase, err := forward(ctx, s.MySQL)
	if err != nil {
		return nil, err
	}
	defer toDatabase.stop()
	s.Redis, s.MySQL = toCache.addr(), toDatabase.addr()
	r, _, err := s.open(ctx, 1)
	if err != nil {
		return nil, err
	}
	if failed := checkOften(ctx, r, checks); failed > 0 {
		return nil, fmt.Errorf("%d of %d checks have failed", failed, checks)
	}
	if err := r.CloseAll(ctx); err != nil {
		return nil, err
	}
	found := []Connections{
		{contender.Mooring, Redis, checks, toCache.opened.Load()},
		{contender.Mooring, MariaDB, checks, toDatabase.opened.Load()},
	}
	few := max(checks/100, 1)
	before := toDatabase.opened.Load()
	check := healthmysql.New(healthmysql.Config{
		DSN: fmt.Sprintf("%s:%s@tcp(%s)/%s", s.User, s.Password, s.MySQL, s.Database),
	})
	for range few {
		if err := check(ctx); err != nil {
			return nil, err
		}
	}
	return append(found, Connections{
		"health-go's own `checks/mysql`", MariaDB, few, toDatabase.opened.Load() - before,
	}), nil
}

func checkOften(ctx context.Context, r *registry.Registry, checks int) int64 {
	const callers = 64
	var failed atomic.Int64
	once := func() {
		if !r.CheckAll(ctx).OK() {
			failed.Add(1)
		}
	}
	for range checks / 2 {
		once()
	}
	left := int64(checks - checks/2)
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for taken.Add(1) <= left {
				once()
			}
		})
	}
	wg.Wait()
	return failed.Load()
}

// forwarder passes connections on to a server and counts them.
type forwarder struct {
	listener net.Listener
	target   string
	opened   atomic.Int64
	wg       sync.WaitGroup
}

func forward(ctx context.Context, target string) (*forwarder, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &forwarder{listener: listener, target: target}
	f.wg.Go(f.run)
	return f, nil
}

func (f *forwarder) addr() string { return f.listener.Addr().String() }

func (f *forwarder) run() {
	for {
		client, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.opened.Add(1)
		f.wg.Go(func() { f.pass(client) })
	}
}

func (f *forwarder) pass(client net.Conn) {
	defer client.Close()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", f.target)
	if err != nil {
		return
	}
	defer server.Close()
	var answers sync.WaitGroup
	answers.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	_, _ = io.Copy(server, client)
	_ = server.Close()
	answers.Wait()
}

func (f *forwarder) stop() {
	_ = f.listener.Close()
	f.wg.Wait()
}

// field returns what follows key in its line of text.
func field(text, key string) string {
	_, rest, _ := strings.Cut(text, key)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}
