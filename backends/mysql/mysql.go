package mysql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"fmt"

	"github.com/vibework/mooring/backends/internal/slot"
	"github.com/vibework/mooring/registry"
)

// Name is the name of the default instance.
const Name = "mysql"

var std = New(Name)

func init() { registry.Register(std) }

// DB returns the handle of the default instance. It panics if that was never opened: call it after
// registry.OpenAll, once, and pass the handle down.
func DB() *sql.DB { return std.DB() }

// Handle is DB with an error instead of a panic: registry.ErrNotOpen, with the reason why.
func Handle() (*sql.DB, error) { return std.Handle() }

// Use sets options of the default instance. It panics once that is open.
func Use(opts ...Option) { std.use(opts) }

// Option is an option of [New] and [Use].
type Option func(*Resource)

// WithConfig takes the configuration from cfg instead of the environment.
func WithConfig(cfg Config) Option { return func(r *Resource) { r.settings.Give(cfg) } }

// WithHook makes every new handle with hook instead of sql.OpenDB, for instrumentation: otelsql.OpenDB fits.
// The limits of the pool are set on what it returns. Checks may connect past it, when the pool is full.
func WithHook(hook func(sqldriver.Connector) *sql.DB) Option {
	return func(r *Resource) { r.hook = hook }
}

// Resource is one MySQL server and a pool of connections to it. All methods may be called from any goroutine.
type Resource struct {
	name     string
	hook     func(sqldriver.Connector) *sql.DB
	settings slot.Settings[Config, settings]
	slot     slot.Slot[client]
}

var (
	_ registry.Configurer = (*Resource)(nil)
	_ registry.Pooler     = (*Resource)(nil)
)

// New returns a resource that is configured by the variables of its name: "mysql-replica" by
// MYSQL_REPLICA_*. It reads nothing yet. Register it to have it opened.
func New(name string, opts ...Option) *Resource {
	r := &Resource{name: name}
	r.use(opts)
	return r
}

// Name returns the name given to New.
func (r *Resource) Name() string { return r.name }

// Configure reads and checks the configuration. Its error lists every problem, by variable and never by value.
func (r *Resource) Configure() error { return r.settings.Configure(r.name, resolve) }

// Open connects, logs in and sends a ping. It calls Configure unless that has been done.
func (r *Resource) Open(ctx context.Context) error {
	return r.slot.Open(ctx, func(ctx context.Context) (*client, error) {
		s, err := r.settings.Get(r.name, resolve)
		if err != nil {
			return nil, err
		}
		return connect(ctx, s, r.hook)
	})
}

// Check sends a ping, bounded by 5s if ctx has no deadline. See the package comment for what it means.
func (r *Resource) Check(ctx context.Context) error {
	return r.slot.Check(ctx, func(ctx context.Context, c *client) error {
		return slot.Probe(ctx, c.pingPooled, c.pingDirect)
	})
}

// Close closes the pool. It lends no connection from its beginning on; those in use may finish their work until ctx
// ends, less 100ms (in 25s if ctx has no deadline). Those that do not come back are cut and counted in the error.
func (r *Resource) Close(ctx context.Context) error {
	return r.slot.Close(ctx, func(ctx context.Context, c *client) error { return c.release(ctx) })
}

// PoolStats returns the numbers of the pool. They are zero while the resource is not open.
func (r *Resource) PoolStats() registry.PoolStats { return r.slot.PoolStats((*client).poolStats) }

// DB returns the handle, also after Close. It panics if the resource was never opened.
func (r *Resource) DB() *sql.DB { return r.slot.Must(r.name).DB }

// Handle is DB with an error instead of a panic: registry.ErrNotOpen, with the reason why.
func (r *Resource) Handle() (*sql.DB, error) {
	c, err := r.slot.Get(r.name)
	if err != nil {
		return nil, err
	}
	return c.DB, nil
}

func (r *Resource) use(opts []Option) {
	if r.slot.IsOpen() {
		panic(fmt.Sprintf("%s: Use after the resource was opened", r.name))
	}
	for _, opt := range opts {
		opt(r)
	}
}
