package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	driver "cloud.google.com/go/pubsub/v2"
	"google.golang.org/api/option"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/registry"
)

// A program takes its handles once, after OpenAll, and passes them down.
func Example() {
	ctx := context.Background()
	if err := registry.OpenAll(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() {
		if err := registry.CloseAll(ctx); err != nil {
			log.Print(err) // it says how many messages may be lost
		}
	}()

	orders := pubsub.Publisher("orders")
	result := orders.Publish(ctx, &driver.Message{Data: []byte("42")})
	id, err := result.Get(ctx)
	fmt.Println(id, err)
}

// Messages with the same ordering key arrive in the order in which they were published. Who must not leave a gap waits
// for each result before the next message.
func ExamplePublisher_ordered() {
	ctx := context.Background()
	orders := pubsub.Publisher("orders")
	for _, data := range []string{"41", "42"} {
		result := orders.Publish(ctx, &driver.Message{Data: []byte(data), OrderingKey: "customer-7"})
		if _, err := result.Get(ctx); err != nil {
			fmt.Println(registry.KindOf(pubsub.Classify(err)))
			return
		}
	}
}

// The hook sets what the driver offers.
func ExamplePublisher_settings() {
	pubsub.Publisher("orders", func(s *driver.PublishSettings) {
		s.FlowControlSettings.MaxOutstandingMessages = 500
		s.EnableCompression = true
	})
}

// A subscriber is registered after the resources that its handler uses, and so closed before them.
func ExampleSubscriber() {
	bill := func(ctx context.Context, m *driver.Message) {
		if err := store(ctx, m.Data); err != nil {
			m.Nack()
			return
		}
		m.Ack()
	}
	registry.Register(pubsub.Subscriber("billing", "orders-billing", bill, func(s *driver.ReceiveSettings) {
		s.MaxOutstandingMessages = 20 // handlers at a time: no more than there are connections to the database
	}))
	fmt.Println(registry.Unregister("billing"))
	// Output: true
}

func store(context.Context, []byte) error { return nil }

// Options of the driver come in code: credentials, interceptors, a user agent.
func ExampleWithClientOptions() {
	eu := pubsub.New("pubsub-eu", pubsub.WithClientOptions(option.WithUserAgent("billing/1.4"), option.WithQuotaProject("shared")))
	registry.Register(eu)
	fmt.Println(registry.Unregister("pubsub-eu"))
	// Output: true
}

// A second instance has a name, and variables, of its own.
func ExampleNew() {
	eu := pubsub.New("pubsub-eu") // reads PUBSUB_EU_PROJECT_ID and so on
	registry.Register(eu)
	fmt.Println(registry.Unregister("pubsub-eu"))
	// Output: true
}

func ExampleHandle() {
	if _, err := pubsub.Handle(); errors.Is(err, registry.ErrNotOpen) {
		fmt.Println(err)
	}
	// Output: pubsub: not open: registry.OpenAll has not opened it yet
}
