package redis_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/alicebob/miniredis/v2"
	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/config"
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

// A command that waits at the server gets more time than REDIS_READ_TIMEOUT: its own and a second.
func ExampleConn_blocking() {
	res, stop := exampleServer()
	defer stop()
	ctx := context.Background()
	conn, err := res.Conn(ctx) // redis.Conn(ctx) for the default instance
	if err != nil {
		log.Print(err)
		return
	}
	defer conn.Close()
	_, _ = driver.DoContext(conn, ctx, "RPUSH", "jobs", "first")
	job, err := driver.Strings(driver.DoWithTimeout(conn, 6*time.Second, "BLPOP", "jobs", 5))
	fmt.Println(job, err)
	// Output: [jobs first] <nil>
}

// A subscription keeps its connection, and waits without a limit until the connection is closed.
func ExampleConn_subscription() {
	res, stop := exampleServer()
	defer stop()
	ctx := context.Background()
	conn, err := res.Conn(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	news := driver.PubSubConn{Conn: conn}
	defer news.Close()
	if err := news.Subscribe("news"); err != nil {
		log.Print(err)
		return
	}
	for {
		switch event := news.ReceiveWithTimeout(0).(type) {
		case driver.Subscription:
			go publish(ctx, res)
		case driver.Message:
			fmt.Printf("%s: %s\n", event.Channel, event.Data)
			return
		case error:
			log.Print(event)
			return
		}
	}
	// Output: news: hello
}

func publish(ctx context.Context, res *redis.Resource) {
	if conn, err := res.Conn(ctx); err == nil {
		defer conn.Close()
		_, _ = driver.DoContext(conn, ctx, "PUBLISH", "news", "hello")
	}
}

// exampleServer returns a resource that is open, and what ends it.
func exampleServer() (res *redis.Resource, stop func()) {
	server, err := miniredis.Run()
	if err != nil {
		log.Fatal(err)
	}
	var port config.Port
	_ = port.UnmarshalText([]byte(server.Port()))
	res = redis.New("redis", redis.WithConfig(redis.Config{Host: server.Host(), Port: port}))
	if err := res.Open(context.Background()); err != nil {
		log.Fatal(err)
	}
	return res, func() {
		_ = res.Close(context.Background())
		server.Close()
	}
}

// The kind of an error that a connection has returned says what to do about it.
func ExampleClassify() {
	err := driver.Error("READONLY You can't write against a read only replica.")
	fmt.Println(registry.KindOf(redis.Classify(err)), "-", redis.Classify(err))
	// Output: read_only - the server is a replica and takes no writes (READONLY)
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
