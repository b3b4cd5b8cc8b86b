package postgres

import (
	driver "github.com/jackc/pgx/v5/pgxpool"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// Name is the name of the default instance.
const Name = "postgres"

var std = New(Name)

func init() { registry.Register(std) }

// Pool returns the handle of the default instance. It panics if that was never opened: call it after
// registry.OpenAll, once, and pass the handle down.
func Pool() *driver.Pool { return std.Pool() }

// Handle is Pool with an error instead of a panic: registry.ErrNotOpen, with the reason why.
func Handle() (*driver.Pool, error) { return std.Handle() }

// Use sets options of the default instance. It panics once that is open.
func Use(opts ...Option) { std.Use(opts...) }

// Option is an option of [New] and [Use].
type Option = kit.Option[setup]

// WithConfig takes the configuration from cfg instead of the environment.
func WithConfig(cfg Config) Option { return func(s *setup) { s.config = &cfg } }

// WithHook calls hook with the configuration of every new pool before its first use, for instrumentation: set
// ConnConfig.Tracer, or AfterConnect to register types. Of what is set already, the functions of the pool and those of
// ConnConfig, a hook may replace only what it calls itself: Open, Check and Close stand on them.
func WithHook(hook func(*driver.Config)) Option { return func(s *setup) { s.hook = hook } }

// setup is what a program sets in code.
type setup struct {
	config      *Config
	hook        func(*driver.Config)
	credentials kit.Ask
}

// Resource is one PostgreSQL server and a pool of connections to it. All methods are safe for concurrent use.
type Resource struct {
	*kit.Resource[setup, *client, *driver.Pool]
}

var (
	_ registry.Configurer = (*Resource)(nil)
	_ registry.Pooler     = (*Resource)(nil)
)

// New returns a resource that is configured by the variables of its name: "postgres-replica" by
// POSTGRES_REPLICA_*. It reads nothing yet. Register it to have it opened.
func New(name string, opts ...Option) *Resource { return &Resource{kit.New(name, resolve, opts...)} }

// PoolStats returns the numbers of the pool. They are zero while the resource is not open.
func (r *Resource) PoolStats() registry.PoolStats { return kit.PoolStats(r.Resource) }

// Pool returns the handle, also after Close. It panics if the resource was never opened.
func (r *Resource) Pool() *driver.Pool { return kit.Must(r.Handle()) }
