package events

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	driver "cloud.google.com/go/pubsub/v2"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/examples/service/internal/orders"
)

// Publish tells that an order was placed, and returns when Pub/Sub has confirmed it or ctx is done. The event is
// on its way in both cases: CloseAll flushes it, and [Remind] covers what is lost.
func Publish(ctx context.Context, publisher *pubsub.TopicPublisher, order int64) error {
	message := &driver.Message{Data: []byte(strconv.FormatInt(order, 10))}
	_, err := publisher.Publish(ctx, message).Get(ctx)
	return err
}

// Remind publishes orders again that nobody has packed a minute after they were placed: the service may have
// died between storing an order and publishing it, or Pub/Sub was away. It returns the error of ctx when that is done.
func Remind(ctx context.Context, queries *orders.Queries, publisher *pubsub.TopicPublisher) error {
	const overdue = time.Minute
	tick := time.NewTicker(overdue / 2)
	defer tick.Stop()
	for {
		if err := remind(ctx, queries, publisher, time.Now().Add(-overdue)); err != nil && ctx.Err() == nil {
			slog.Warn("orders that are overdue were not published again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func remind(
	ctx context.Context, queries *orders.Queries, publisher *pubsub.TopicPublisher, before time.Time,
) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	overdue, err := queries.Overdue(ctx, before.UTC())
	if err != nil {
		return err
	}
	for _, order := range overdue {
		if err := Publish(ctx, publisher, order); err != nil {
			return err
		}
	}
	return nil
}
