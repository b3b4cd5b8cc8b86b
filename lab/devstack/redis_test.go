package devstack_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/lab/devstack"
)

func TestRedisExpiresKeysAsTimeGoesBy(t *testing.T) {
	conn := dialRedis(t, start(t, "redis"))
	if _, err := conn.Do("SETEX", "k", 1, "v"); err != nil {
		t.Fatal(err)
	}
	if v, err := redis.String(conn.Do("GET", "k")); v != "v" || err != nil {
		t.Errorf("got %q, %v", v, err)
	}
	eventually(t, func(context.Context) error {
		if _, err := redis.String(conn.Do("GET", "k")); !errors.Is(err, redis.ErrNil) {
			return errors.New("the key is still there")
		}
		return nil
	})
}

func TestRedisRefusesAWrongPassword(t *testing.T) {
	stack := start(t, "redis")
	addr := dialRedisAddr(t, stack)
	_, err := redis.Dial("tcp", addr, redis.DialUsername("app"), redis.DialPassword("wrong"))
	if err == nil || !strings.HasPrefix(err.Error(), "WRONGPASS") {
		t.Errorf("got %v, want WRONGPASS", err)
	}
}

func TestRedisRefusesToServeStrangers(t *testing.T) {
	conn, err := redis.Dial("tcp", dialRedisAddr(t, start(t, "redis")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Do("GET", "k"); err == nil || !strings.HasPrefix(err.Error(), "NOAUTH") {
		t.Errorf("got %v, want NOAUTH", err)
	}
}

func TestRedisIsBackWithItsDataAfterAnOutage(t *testing.T) {
	stack := start(t, "redis")
	address := variable(t, stack, "REDIS_URL")
	pool := &redis.Pool{
		DialContext: func(ctx context.Context) (redis.Conn, error) {
			return redis.DialURLContext(ctx, address)
		},
		MaxIdle: 1,
	}
	defer pool.Close()
	do := func(ctx context.Context, command string, args ...any) (any, error) {
		conn, err := pool.GetContext(ctx)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		return redis.DoContext(conn, ctx, command, args...)
	}
	if _, err := do(t.Context(), "SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	playOutage(t, stack, "redis", func(ctx context.Context) error {
		_, err := do(ctx, "PING")
		return err
	})
	if v, err := redis.String(do(t.Context(), "GET", "k")); v != "v" || err != nil {
		t.Errorf("got %q, %v", v, err)
	}
}

func TestRedisCommandsThatWaitStillWaitAfterAnOutage(t *testing.T) {
	stack := start(t, "redis")
	if err := errors.Join(stack.StopServer("redis"), stack.StartServer("redis")); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	waiter, pusher := dialRedis(t, stack), dialRedis(t, stack)
	go func() {
		_, err := waiter.Do("BLPOP", "list", 20)
		waiting <- err
	}()
	if _, err := pusher.Do("RPUSH", "list", "x"); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil {
		t.Error(err)
	}
}

func dialRedis(t *testing.T, stack *devstack.Stack) redis.Conn {
	t.Helper()
	conn, err := redis.DialURL(variable(t, stack, "REDIS_URL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func dialRedisAddr(t *testing.T, stack *devstack.Stack) string {
	t.Helper()
	u, err := url.Parse(variable(t, stack, "REDIS_URL"))
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
