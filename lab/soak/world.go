package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"time"

	sqldriver "github.com/go-sql-driver/mysql"
	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// checkTimeout is short, so that the soak sees many checks end.
const checkTimeout = time.Second

// poolSize is small, so that the pools are full after the warm-up and cannot grow any more.
const poolSize = 8

// world is everything there is: servers, proxies, and a registry with the resources.
type world struct {
	registry *registry.Registry
	targets  []*target
	stop     func()
	slowest  longest // CheckAll
	lateness longest // of the machine
}

// newWorld starts the servers and the proxies. Nothing is open yet.
func newWorld(ctx context.Context) (_ *world, err error) {
	env, stopServers, err := startServers(ctx)
	if err != nil {
		return nil, err
	}
	w := &world{registry: &registry.Registry{
		OpenTimeout: 10 * time.Second, CheckTimeout: checkTimeout, CloseTimeout: 5 * time.Second,
		Logger: slog.New(slog.DiscardHandler),
	}}
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil))) // for the drivers
	w.stop = func() {
		for _, t := range w.targets {
			_ = t.proxy.Close()
		}
		stopServers()
	}
	for _, name := range []string{"mysql", "mongo", "redis", "pubsub"} {
		if err := w.add(name, env); err != nil {
			w.stop()
			return nil, err
		}
	}
	return w, ctx.Err()
}

// add puts a proxy before the server of that name, and registers a resource that goes there.
func (w *world) add(name string, env map[string]string) error {
	variable := map[string]string{"mysql": "MYSQL_URL", "mongo": "MONGO_URI", "redis": "REDIS_URL"}[name]
	address, err := url.Parse(env[variable])
	if name == "pubsub" {
		address = &url.URL{Host: env["PUBSUB_EMULATOR_HOST"]}
	}
	if err != nil || address.Host == "" {
		return errors.New("no address of the server " + name)
	}
	proxy, err := faultproxy.Start(address.Host)
	if err != nil {
		return err
	}
	t := &target{name: name, proxy: proxy}
	switch name {
	case "redis":
		t.demote = demoteRedis(address.String())
	case "mysql":
		t.demote = demoteMySQL(address)
	}
	address.Host = proxy.Addr()
	w.targets = append(w.targets, t)
	t.resource.Resource, t.use = newResource(name, address)
	w.registry.Register(&t.resource)
	return nil
}

// demoteRedis tells the server itself, past the proxy.
func demoteRedis(server string) func(primary bool) {
	return func(primary bool) {
		conn, err := driver.DialURL(server)
		if err != nil {
			panic(err) // it is in the process beside this one
		}
		defer func() { _ = conn.Close() }()
		args := []any{"127.0.0.1", 1}
		if primary {
			args = []any{"NO", "ONE"}
		}
		if _, err := conn.Do("REPLICAOF", args...); err != nil {
			panic(err)
		}
	}
}

// demoteMySQL tells the server itself, past the proxy.
func demoteMySQL(address *url.URL) func(primary bool) {
	password, _ := address.User.Password()
	cfg := sqldriver.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd = "tcp", address.Host, server.Admin, password
	connector, err := sqldriver.NewConnector(cfg)
	if err != nil {
		panic(err) // not with the driver's own defaults
	}
	return func(primary bool) {
		db := sql.OpenDB(connector)
		defer func() { _ = db.Close() }()
		if _, err := db.Exec("SET GLOBAL read_only = ?", !primary); err != nil { //nolint:noctx // it is short
			panic(err) // it is in the process beside this one
		}
	}
}

// newResource returns a resource for the server at address, and what its clients do.
func newResource(name string, address *url.URL) (registry.Resource, operation) {
	secret := config.NewSecret(address.String())
	switch name {
	case "mysql":
		r := mysql.New(name, mysql.WithConfig(mysql.Config{URL: secret, MaxOpenConns: poolSize, Role: "primary"}))
		return r, useMySQL(r)
	case "mongo":
		r := mongo.New(name, mongo.WithConfig(mongo.Config{URI: secret, MaxPoolSize: poolSize}))
		return r, useMongo(r)
	case "redis":
		r := redis.New(name, redis.WithConfig(redis.Config{URL: secret, MaxActive: poolSize, Role: "primary"}))
		return r, useRedis(r)
	default:
		r := pubsub.New(name, pubsub.WithConfig(pubsub.Config{
			EmulatorHost: address.Host, ProjectID: "soak", PublishTimeout: 2 * time.Second, CheckInterval: -1,
		}))
		return r, usePubSub(r)
	}
}

// life opens everything, lets it be used while the network fails, heals that, and closes everything again.
func (w *world) life(ctx context.Context, duration time.Duration, random source) (*record, error) {
	w.forget()
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go w.watchLateness(watching)
	if err := w.registry.OpenAll(ctx); err != nil {
		return nil, err
	}
	for _, t := range w.targets { // tables and topics
		if err := t.use(ctx, 0); err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	w.load(ctx, duration, random)
	w.heal(ctx)
	w.load(ctx, 2*time.Second, nil) // fill the pools, the same in each life
	stopWatching()
	rec := w.record(duration)
	rec.open = settled()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	rec.closeErr = w.registry.CloseAll(closing)
	rec.closed = settled()
	return rec, nil
}

// forget makes the counts those of the life that comes.
func (w *world) forget() {
	w.slowest, w.lateness = longest{}, longest{}
	for _, t := range w.targets {
		t.counts = counts{}
		t.resource.checks.Store(0)
		t.resource.twice.Store(0)
	}
}

// record is what has happened since forget.
func (w *world) record(duration time.Duration) *record {
	rec := &record{duration: duration, slowest: w.slowest.get(), lateness: w.lateness.get()}
	for _, t := range w.targets {
		rec.tallies = append(rec.tallies, tally{
			name: t.name, faults: t.faults.Load(),
			checks: t.resource.checks.Load(), twice: t.resource.twice.Load(),
			pass: t.pass.Load(), warn: t.warn.Load(), fail: t.fail.Load(),
			succeeded: t.succeeded.Load(), failed: t.failed.Load(),
			rosy: t.rosy.get(), recovery: t.recovery.get(), healedCheck: t.healedCheck, healed: t.healed,
		})
	}
	return rec
}
