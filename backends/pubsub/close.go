package pubsub

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	driver "cloud.google.com/go/pubsub/v2"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

const (
	// settling is set aside, or a quarter of the time if that is less, for cutting off what is left and for counting it:
	// thousands of messages may get an answer then.
	settling = 500 * time.Millisecond
	// leastSettling has to do when the context has ended.
	leastSettling = 50 * time.Millisecond
)

// Close stops and flushes the publishers, cuts off what has not been confirmed when the time is nearly up, and closes
// the driver's client. Without a deadline the time is PUBLISH_TIMEOUT.
func (c *client) Close(ctx context.Context) error {
	ctx, cancel := kit.Bounded(ctx, c.settings.PublishTimeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	last := max(min(time.Until(deadline)/4, settling), leastSettling)
	flushing, cancel := context.WithDeadline(ctx, deadline.Add(-last))
	defer cancel()
	pending, flushed := c.flush()
	wait(flushing, flushed)
	if c.lent.Load() {
		c.calm(flushing, quiet)
	}
	c.end()
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
	defer cancel()
	wait(rest, flushed)
	c.calm(rest, 0)
	_, _ = kit.Within(rest, func() (struct{}, error) { return struct{}{}, c.Client.Close() }, nil)
	return c.unconfirmed(pending)
}

func wait(ctx context.Context, done <-chan struct{}) {
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// flush stops all publishers at once. It returns what they have not had confirmed when they were stopped, and
// what is closed when they have flushed.
func (c *client) flush() (pending []*driver.PublishResult, flushed <-chan struct{}) {
	c.begin(kit.Errorf(registry.KindNotOpen, "%s: %w: it was closed", c.settings.name, registry.ErrNotOpen))
	c.mu.Lock()
	defer c.mu.Unlock()
	var stopping sync.WaitGroup
	for _, p := range c.publishers {
		pending = append(pending, p.close()...)
		stopping.Go(p.driver.Stop)
	}
	done := make(chan struct{})
	go func() {
		stopping.Wait()
		close(done)
	}()
	return pending, done
}

// unconfirmed counts the messages that were pending when Close began and that nobody has confirmed since, and those of
// publishers that are not ours.
func (c *client) unconfirmed(pending []*driver.PublishResult) error {
	c.mu.Lock()
	count, first := c.lost, c.cause
	c.mu.Unlock()
	for _, result := range pending {
		err := errCut
		if isReady(result) {
			_, err = result.Get(context.Background())
		}
		if err != nil {
			count++
		}
		first = cmp.Or(first, err)
	}
	if count == 0 {
		return nil
	}
	if errors.Is(first, errCut) {
		return kit.Errorf(registry.KindTimeout, "%d messages were not confirmed and may be lost", count)
	}
	cause := classify(first, c.settings.names)
	return kit.Errorf(registry.KindOf(cause), "%d messages were not confirmed and may be lost: %v", count, cause)
}
