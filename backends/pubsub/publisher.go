package pubsub

import (
	"context"
	"errors"
	"slices"
	"sync"

	driver "cloud.google.com/go/pubsub/v2"

	"github.com/vibework/mooring/registry"
)

// TopicPublisher publishes to one topic, and Close flushes it. It belongs to one opening: once that is closed, it
// publishes nothing more, even if the resource is opened again. All methods are safe for concurrent use.
type TopicPublisher struct {
	driver  *driver.Publisher
	closing context.Context

	publishing sync.RWMutex // held by Publish, to read, and by close, before mu

	mu      sync.Mutex                       // guards all that follows
	results []*driver.PublishResult          // of all messages that are not confirmed yet, and of some that are
	enough  int                              // results at which to drop those that have come
	keys    map[string]*driver.PublishResult // of the last message with each ordering key, and of some before
}

const (
	// fewest results are not worth dropping.
	fewest = 256
	// mostMessages and mostBytes of a topic may be on their way, so that memory stays bounded while the service is away.
	mostMessages = 10_000
	mostBytes    = 50e6
)

// publisher returns the publisher of a topic, always the same one.
func (c *client) publisher(topic string, hooks []func(*driver.PublishSettings)) *TopicPublisher {
	c.mu.Lock()
	defer c.mu.Unlock()
	named := c.Client.Publisher(topic)
	p := c.publishers[named.String()]
	if p == nil {
		p = &TopicPublisher{driver: named, closing: c.closing, keys: make(map[string]*driver.PublishResult)}
		p.driver.PublishSettings.Timeout = c.settings.PublishTimeout
		p.driver.PublishSettings.FlowControlSettings = driver.FlowControlSettings{
			MaxOutstandingMessages: mostMessages,
			MaxOutstandingBytes:    mostBytes,
			LimitExceededBehavior:  driver.FlowControlBlock,
		}
		for _, hook := range hooks {
			hook(&p.driver.PublishSettings)
		}
		p.driver.EnableMessageOrdering = p.driver.PublishSettings.HedgingSettings == nil // the driver has one of the two
		c.publishers[named.String()] = p
	}
	return p
}

// Publish queues a message; messages are sent in batches. It returns at once, unless too many messages are on their way
// already: then it waits until there is room, and ctx bounds that. The result comes when the service has confirmed the
// message, or when sending it has failed or has taken longer than PUBLISH_TIMEOUT. That does not depend on ctx. After
// Close, the result is registry.ErrNotOpen at once.
//
// Messages with the same ordering key are delivered in the order of publishing. When one fails, all that follow it fail
// as well, until the last one that was published has its result. What is published after that is sent again; who must
// not leave a gap waits for the result of each message before the next.
func (p *TopicPublisher) Publish(ctx context.Context, m *driver.Message) *driver.PublishResult {
	key := m.OrderingKey
	p.publishing.RLock()
	defer p.publishing.RUnlock()
	if p.closing.Err() != nil {
		return failed(p.closing)
	}
	open, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.closing, func() { cancel(context.Cause(p.closing)) })()
	p.mu.Lock()
	p.resume(key)
	p.mu.Unlock()
	result := p.driver.Publish(ended{open}, m)
	p.keep(key, result)
	return result
}

// ResumePublish lets messages with this ordering key be sent again although one has failed whose result may not be
// known yet.
func (p *TopicPublisher) ResumePublish(orderingKey string) { p.driver.ResumePublish(orderingKey) }

// resume lets the key be used again if the last message with it has failed. p.mu is held.
func (p *TopicPublisher) resume(key string) {
	if last := p.keys[key]; last != nil && isReady(last) {
		p.driver.ResumePublish(key)
		delete(p.keys, key)
	}
}

func (p *TopicPublisher) keep(key string, result *driver.PublishResult) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.results) >= p.enough {
		p.drop()
	}
	p.results = append(p.results, result)
	if key != "" {
		p.keys[key] = result
	}
}

// close returns the results that have not come yet. Its context has ended, so that none is added.
func (p *TopicPublisher) close() []*driver.PublishResult {
	p.publishing.Lock()
	defer p.publishing.Unlock()
	p.drop()
	return p.results
}

// drop forgets the results that have come. It waits until as many new ones are there as it had to look at, so
// that it costs each message the same however many are on their way.
func (p *TopicPublisher) drop() {
	p.results = slices.DeleteFunc(p.results, isReady)
	p.enough = max(2*len(p.results), fewest)
	for key := range p.keys {
		p.resume(key)
	}
}

func isReady(result *driver.PublishResult) bool {
	select {
	case <-result.Ready():
		return true
	default:
		return false
	}
}

// failed returns a result that is the cause of the end of ctx. Only a publisher can make one: this one waits for flow
// control.
func failed(ctx context.Context) *driver.PublishResult {
	p := driver.Publisher{PublishSettings: driver.PublishSettings{
		FlowControlSettings: driver.FlowControlSettings{LimitExceededBehavior: driver.FlowControlBlock},
	}}
	return p.Publish(ended{ctx}, new(driver.Message))
}

// ended is a context whose error says that Close has ended it.
type ended struct{ context.Context }

func (e ended) Err() error {
	if cause := context.Cause(e.Context); errors.Is(cause, registry.ErrNotOpen) {
		return cause
	}
	return e.Context.Err()
}
