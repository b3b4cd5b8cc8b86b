package workload

import (
	"context"
	"fmt"
	"net"
	"strconv"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/registry"
)

// Servers say where real servers are.
type Servers struct {
	MySQL                    string // host:port
	User, Password, Database string
	Redis                    string // host:port
}

// Names of the servers.
const (
	Redis   = "Redis"
	MariaDB = "MariaDB"
)

// backend is one server, with a number of resources, each with a pool of its own.
type backend struct {
	name      string
	resources []registry.Resource
	pings     []contender.Check           // the bare ping over the pool of each resource
	work      func(context.Context) error // what a program asks the server for, over the first pool
}

// open opens as many resources of each server. They are closed by way of the registry.
func (s Servers) open(ctx context.Context, resources int) (*registry.Registry, []backend, error) {
	r := contender.Quiet()
	cache, database := &backend{name: Redis}, &backend{name: MariaDB}
	for i := range resources {
		if err := s.add(i, cache, database); err != nil {
			return nil, nil, err
		}
		r.Register(cache.resources[i])
		r.Register(database.resources[i])
	}
	return r, []backend{*cache, *database}, r.OpenAll(ctx)
}

func (s Servers) add(i int, cache, database *backend) error {
	redisConfig, err := redisConfig(s.Redis)
	if err != nil {
		return err
	}
	mysqlConfig, err := s.mysqlConfig()
	if err != nil {
		return err
	}
	c := redis.New(fmt.Sprintf("redis-%d", i), redis.WithConfig(redisConfig))
	d := mysql.New(fmt.Sprintf("mysql-%d", i), mysql.WithConfig(mysqlConfig))
	cache.resources, database.resources = append(cache.resources, c), append(database.resources, d)
	cache.pings = append(cache.pings, func(ctx context.Context) error { return command(ctx, c, "PING") })
	database.pings = append(database.pings, func(ctx context.Context) error { return d.DB().PingContext(ctx) })
	if i == 0 {
		cache.work = func(ctx context.Context) error { return command(ctx, c, "GET", "mooring-bench") }
		database.work = func(ctx context.Context) error {
			var one int
			return d.DB().QueryRowContext(ctx, "SELECT 1").Scan(&one)
		}
	}
	return nil
}

func command(ctx context.Context, r *redis.Resource, name string, args ...any) error {
	conn, err := r.Pool().GetContext(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = driver.DoContext(conn, ctx, name, args...)
	return err
}

// Versions asks the servers what they are.
func (s Servers) Versions(ctx context.Context) (string, error) {
	r, backends, err := s.open(ctx, 1)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.CloseAll(ctx) }()
	var database string
	db := backends[1].resources[0].(*mysql.Resource).DB()
	if err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&database); err != nil {
		return "", err
	}
	conn, err := backends[0].resources[0].(*redis.Resource).Conn(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	info, err := driver.String(driver.DoContext(conn, ctx, "INFO"))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("MySQL server %s, Redis %s", database, field(info, "redis_version:")), nil
}

func redisConfig(addr string) (redis.Config, error) {
	host, port, err := split(addr)
	return redis.Config{Host: host, Port: port}, err
}

func (s Servers) mysqlConfig() (mysql.Config, error) {
	host, port, err := split(s.MySQL)
	return mysql.Config{
		Host: host, Port: port, User: s.User, Password: config.NewSecret(s.Password), Database: s.Database,
	}, err
}

func split(addr string) (string, config.Port, error) {
	host, digits, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("the port of %s is not a number", addr)
	}
	return host, config.Port(port), nil
}
