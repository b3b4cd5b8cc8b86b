package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/registry"
)

// A program takes its handles once, after OpenAll, and passes them down.
func Example() {
	ctx := context.Background()
	if err := registry.OpenAll(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = registry.CloseAll(ctx) }()

	orders := mongo.Database().Collection("orders")
	_, err := orders.InsertOne(ctx, bson.M{"item": "rope"})
	fmt.Println(err)
}

// A second instance has a name, and variables, of its own.
func ExampleNew() {
	audit := mongo.New("mongo-audit") // reads MONGO_AUDIT_URI and so on
	registry.Register(audit)
	fmt.Println(registry.Unregister("mongo-audit"))
	// Output: true
}

func ExampleHandle() {
	if _, err := mongo.Handle(); errors.Is(err, registry.ErrNotOpen) {
		fmt.Println(err)
	}
	// Output: mongo: not open: registry.OpenAll has not opened it yet
}
