package pubsub

import (
	"context"
	"errors"
	"sync"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/registry"
)

// Part of the time is set aside for cutting off what is left and for counting it, or else nobody would be there
// any more to hear the number: a third of it, and no more than mostSettling. When the context has been cancelled,
// leastSettling has to do.
const (
	mostSettling  = time.Second
	leastSettling = 50 * time.Millisecond
)

// errCut is the result of a message that Close has cut off.
var errCut = fault.New(registry.KindTimeout, "closed before the message was confirmed: it may be lost")

// release stops and flushes the publishers, cuts off what has not been confirmed when the time is nearly up, and
// closes the client.
func (c *client) release(ctx context.Context) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.settings.PublishTimeout)
		defer cancel()
	}
	deadline, _ := ctx.Deadline()
	settling := min(time.Until(deadline)/3, mostSettling)
	pending, flushed := c.flush()
	flushing, cancel := context.WithDeadline(ctx, deadline.Add(-settling))
	defer cancel()
	wait(flushing, flushed)
	c.end()
	if ctx.Err() != nil || settling < leastSettling {
		settling = leastSettling
	}
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling*3/4)
	defer cancel()
	wait(rest, flushed)
	_, _ = within(rest, func() (struct{}, error) { return struct{}{}, c.Client.Close() }, nil)
	return unconfirmed(pending)
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
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
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

// unconfirmed counts the messages that were pending when Close began and that nobody has confirmed since.
func unconfirmed(pending []*driver.PublishResult) error {
	var count int
	var first error
	for _, result := range pending {
		err := errCut
		select {
		case <-result.Ready():
			_, err = result.Get(context.Background())
		default:
		}
		if err != nil {
			count++
		}
		if first == nil {
			first = err
		}
	}
	if count == 0 {
		return nil
	}
	if errors.Is(first, errCut) {
		return fault.New(registry.KindTimeout, "%d messages were not confirmed and may be lost", count)
	}
	cause := Classify(first)
	return fault.New(registry.KindOf(cause), "%d messages were not confirmed and may be lost: %v", count, cause)
}

// cut intercepts calls so that none that publishes outlives the client. The driver gives them no context of
// ours, and left alone it would go on trying.
func (c *client) cut(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	if method != pubsubpb.Publisher_Publish_FullMethodName {
		return invoke(ctx, method, req, reply, conn, opts...)
	}
	if c.over.Err() != nil {
		return errCut
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.over, cancel)()
	err := invoke(ctx, method, req, reply, conn, opts...)
	if err != nil && c.over.Err() != nil {
		return errCut
	}
	return err
}

// retryer waits between two tries to publish, but not when the client is over.
type retryer struct {
	gax.Retryer
	over     context.Context
	deadline time.Time
}

// newRetryer retries what the driver does and waits no longer than a second: after an outage the driver's own
// would let most of PUBLISH_TIMEOUT pass.
func (c *client) newRetryer() gax.Retryer {
	return &retryer{
		Retryer: gax.OnCodes([]codes.Code{
			codes.Aborted, codes.Canceled, codes.DeadlineExceeded, codes.Internal, codes.ResourceExhausted,
			codes.Unavailable, codes.Unknown,
		}, gax.Backoff{Initial: 100 * time.Millisecond, Max: time.Second, Multiplier: 2}),
		over:     c.over,
		deadline: time.Now().Add(c.settings.PublishTimeout),
	}
}

// Retry waits by itself, since the caller's wait cannot be cut short.
func (r *retryer) Retry(err error) (time.Duration, bool) {
	pause, again := r.Retryer.Retry(err)
	if again {
		timer := time.NewTimer(min(pause, time.Until(r.deadline)))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.over.Done():
		}
	}
	return 0, again
}
