package mongo

import (
	"context"
	"fmt"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/internal/slot"
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
func Use(opts ...Option) { std.use(opts) }

// Option is an option of [New] and [Use].
type Option func(*Resource)

// WithConfig takes the configuration from cfg instead of the environment.
func WithConfig(cfg Config) Option {
	return func(r *Resource) { r.settings.Give(config.Defaults(cfg)) }
}

// WithHook calls hook with the options of every new client before its first use, for instrumentation: set its
// Monitor, PoolMonitor or ServerMonitor. A check makes a short-lived client of its own when the first gives no
// answer; the hook sees that, too.
func WithHook(hook func(*options.ClientOptions)) Option { return func(r *Resource) { r.hook = hook } }

// Resource is one MongoDB deployment and a client of it. All methods may be called from any goroutine.
type Resource struct {
	name     string
	hook     func(*options.ClientOptions)
	settings slot.Settings[Config, settings]
	slot     slot.Slot[client]
}

var (
	_ registry.Configurer = (*Resource)(nil)
	_ registry.Pooler     = (*Resource)(nil)
)

// New returns a resource that is configured by the variables of its name: "mongo-audit" by MONGO_AUDIT_*. It reads
// nothing yet. Register it to have it opened.
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
	return r.slot.Check(ctx, func(ctx context.Context, c *client) error { return c.check(ctx) })
}

// Close waits until no session is in progress and no connection is in use, and disconnects the client. What is under
// way at the end of ctx, or after 25s if ctx has no deadline, is cut and counted in the error.
func (r *Resource) Close(ctx context.Context) error {
	return r.slot.Close(ctx, func(ctx context.Context, c *client) error { return c.release(ctx) })
}

// PoolStats returns the numbers of the pools, one to each server, taken together: Max, too, is for all of them.
// They are zero while the resource is not open.
func (r *Resource) PoolStats() registry.PoolStats { return r.slot.PoolStats((*client).poolStats) }

// Client returns the client, also after Close. It panics if the resource was never opened.
func (r *Resource) Client() *driver.Client { return r.slot.Must(r.name).Client }

// Database returns the database that the configuration names, also after Close. It panics if the resource was
// never opened, and if no database is named: a program that uses several takes them from Client.
func (r *Resource) Database() *driver.Database {
	c := r.slot.Must(r.name)
	if c.settings.Database == "" {
		const text = "%s: no database: set %[2]sDATABASE, or name it in %[2]sURI (mongodb://host/name)"
		panic(fmt.Sprintf(text, r.name, c.settings.prefix))
	}
	return c.Client.Database(c.settings.Database)
}

// Handle is Client with an error instead of a panic: registry.ErrNotOpen, with the reason why.
func (r *Resource) Handle() (*driver.Client, error) {
	c, err := r.slot.Get(r.name)
	if err != nil {
		return nil, err
	}
	return c.Client, nil
}

func (r *Resource) use(opts []Option) {
	if r.slot.IsOpen() {
		panic(fmt.Sprintf("%s: Use after the resource was opened", r.name))
	}
	for _, opt := range opts {
		opt(r)
	}
}
