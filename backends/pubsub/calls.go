package pubsub

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// errCut is the result of a message that Close has cut off.
var errCut = kit.Errorf(registry.KindTimeout, "closed before the message was confirmed: it may be lost")

// intercept ends every call with its context: for want of a token a call may wait for another, whatever its context.
func (c *client) intercept(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	try := func(ctx context.Context) error {
		_, err := kit.Within(ctx, func() (struct{}, error) {
			return struct{}{}, invoke(ctx, method, req, reply, conn, opts...)
		}, nil)
		switch {
		case err != nil && ctx.Err() != nil:
			return status.FromContextError(ctx.Err()).Err()
		case status.Code(err) == codes.Canceled && status.Convert(err).Message() == context.Canceled.Error():
			return status.Error(codes.Canceled, "by the service")
		}
		return err
	}
	messages, ok := req.(*pubsubpb.PublishRequest)
	if !ok {
		return try(ctx)
	}
	c.calls.Add(1)
	defer c.calls.Add(-1)
	err := c.publish(ctx, try)
	c.last.Store(time.Now().UnixNano())
	if err != nil && c.closing.Err() != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.publishers[messages.Topic] == nil { // Close asks ours for their results
			c.lose(len(messages.Messages), err)
		}
	}
	return err
}

// publish tries until the service has confirmed the messages or refuses them, and not when the client is over: the
// driver gives the call no context of ours. It waits no longer than a second between two tries: after an outage the
// driver itself would let most of PUBLISH_TIMEOUT pass.
func (c *client) publish(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.over, cancel)()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		switch err := try(ctx); {
		case err != nil && c.over.Err() != nil:
			return context.Cause(c.over)
		case err == nil, ctx.Err() != nil, !registry.KindOf(Classify(err)).Retryable():
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

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
	pending, sent := c.flush()
	within(flushing, sent)
	c.end(errCut)
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
	defer cancel()
	within(rest, sent)
	within(rest, func() { _ = c.Client.Close() })
	return c.unconfirmed(pending)
}

// within waits for f until ctx ends. Then f goes on alone.
func within(ctx context.Context, f func()) {
	_, _ = kit.Within(ctx, func() (none struct{}, _ error) {
		f()
		return none, nil
	}, nil)
}

// flush stops all publishers at once. It returns what they have not had confirmed when they were stopped, and what
// returns when they have flushed and nothing else is published.
func (c *client) flush() (pending []*driver.PublishResult, sent func()) {
	c.begin(kit.Errorf(registry.KindNotOpen, "%s: %w: it was closed", c.settings.name, registry.ErrNotOpen))
	c.mu.Lock()
	defer c.mu.Unlock()
	var stopping sync.WaitGroup
	for _, p := range c.publishers {
		pending = append(pending, p.close()...)
		stopping.Go(p.driver.Stop)
	}
	return pending, func() {
		stopping.Wait()
		c.calm()
	}
}

// quiet is how long nothing must be published: publishers with the driver's settings hold a message for 10ms.
const quiet = 100 * time.Millisecond

// calm returns when no call that publishes is under way. Publishers that the program has made from the client may be
// about to begin with one: if there may be any, calm waits for quiet, too, until the client is over.
func (c *client) calm() {
	c.last.Store(time.Now().UnixNano())
	for c.calls.Load() > 0 ||
		c.lent.Load() && c.over.Err() == nil && time.Since(time.Unix(0, c.last.Load())) < quiet {
		time.Sleep(quiet / 20)
	}
}

// lose counts messages that are not confirmed. c.mu is held.
func (c *client) lose(messages int, cause error) {
	c.lost += messages
	c.cause = cmp.Or(c.cause, cause)
}

// unconfirmed counts the messages that were pending when Close began and that nobody has confirmed since, beside those
// of publishers that are not ours.
func (c *client) unconfirmed(pending []*driver.PublishResult) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, result := range pending {
		if _, err := result.Get(ended{c.over, c.over}); err != nil { // it does not wait
			c.lose(1, err)
		}
	}
	if c.lost == 0 {
		return nil
	}
	if errors.Is(c.cause, errCut) {
		return kit.Errorf(registry.KindTimeout, "%d messages were not confirmed and may be lost", c.lost)
	}
	cause := classify(c.cause, c.settings.names)
	return kit.Errorf(registry.KindOf(cause), "%d messages were not confirmed and may be lost: %v", c.lost, cause)
}
