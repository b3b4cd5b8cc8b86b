package devstack_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/lab/devstack"
)

func Example() {
	stack, err := devstack.Start(context.Background(), "redis")
	if err != nil {
		log.Fatal(err)
	}
	address := strings.TrimPrefix(stack.Env()[0], "REDIS_URL=")

	conn, err := redis.DialURL(address)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Println(conn.Do("SET", "greeting", "hello"))

	_ = stack.StopServer("redis")
	_, err = conn.Do("PING")
	fmt.Println("alive in the outage:", err == nil)
	_ = stack.StartServer("redis")

	conn, err = redis.DialURL(address)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Println(redis.String(conn.Do("GET", "greeting")))

	if err := stack.Stop(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// OK <nil>
	// alive in the outage: false
	// hello <nil>
}
