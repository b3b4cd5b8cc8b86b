package events

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	driver "cloud.google.com/go/pubsub/v2"

	"github.com/vibework/mooring/examples/service/internal/cache"
	"github.com/vibework/mooring/examples/service/internal/orders"
)

// Worker packs orders.
type Worker struct {
	Orders *orders.Queries
	Cache  *cache.Cache
}

// Run packs each order that the subscription tells of, until ctx is done; then it finishes the orders that it has
// begun and returns nil.
func (w *Worker) Run(ctx context.Context, subscription *driver.Subscriber) error {
	subscription.ReceiveSettings.MaxOutstandingMessages = 20
	stopped := ctx.Done()
	return subscription.Receive(ctx, func(_ context.Context, m *driver.Message) {
		// What was begun is finished: the context of the message ends with ctx, this one does not.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if !w.handle(ctx, m) {
			pause(stopped, time.Second) // or the event would be back at once, for as long as MySQL is away
			m.Nack()
			return
		}
		m.Ack()
		slog.Info("handled an event", "event", m.ID)
	})
}

// handle does the work and says whether it is done, and the event with it. An event can come twice, or again
// after a crash: packing what is packed changes nothing.
func (w *Worker) handle(ctx context.Context, m *driver.Message) bool {
	order, err := strconv.ParseInt(string(m.Data), 10, 64)
	if err != nil {
		slog.Warn("dropped an event that names no order")
		return true // it would come back for ever
	}
	if _, err := w.Orders.Pack(ctx, order); err != nil {
		slog.Warn("an order could not be packed; its event will come again", "order", order, "error", err)
		return false
	}
	w.Cache.Forget(ctx, cache.OrderKey(order))
	return true
}

func pause(stopped <-chan struct{}, d time.Duration) {
	select {
	case <-time.After(d):
	case <-stopped:
	}
}
