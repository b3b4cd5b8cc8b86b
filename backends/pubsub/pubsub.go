package pubsub

import (
	driver "cloud.google.com/go/pubsub/v2"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// Name is the name of the default instance.
const Name = "pubsub"

var std = New(Name)

func init() { registry.Register(std) }

// Client returns the client of the default instance. It panics if that was never opened: call it after
// registry.OpenAll, once, and pass the client down. What is to be published goes through [Publisher].
func Client() *driver.Client { return std.Client() }

// Publisher returns the publisher of a topic of the default instance; see [Resource.Publisher].
func Publisher(topic string, hooks ...func(*driver.PublishSettings)) *TopicPublisher {
	return std.Publisher(topic, hooks...)
}

// Handle is Client with an error instead of a panic: registry.ErrNotOpen, with the reason why.
func Handle() (*driver.Client, error) { return std.Handle() }

// Use sets options of the default instance. They count from the next Open on. It panics while that is open.
func Use(opts ...Option) { std.Use(opts...) }

// Option is an option of [New] and [Use].
type Option = kit.Option[setup]

// WithConfig takes the configuration from cfg instead of the environment.
func WithConfig(cfg Config) Option { return func(s *setup) { s.config = &cfg } }

// WithHook calls hook with the configuration of every new client, for instrumentation: that has a switch for
// OpenTelemetry. A way to retry Publish that it sets comes on top of that of this package.
func WithHook(hook func(*driver.ClientConfig)) Option { return func(s *setup) { s.hook = hook } }

// Resource is one project of Pub/Sub and a client for it. All methods are safe for concurrent use.
type Resource struct {
	*kit.Resource[setup, *client, *driver.Client]
}

// New returns a resource that is configured by the variables of its name: "pubsub-eu" by PUBSUB_EU_*. It reads
// nothing yet. Register it to have it opened.
func New(name string, opts ...Option) *Resource { return &Resource{kit.New(name, resolve, opts...)} }

// Client returns the client, also after Close. It panics if the resource was never opened.
func (r *Resource) Client() *driver.Client { return kit.Must(r.Handle()) }

// Publisher returns the publisher of a topic, given by its id or its full name: the same one each time. It
// panics if the resource was never opened; after Close, what it publishes fails with registry.ErrNotOpen.
//
// At most 10,000 messages or 50 MB of a topic are on their way; then Publish waits. The hooks may set that otherwise,
// and batches, compression and so on. They count where the publisher is asked for the first time.
func (r *Resource) Publisher(topic string, hooks ...func(*driver.PublishSettings)) *TopicPublisher {
	return kit.Must(kit.ClientOf(r.Resource)).publisher(topic, hooks)
}
