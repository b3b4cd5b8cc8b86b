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

// AtATime has 20 orders packed at a time, and no more.
func AtATime(s *driver.ReceiveSettings) { s.MaxOutstandingMessages = 20 }

// Handle packs the order that the event tells of, and acknowledges the event.
func (w *Worker) Handle(ctx context.Context, m *driver.Message) {
	working, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if !w.pack(working, m) {
		pause(ctx, time.Second) // or the event would be back at once, for as long as MySQL is away
		m.Nack()
		return
	}
	m.Ack()
	slog.Info("handled an event", "event", m.ID)
}

// pack does the work and says whether it is done, and the event with it. An event can come twice, or again
// after a crash: packing what is packed changes nothing.
func (w *Worker) pack(ctx context.Context, m *driver.Message) bool {
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

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
