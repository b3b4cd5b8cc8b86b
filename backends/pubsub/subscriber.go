package pubsub

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	driver "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// Subscriber returns a resource that receives messages with the default instance; see [Resource.Subscriber].
func Subscriber(name, subscription string, handle func(context.Context, *driver.Message),
	hooks ...func(*driver.ReceiveSettings),
) registry.Resource {
	return std.Subscriber(name, subscription, handle, hooks...)
}

// Subscriber returns a resource of that name that receives the messages of a subscription, given by its id or its full
// name, from Open until Close. Register it after the resources that handle uses: it is closed before them.
//
//	registry.Register(pubsub.Subscriber("orders", "orders-billing", bill))
//
// The driver calls handle for each message, many at the same time; the hooks may set how many, and not how to shut
// down, which is Close's. It calls Ack or Nack before it returns; a message with which it has done neither is to be
// delivered again, also after a panic, which ends only that call and is logged.
//
// Open asks for the subscription. Check says why receiving has failed; it is tried again all the time. Close stops
// pulling, gives back what no handler has begun with, waits for the handlers and sends their acknowledgements. The
// context of a handler ends when 90% of the time for that is used, and not before. Handlers that outlive it are counted
// in the error: their messages are delivered again. Without a deadline the time is 25s.
func (r *Resource) Subscriber(name, subscription string, handle func(context.Context, *driver.Message),
	hooks ...func(*driver.ReceiveSettings),
) registry.Resource {
	return kit.New(name, func(string, struct{}) (*receiver, error) {
		return &receiver{resource: r, name: name, subscription: subscription, handle: handle, hooks: hooks}, nil
	})
}

// receiver receives messages on a goroutine of its own. There is a new one for each Open.
type receiver struct {
	resource     *Resource
	name         string
	subscription string
	handle       func(context.Context, *driver.Message)
	hooks        []func(*driver.ReceiveSettings)

	// What follows is there once Open has succeeded.
	subscriber *driver.Subscriber
	names      *strings.Replacer
	busy       atomic.Int64 // handlers

	pulling context.Context // ends when Close begins
	stop    context.CancelFunc
	working context.Context // ends when the handlers have had their time
	expire  context.CancelFunc
	running sync.WaitGroup        // until all handlers have returned and all acknowledgements are sent
	failure atomic.Pointer[error] // why receiving has ended the last time; a nil error while it goes on
}

// Target returns where the messages come from.
func (s *receiver) Target() kit.Target { return s.resource.Target() }

// Open verifies that the subscription is there, and begins.
func (s *receiver) Open(ctx context.Context) (*receiver, error) {
	c, err := kit.ClientOf(s.resource.Resource)
	if err != nil {
		return nil, kit.Errorf(registry.KindNotOpen, "%w", err)
	}
	s.subscriber, s.names = c.Subscriber(s.subscription), c.settings.names
	_, err = c.SubscriptionAdminClient.GetSubscription(ctx,
		&pubsubpb.GetSubscriptionRequest{Subscription: s.subscriber.String()}, noRetry)
	if err != nil && !mayNotLook(err) {
		return nil, classify(err, s.names)
	}
	for _, hook := range s.hooks {
		hook(&s.subscriber.ReceiveSettings)
	}
	s.subscriber.ReceiveSettings.ShutdownOptions = nil // would give messages back while their handlers are at work
	s.pulling, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.working, s.expire = context.WithCancel(context.Background())
	s.failure.Store(new(error))
	s.running.Go(s.run)
	return s, nil
}

// Handle returns the driver's subscriber.
func (s *receiver) Handle() *driver.Subscriber { return s.subscriber }

// Check returns why nothing is received.
func (s *receiver) Check(context.Context) error {
	return *s.failure.Load()
}

// settled is how long receiving has to go on until an earlier failure is forgotten.
const settled = 2 * time.Second

// run receives until Close, whatever the service says meanwhile: somebody may mend it.
func (s *receiver) run() {
	for pause := time.Second; s.pulling.Err() == nil; pause = min(2*pause, 30*time.Second) {
		well := time.AfterFunc(settled, func() { s.failure.Store(new(error)) })
		err := s.subscriber.Receive(s.pulling, s.deliver)
		if !well.Stop() {
			pause = time.Second
		}
		if err != nil {
			cause := classify(err, s.names)
			cause = kit.Errorf(registry.KindOf(cause), "nothing is received: %w", cause)
			s.failure.Store(&cause)
		}
		select {
		case <-time.After(pause):
		case <-s.pulling.Done():
		}
	}
}

// deliver calls the handler with a context that does not end with Receive's.
func (s *receiver) deliver(ctx context.Context, m *driver.Message) {
	defer m.Nack() // has no effect after an Ack; without either, Receive would wait for an hour
	if s.pulling.Err() != nil {
		return
	}
	s.busy.Add(1)
	defer s.busy.Add(-1)
	defer func() {
		if failed := recover(); failed != nil { // the program has other messages, and other work
			slog.Error("a handler panicked: its message will be delivered again", "resource", s.name,
				"panic", fmt.Sprint(failed), "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(s.working, cancel)()
	s.handle(ctx, m)
}

// Close ends the receiving; see Subscriber.
func (s *receiver) Close(ctx context.Context) error {
	ctx, cancel := kit.Bounded(ctx, 25*time.Second)
	defer cancel()
	s.stop()
	deadline, _ := ctx.Deadline()
	defer time.AfterFunc(time.Until(deadline)*9/10, s.expire).Stop()
	within(ctx, s.running.Wait)
	s.expire()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), leastSettling)
	defer cancel()
	within(last, s.running.Wait)
	if left := s.busy.Load(); left > 0 {
		return kit.Errorf(registry.KindTimeout, "%d handlers have not returned: their messages will be delivered again", left)
	}
	if last.Err() != nil {
		return kit.Errorf(registry.KindTimeout, "not all acknowledgements were sent: messages will be delivered again")
	}
	return nil
}
