package pubsub

import (
	"context"
	"fmt"

	driver "cloud.google.com/go/pubsub/v2"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/internal/slot"
	"github.com/vibework/mooring/registry"
)

// Name is the name of the default instance.
const Name = "pubsub"

var std = New(Name)

func init() { registry.Register(std) }

// Client returns the client of the default instance. It panics if that was never opened: call it after
// registry.OpenAll, once, and pass the client down. What is to be published goes through Publisher.
func Client() *driver.Client { return std.Client() }

// Publisher returns the publisher of a topic, given by its id or its full name. It panics if the default
// instance was never opened.
func Publisher(topic string) *TopicPublisher { return std.Publisher(topic) }

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

// WithHook calls hook with the configuration of every new client, for instrumentation: that has a switch for
// OpenTelemetry. If it sets how Publish is retried, Close cannot cut the pauses between the tries short.
func WithHook(hook func(*driver.ClientConfig)) Option { return func(r *Resource) { r.hook = hook } }

// Resource is one project of Pub/Sub and a client for it. All methods may be called from any goroutine.
type Resource struct {
	name     string
	hook     func(*driver.ClientConfig)
	settings slot.Settings[Config, settings]
	slot     slot.Slot[client]
}

var _ registry.Configurer = (*Resource)(nil)

// New returns a resource that is configured by the variables of its name: "pubsub-eu" by PUBSUB_EU_*. It reads
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

// Open connects and asks for a topic. It calls Configure unless that has been done.
func (r *Resource) Open(ctx context.Context) error {
	return r.slot.Open(ctx, func(ctx context.Context) (*client, error) {
		s, err := r.settings.Get(r.name, resolve)
		if err != nil {
			return nil, err
		}
		return connect(ctx, s, r.hook)
	})
}

// Check asks for a topic, bounded by 5s if ctx has no deadline. See the package comment for what it means.
func (r *Resource) Check(ctx context.Context) error {
	return r.slot.Check(ctx, func(ctx context.Context, c *client) error { return c.check(ctx) })
}

// Close flushes the publishers and closes the client. Messages that are not confirmed by the end of ctx, or in
// PUBLISH_TIMEOUT if it has none, are counted in the error.
func (r *Resource) Close(ctx context.Context) error {
	return r.slot.Close(ctx, func(ctx context.Context, c *client) error { return c.release(ctx) })
}

// Client returns the client, also after Close. It panics if the resource was never opened.
func (r *Resource) Client() *driver.Client { return r.slot.Must(r.name).Client }

// Publisher returns the publisher of a topic, given by its id or its full name: the same one each time. It
// panics if the resource was never opened; after Close, what it publishes fails with registry.ErrNotOpen.
func (r *Resource) Publisher(topic string) *TopicPublisher {
	return r.slot.Must(r.name).publisher(topic)
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
