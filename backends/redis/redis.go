package redis

import (
	"context"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// Name is the name of the default instance.
const Name = "redis"

var std = New(Name)

func init() { registry.Register(std) }

// Conn borrows a connection of the default instance, waiting for one until ctx ends. Close returns it. Behind Sentinels
// it also waits for a primary, for REDIS_DIAL_TIMEOUT at most. For a cluster it is there at once, and borrows one of a
// node for each command, waiting until the context of that ends.
func Conn(ctx context.Context) (driver.Conn, error) { return std.Conn(ctx) }

// Pool returns the pool of the default instance. It panics if that was never opened: call it after
// registry.OpenAll, once, and pass the pool down. It panics for a cluster: use Conn.
func Pool() *driver.Pool { return std.Pool() }

// Handle is Pool with an error instead of a panic: registry.ErrNotOpen, with the reason why, or that it is a cluster.
func Handle() (*driver.Pool, error) { return std.Handle() }

// Use sets options of the default instance. It panics once that is open.
func Use(opts ...Option) { std.Use(opts...) }

// Option is an option of [New] and [Use].
type Option = kit.Option[setup]

// WithConfig takes the configuration from cfg instead of the environment.
func WithConfig(cfg Config) Option { return func(s *setup) { s.config = &cfg } }

// WithHook calls hook with every new pool before its first use, for instrumentation: wrap its DialContext to
// wrap connections. A wrapped connection has to implement driver.ConnWithContext.
func WithHook(hook func(*driver.Pool)) Option { return func(s *setup) { s.hook = hook } }

// setup is what a program sets in code.
type setup struct {
	config      *Config
	hook        func(*driver.Pool)
	credentials func(context.Context) (user string, password config.Secret, err error)
}

// Resource is one Redis server, or the primary that Sentinels name, and a pool of connections to it, or a cluster and a
// pool for each master. All methods are safe for concurrent use.
type Resource struct {
	*kit.Resource[setup, service, *driver.Pool]
}

var (
	_ registry.Configurer = (*Resource)(nil)
	_ registry.Pooler     = (*Resource)(nil)
)

// New returns a resource that is configured by the variables of its name: "redis-sessions" by
// REDIS_SESSIONS_*. It reads nothing yet. Register it to have it opened.
func New(name string, opts ...Option) *Resource { return &Resource{kit.New(name, resolve, opts...)} }

// PoolStats returns the numbers of the pool. They are zero while the resource is not open.
func (r *Resource) PoolStats() registry.PoolStats { return kit.PoolStats(r.Resource) }

// Conn borrows a connection, waiting for one until ctx ends. Close returns it.
func (r *Resource) Conn(ctx context.Context) (driver.Conn, error) {
	s, err := kit.ClientOf(r.Resource)
	if err != nil {
		return nil, err
	}
	return s.Conn(ctx)
}

// Handle is Pool with an error instead of a panic, also where there is not one pool but one for each node of a cluster.
func (r *Resource) Handle() (*driver.Pool, error) {
	pool, err := r.Resource.Handle()
	if err == nil && pool == nil {
		err = kit.Errorf(registry.KindConfig, "%s: a cluster has a pool for each node: use Conn", r.Name())
	}
	return pool, err
}

// Pool returns the pool, also after Close. It panics if the resource was never opened, or is a cluster.
func (r *Resource) Pool() *driver.Pool { return kit.Must(r.Handle()) }
