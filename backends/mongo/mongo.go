package mongo

import (
	"fmt"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// Name is the name of the default instance.
const Name = "mongo"

var std = New(Name)

func init() { registry.Register(std) }

// Client returns the client of the default instance. It panics if that was never opened: call it after
// registry.OpenAll, once, and pass the client down.
func Client() *driver.Client { return std.Client() }

// Database returns the database of the default instance, the one that MONGO_DATABASE or MONGO_URI names. It panics
// like Client, and if neither names one.
func Database() *driver.Database { return std.Database() }

// Handle is Client with an error instead of a panic: registry.ErrNotOpen, with the reason why.
func Handle() (*driver.Client, error) { return std.Handle() }

// Use sets options of the default instance. It panics once that is open.
func Use(opts ...Option) { std.Use(opts...) }

// Option is an option of [New] and [Use].
type Option = kit.Option[setup]

// WithConfig takes the configuration from cfg instead of the environment.
func WithConfig(cfg Config) Option { return func(s *setup) { s.config = &cfg } }

// WithHook calls hook with the options of every new client before its first use, for instrumentation: set its
// Monitor, PoolMonitor or ServerMonitor. A check makes a short-lived client of its own when the first gives no
// answer; the hook sees that, too.
func WithHook(hook func(*options.ClientOptions)) Option { return func(s *setup) { s.hook = hook } }

// setup is what a program sets in code.
type setup struct {
	config *Config
	hook   func(*options.ClientOptions)
	turn   chan struct{} // of New: one look-up of names at a time
}

// Resource is one MongoDB deployment and a client of it. All methods are safe for concurrent use.
type Resource struct {
	*kit.Resource[setup, *client, *driver.Client]
}

var (
	_ registry.Configurer = (*Resource)(nil)
	_ registry.Pooler     = (*Resource)(nil)
)

// New returns a resource that is configured by the variables of its name: "mongo-audit" by MONGO_AUDIT_*. It reads
// nothing yet. Register it to have it opened.
func New(name string, opts ...Option) *Resource {
	turn := func(s *setup) { s.turn = make(chan struct{}, 1) }
	return &Resource{kit.New(name, resolve, append([]Option{turn}, opts...)...)}
}

// PoolStats returns the numbers of the pools, one to each server, taken together: Max, too, is for all of them.
// They are zero while the resource is not open.
func (r *Resource) PoolStats() registry.PoolStats { return kit.PoolStats(r.Resource) }

// Client returns the client, also after Close. It panics if the resource was never opened.
func (r *Resource) Client() *driver.Client { return kit.Must(r.Handle()) }

// Database returns the database that the configuration names, also after Close. It panics if the resource was
// never opened, and if no database is named: a program that uses several takes them from Client.
func (r *Resource) Database() *driver.Database {
	c := kit.Must(kit.ClientOf(r.Resource))
	if c.settings.Database == "" {
		const text = "%s: no database: set %s, or name it in %s (mongodb://host/name)"
		panic(fmt.Sprintf(text, r.Name(), c.settings.vars.Name("DATABASE"), c.settings.vars.Name("URI")))
	}
	return c.Client.Database(c.settings.Database)
}
