package redis

import (
	"context"
	"fmt"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/internal/slot"
	"github.com/vibework/mooring/registry"
)

// Name is the name of the default instance.
const Name = "redis"

var std = New(Name)

func init() { registry.Register(std) }

// Conn borrows a connection of the default instance, waiting for one until ctx ends. Close returns it.
func Conn(ctx context.Context) (driver.Conn, error) { return std.Conn(ctx) }

// Pool returns the pool of the default instance. It panics if that was never opened: call it after
// registry.OpenAll, once, and pass the pool down.
func Pool() *driver.Pool { return std.Pool() }

// Handle is Pool with an error instead of a panic: registry.ErrNotOpen, with the reason why.
func Handle() (*driver.Pool, error) { return std.Handle() }

// Use sets options of the default instance. It panics once that is open.
func Use(opts ...Option) { std.use(opts) }

// Option is an option of [New] and [Use].
type Option func(*Resource)

// WithConfig takes the configuration from cfg instead of the environment.
func WithConfig(cfg Config) Option { return func(r *Resource) { r.settings.Give(cfg) } }

// WithHook calls hook with every new pool before its first use, for instrumentation: wrap its DialContext to
// wrap connections. A wrapped connection has to implement driver.ConnWithContext.
func WithHook(hook func(*driver.Pool)) Option { return func(r *Resource) { r.hook = hook } }

// Resource is one Redis server and a pool of connections to it. All methods may be called from any goroutine.
type Resource struct {
	name     string
	hook     func(*driver.Pool)
	settings slot.Settings[Config, settings]
	slot     slot.Slot[client]
}

var (
	_ registry.Configurer = (*Resource)(nil)
	_ registry.Pooler     = (*Resource)(nil)
)

// New returns a resource that is configured by the variables of its name: "redis-sessions" by
// REDIS_SESSIONS_*. It reads nothing yet. Register it to have it opened.
func New(name string, opts ...Option) *Resource {
	r := &Resource{name: name}
	r.use(opts)
	return r
}

// Name returns the name given to New.
func (r *Resource) Name() string { return r.name }

// Configure reads and checks the configuration. Its error lists every problem, by variable and never by value.
func (r *Resource) Configure() error { return r.settings.Configure(r.name, resolve) }

// Open connects, logs in and sends a PING. It calls Configure unless that has been done.
func (r *Resource) Open(ctx context.Context) error {
	return r.slot.Open(ctx, func(ctx context.Context) (*client, error) {
		s, err := r.settings.Get(r.name, resolve)
		if err != nil {
			return nil, err
		}
		return connect(ctx, s, r.hook)
	})
}

// Check sends a PING, bounded by 5s if ctx has no deadline. See the package comment for what it means.
func (r *Resource) Check(ctx context.Context) error {
	return r.slot.Check(ctx, func(ctx context.Context, c *client) error {
		return slot.Probe(ctx, c.pingPooled, c.pingDirect)
	})
}

// Close closes the pool. It lends no connection from its beginning on; those that are lent may finish their work until
// ctx ends, less 100ms (in 25s if ctx has no deadline). Those that do not come back are cut and counted in the error.
func (r *Resource) Close(ctx context.Context) error {
	return r.slot.Close(ctx, func(ctx context.Context, c *client) error { return c.release(ctx) })
}

// PoolStats returns the numbers of the pool. They are zero while the resource is not open.
func (r *Resource) PoolStats() registry.PoolStats { return r.slot.PoolStats((*client).poolStats) }

// Conn borrows a connection, waiting for one until ctx ends. Close returns it.
func (r *Resource) Conn(ctx context.Context) (driver.Conn, error) {
	pool, err := r.Handle()
	if err != nil {
		return nil, err
	}
	return pool.GetContext(ctx)
}

// Pool returns the pool, also after Close. It panics if the resource was never opened.
func (r *Resource) Pool() *driver.Pool { return r.slot.Must(r.name).Pool }

// Handle is Pool with an error instead of a panic: registry.ErrNotOpen, with the reason why.
func (r *Resource) Handle() (*driver.Pool, error) {
	c, err := r.slot.Get(r.name)
	if err != nil {
		return nil, err
	}
	return c.Pool, nil
}

func (r *Resource) use(opts []Option) {
	if r.slot.IsOpen() {
		panic(fmt.Sprintf("%s: Use after the resource was opened", r.name))
	}
	for _, opt := range opts {
		opt(r)
	}
}
