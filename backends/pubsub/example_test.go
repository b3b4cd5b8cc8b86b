package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	driver "cloud.google.com/go/pubsub/v2"

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

// Messages with the same ordering key arrive in the order in which they were published.
func ExamplePublisher_ordered() {
	ctx := context.Background()
	orders := pubsub.Publisher("orders")
	result := orders.Publish(ctx, &driver.Message{Data: []byte("42"), OrderingKey: "customer-7"})
	if _, err := result.Get(ctx); err != nil {
		orders.ResumePublish("customer-7") // or else all that follows fails, too
	}
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
