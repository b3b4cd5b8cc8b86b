package mysql

import (
	"database/sql"
	sqldriver "database/sql/driver"

	"github.com/vibework/mooring/backends/kit"
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
func Use(opts ...Option) { std.Use(opts...) }

// Option is an option of [New] and [Use].
type Option = kit.Option[setup]

// WithConfig takes the configuration from cfg instead of the environment.
func WithConfig(cfg Config) Option { return func(s *setup) { s.config = &cfg } }

// WithHook makes every new handle with hook instead of sql.OpenDB, for instrumentation: otelsql.OpenDB fits.
// The limits of the pool are set on what it returns. Checks may connect past it, when the pool is full.
func WithHook(hook func(sqldriver.Connector) *sql.DB) Option {
	return func(s *setup) { s.hook = hook }
}

// setup is what a program sets in code.
type setup struct {
	config      *Config
	hook        func(sqldriver.Connector) *sql.DB
	credentials kit.Ask
}

// Resource is one MySQL server and a pool of connections to it. All methods are safe for concurrent use.
type Resource struct {
	*kit.Resource[setup, *client, *sql.DB]
}

var (
	_ registry.Configurer = (*Resource)(nil)
	_ registry.Pooler     = (*Resource)(nil)
)

// New returns a resource that is configured by the variables of its name: "mysql-replica" by
// MYSQL_REPLICA_*. It reads nothing yet. Register it to have it opened.
func New(name string, opts ...Option) *Resource { return &Resource{kit.New(name, resolve, opts...)} }

// PoolStats returns the numbers of the pool. They are zero while the resource is not open.
func (r *Resource) PoolStats() registry.PoolStats { return kit.PoolStats(r.Resource) }

// DB returns the handle, also after Close. It panics if the resource was never opened.
func (r *Resource) DB() *sql.DB { return kit.Must(r.Handle()) }
