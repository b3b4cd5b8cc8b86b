package pubsub

import (
	"context"
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
