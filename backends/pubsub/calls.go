package pubsub

import (
	"context"
	"sync"
	"time"

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
		_, err := within(ctx, func() (struct{}, error) {
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
	c.foreign.begin()
	err := c.publish(ctx, try)
	c.foreign.end(err != nil && c.closing.Err() != nil && !c.owns(messages.Topic), len(messages.Messages), err)
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
		err := errCut
		if c.over.Err() == nil {
			err = try(ctx)
		}
		switch {
		case err != nil && c.over.Err() != nil:
			return errCut
		case err == nil, ctx.Err() != nil, !registry.KindOf(Classify(err)).Retryable():
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// foreign watches the calls that publish, for the sake of publishers that the program has made from the client.
type foreign struct {
	mu    sync.Mutex // guards all that follows
	calls int        // under way
	last  time.Time  // when one has ended
	lost  int        // messages in calls that have failed since Close began
	cause error      // of the first of these
}

func (f *foreign) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
}

func (f *foreign) end(lost bool, messages int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls--
	f.last = time.Now()
	if !lost {
		return
	}
	f.lost += messages
	if f.cause == nil {
		f.cause = err
	}
}

// quiet is how long nothing must be published: publishers with the driver's settings hold a message for 10ms.
const quiet = 100 * time.Millisecond

// wait returns when no call has been under way for a while after since, or when ctx ends.
func (f *foreign) wait(ctx context.Context, since time.Time) {
	for ctx.Err() == nil {
		f.mu.Lock()
		left := quiet - time.Since(since)
		if f.last.After(since) {
			left = quiet - time.Since(f.last)
		}
		if f.calls > 0 {
			left = max(left, quiet/10)
		}
		f.mu.Unlock()
		if left <= 0 {
			return
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
		}
	}
}
