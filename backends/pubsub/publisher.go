package pubsub

import (
	"context"
	"fmt"
	"strings"
	"sync"

	driver "cloud.google.com/go/pubsub/v2"

	"github.com/vibework/mooring/registry"
)

// TopicPublisher publishes to one topic, and Close flushes it. It belongs to one opening: once that is closed, it
// publishes nothing more, even if the resource is opened again. All methods may be called from any goroutine.
type TopicPublisher struct {
	name   string
	driver *driver.Publisher

	mu      sync.Mutex
	closed  bool
	results []*driver.PublishResult // of all messages that are not confirmed yet, and of some that are
	enough  int                     // results at which to drop those that have come
}

// fewest results are not worth dropping.
const fewest = 256

// publisher returns the publisher of a topic, always the same one.
func (c *client) publisher(topic string) *TopicPublisher {
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.Count(topic, "/") != 3 {
		topic = "projects/" + c.settings.ProjectID + "/topics/" + topic
	}
	p := c.publishers[topic]
	if p == nil {
		p = &TopicPublisher{name: c.settings.name, driver: c.Client.Publisher(topic), closed: c.closed}
		p.driver.PublishSettings.Timeout = c.settings.PublishTimeout
		p.driver.EnableMessageOrdering = true // it concerns messages with an ordering key only
		c.publishers[topic] = p
	}
	return p
}

// Publish queues a message and returns at once; messages are sent in batches. The result comes when the service
// has confirmed the message, or when sending it has failed or has taken longer than PUBLISH_TIMEOUT. That does
// not depend on ctx. Messages with the same ordering key are delivered in order; when one fails, all with this
// key fail until ResumePublish. After Close, the result is registry.ErrNotOpen at once.
func (p *TopicPublisher) Publish(ctx context.Context, m *driver.Message) *driver.PublishResult {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return failed(fmt.Errorf("%s: %w: it was closed", p.name, registry.ErrNotOpen))
	}
	result := p.driver.Publish(ctx, m)
	if len(p.results) >= p.enough {
		p.drop()
	}
	p.results = append(p.results, result)
	return result
}

// ResumePublish lets messages with this ordering key be published again after one has failed.
func (p *TopicPublisher) ResumePublish(orderingKey string) { p.driver.ResumePublish(orderingKey) }

// close ends the publishing and returns the results that have not come yet.
func (p *TopicPublisher) close() []*driver.PublishResult {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.drop()
	return p.results
}

// drop forgets the results that have come. It waits until as many new ones are there as it had to look at, so
// that it costs each message the same however many are on their way.
func (p *TopicPublisher) drop() {
	pending := p.results[:0]
	for _, result := range p.results {
		select {
		case <-result.Ready():
		default:
			pending = append(pending, result)
		}
	}
	clear(p.results[len(pending):])
	p.results, p.enough = pending, max(2*len(pending), fewest)
}

// failed returns a result that is err. Only a publisher can make one: this one waits for flow control, under a
// context that has already ended with err.
func failed(err error) *driver.PublishResult {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := driver.Publisher{PublishSettings: driver.PublishSettings{
		FlowControlSettings: driver.FlowControlSettings{LimitExceededBehavior: driver.FlowControlBlock},
	}}
	return p.Publish(ended{ctx, err}, new(driver.Message))
}

// ended is a context that has ended for a reason of its own.
type ended struct {
	context.Context
	err error
}

func (e ended) Err() error { return e.err }
