package all_test

import (
	"context"
	"log"

	_ "github.com/vibework/mooring/backends/mysql" // what is imported is enabled
	_ "github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
)

func Example_minimal() {
	ctx := context.Background()
	if err := registry.OpenAll(ctx); err != nil { // in order, with retries; one error says all that is wrong
		log.Fatal(err)
	}
	report := registry.CheckAll(ctx) // in parallel, each in its time
	log.Println(report.OK(), report.Err())
	if err := registry.CloseAll(ctx); err != nil { // in reverse, with every error kept
		log.Fatal(err)
	}
}
