package main

import (
	"context"
	"time"

	driver "github.com/gomodule/redigo/redis"
	"github.com/mna/redisc"
	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/redis"
)

const (
	ours    = "Mooring"
	goRedis = "go-redis v9.23.0"
	poolOf  = 8 // connections of each client, for each server
)

// client is one of those that are compared.
type client struct {
	name  string
	push  func(ctx context.Context, key, value string) error
	close func()
}

// openAll opens a client of each kind. Each has the deadlines of its contexts.
func (e event) openAll(ctx context.Context, w *world) ([]client, error) {
	var addrs []string
	for _, p := range w.nodes {
		addrs = append(addrs, p.addr)
	}
	if e.topology == "Sentinel" {
		addrs = nil
		for _, p := range w.sentinels {
			addrs = append(addrs, p.addr)
		}
	}
	opens := []func(context.Context, string, []string) (client, error){openOurs, openGoRedis, openRueidis}
	if e.topology == "Cluster" {
		opens = append(opens, openRedisc)
	}
	var clients []client
	for _, open := range opens {
		c, err := open(ctx, e.topology, addrs)
		if err != nil {
			return clients, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

func openOurs(ctx context.Context, topology string, addrs []string) (client, error) {
	url := "redis+cluster://"
	if topology == "Sentinel" {
		url = "redis+sentinel://"
	}
	for i, addr := range addrs {
		if i > 0 {
			url += ","
		}
		url += addr
	}
	if topology == "Sentinel" {
		url += "/shop"
	}
	res := redis.New("redis", redis.WithConfig(redis.Config{URL: config.NewSecret(url), MaxActive: poolOf}))
	push := func(ctx context.Context, key, value string) error {
		conn, err := res.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		_, err = driver.DoContext(conn, ctx, "RPUSH", key, value)
		return err
	}
	return client{ours, push, func() { _ = res.Close(ctx) }}, res.Open(ctx)
}

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func openGoRedis(ctx context.Context, topology string, addrs []string) (client, error) {
	goredis.SetLogger(quiet{})
	var c goredis.UniversalClient
	if topology == "Sentinel" {
		c = goredis.NewFailoverClient(&goredis.FailoverOptions{
			MasterName: "shop", SentinelAddrs: addrs, PoolSize: poolOf, ContextTimeoutEnabled: true,
		})
	} else {
		c = goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: addrs, PoolSize: poolOf, ContextTimeoutEnabled: true})
	}
	push := func(ctx context.Context, key, value string) error { return c.RPush(ctx, key, value).Err() }
	return client{goRedis, push, func() { _ = c.Close() }}, c.Ping(ctx).Err()
}

func openRueidis(_ context.Context, topology string, addrs []string) (client, error) {
	option := rueidis.ClientOption{InitAddress: addrs, DisableCache: true}
	if topology == "Sentinel" {
		option.Sentinel.MasterSet = "shop"
	}
	c, err := rueidis.NewClient(option)
	if err != nil {
		return client{}, err
	}
	push := func(ctx context.Context, key, value string) error {
		return c.Do(ctx, c.B().Rpush().Key(key).Element(value).Build()).Error()
	}
	return client{"rueidis v1.0.79", push, c.Close}, nil
}

// openRedisc gives it the limit of an operation by its timeouts, since its connections know no context.
func openRedisc(_ context.Context, _ string, addrs []string) (client, error) {
	c := &redisc.Cluster{
		StartupNodes: addrs,
		DialOptions: []driver.DialOption{
			driver.DialConnectTimeout(limit), driver.DialReadTimeout(limit), driver.DialWriteTimeout(limit),
		},
		CreatePool: func(addr string, options ...driver.DialOption) (*driver.Pool, error) {
			return &driver.Pool{
				MaxIdle: poolOf, MaxActive: poolOf, Wait: true,
				DialContext: func(ctx context.Context) (driver.Conn, error) {
					return driver.DialContext(ctx, "tcp", addr, options...)
				},
			}, nil
		},
	}
	push := func(_ context.Context, key, value string) error {
		conn := c.Get()
		defer func() { _ = conn.Close() }()
		again, err := redisc.RetryConn(conn, 4, 50*time.Millisecond)
		if err == nil {
			_, err = again.Do("RPUSH", key, value)
		}
		return err
	}
	return client{"redisc v1.4.0", push, func() { _ = c.Close() }}, c.Refresh()
}
