package pubsub

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	driver "cloud.google.com/go/pubsub/v2"
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
	keys    map[string]*driver.PublishResult // of the last message with each ordering key, or with none
}

// fewest results are not worth dropping.
const fewest = 256

// room is what of a topic may be on its way, so that memory stays bounded while the service is away.
var room = driver.FlowControlSettings{
	MaxOutstandingMessages: 10_000, MaxOutstandingBytes: 50e6, LimitExceededBehavior: driver.FlowControlBlock,
}

// publisher returns the publisher of a topic, always the same one.
func (c *client) publisher(topic string, hooks []func(*driver.PublishSettings)) *TopicPublisher {
	c.mu.Lock()
	defer c.mu.Unlock()
	named := c.Client.Publisher(topic)
	p := c.publishers[named.String()]
	if p == nil {
		p = &TopicPublisher{driver: named, closing: c.closing, keys: make(map[string]*driver.PublishResult)}
		p.driver.PublishSettings.Timeout = c.settings.PublishTimeout
		p.driver.PublishSettings.FlowControlSettings = room
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
		return failed(ended{p.closing, p.closing})
	}
	open, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.closing, cancel)()
	p.resume(key)
	result := p.driver.Publish(ended{open, p.closing}, m)
	p.keep(key, result)
	return result
}

// ResumePublish lets messages with this ordering key be sent again although one has failed whose result may not be
// known yet.
func (p *TopicPublisher) ResumePublish(orderingKey string) { p.driver.ResumePublish(orderingKey) }

// resume lets the key be used again, in case that a message with it has failed, unless one is on its way still.
func (p *TopicPublisher) resume(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := p.keys[key]; last == nil || isReady(last) {
		p.driver.ResumePublish(key)
	}
}

func (p *TopicPublisher) keep(key string, result *driver.PublishResult) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.results) >= p.enough {
		p.drop()
	}
	p.results = append(p.results, result)
	p.keys[key] = result
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
	maps.DeleteFunc(p.keys, func(_ string, last *driver.PublishResult) bool { return isReady(last) })
}

func isReady(result *driver.PublishResult) bool {
	select {
	case <-result.Ready():
		return true
	default:
		return false
	}
}

// failed returns a result that is the error of ctx, which has ended. Only a publisher can make one: this one waits for
// room.
func failed(ctx context.Context) *driver.PublishResult {
	var p driver.Publisher
	p.PublishSettings.FlowControlSettings = room
	return p.Publish(ctx, new(driver.Message))
}

// ended is a context that ends with closing at the latest, and whose error then is the cause of that.
type ended struct {
	context.Context
	closing context.Context
}

func (e ended) Err() error { return cmp.Or(context.Cause(e.closing), e.Context.Err()) }
