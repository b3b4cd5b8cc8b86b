package worker_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/worker"
)

func Example() {
	orders := make(chan string)
	receive := func(ctx context.Context) error {
		for {
			select {
			case order := <-orders:
				fmt.Println("stored", order) // with a handle that is open until this function has returned
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}

	r := registry.New() // a program leaves this out and calls registry.Register, and so on
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(worker.New("orders", receive)) // after the backends that it uses
	if err := r.OpenAll(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(r.CheckAll(context.Background()).Status())
	orders <- "rope"
	fmt.Println(r.CloseAll(context.Background())) // which waits until the order is stored
	// Output:
	// pass
	// stored rope
	// <nil>
}

func ExampleNew() {
	broken := func(context.Context) error { return fmt.Errorf("no such subscription") }

	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(worker.New("orders", broken))
	_ = r.OpenAll(context.Background())
	for r.CheckAll(context.Background()).OK() { // its first moment
	}
	fmt.Println(r.Check(context.Background(), "orders").Err)
	fmt.Println(r.CloseAll(context.Background()))
	// Output:
	// check orders: it has ended: no such subscription
	// close orders: no such subscription
}
