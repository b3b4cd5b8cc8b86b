package redis_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
)

// A program takes its handles once, after OpenAll, and passes them down.
func Example() {
	ctx := context.Background()
	if err := registry.OpenAll(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = registry.CloseAll(ctx) }()

	conn, err := redis.Conn(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	defer conn.Close()
	visits, err := driver.Int(driver.DoContext(conn, ctx, "INCR", "visits"))
	fmt.Println(visits, err)
}

// A second instance has a name, and variables, of its own.
func ExampleNew() {
	sessions := redis.New("redis-sessions") // reads REDIS_SESSIONS_URL and so on
	registry.Register(sessions)
	fmt.Println(registry.Unregister("redis-sessions"))
	// Output: true
}

func ExampleHandle() {
	if _, err := redis.Handle(); errors.Is(err, registry.ErrNotOpen) {
		fmt.Println(err)
	}
	// Output: redis: not open: registry.OpenAll has not opened it yet
}
