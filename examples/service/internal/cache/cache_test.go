package cache_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/examples/service/internal/cache"
)

func TestAValueIsLoadedOnceUntilItExpires(t *testing.T) {
	server := miniredis.RunT(t)
	c, loads := at(t, server.Addr()), counter{}
	for _, want := range []int{1, 1} {
		if got := loads.read(t, c); got != want {
			t.Errorf("it is %d, not %d", got, want)
		}
	}
	server.FastForward(c.TTL)
	if got := loads.read(t, c); got != 2 {
		t.Errorf("after its time it is %d", got)
	}
}

func TestAForgottenValueIsLoadedAgain(t *testing.T) {
	c, loads := at(t, miniredis.RunT(t).Addr()), counter{}
	loads.read(t, c)
	c.Forget(t.Context(), "key")
	if got := loads.read(t, c); got != 2 {
		t.Errorf("it is %d", got)
	}
}

func TestWithoutRedisEverythingIsLoaded(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for name, c := range map[string]*cache.Cache{
		"silent":   at(t, listener.Addr().String()),
		"refusing": at(t, "127.0.0.1:1"),
		"not open": {Pool: func() (*driver.Pool, error) { return nil, errors.New("not open") }},
	} {
		var loads counter
		loads.read(t, c)
		c.Forget(t.Context(), "key")
		if got := loads.read(t, c); got != 2 {
			t.Errorf("%s: it is %d", name, got)
		}
	}
}

func TestAFailureToLoadIsNotKept(t *testing.T) {
	c := at(t, miniredis.RunT(t).Addr())
	broken := errors.New("broken")
	_, err := cache.Read(t.Context(), c, "key", func(context.Context) (int, error) { return 7, broken })
	if !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	if got := new(counter).read(t, c); got != 1 {
		t.Errorf("it is %d", got)
	}
}

// counter counts how often it is loaded.
type counter struct{ n int }

func (l *counter) read(t *testing.T, c *cache.Cache) int {
	t.Helper()
	value, err := cache.Read(t.Context(), c, "key", func(context.Context) (int, error) {
		l.n++
		return l.n, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func at(t *testing.T, addr string) *cache.Cache {
	pool := &driver.Pool{DialContext: func(ctx context.Context) (driver.Conn, error) {
		return driver.DialContext(ctx, "tcp", addr)
	}}
	t.Cleanup(func() { pool.Close() })
	return &cache.Cache{Pool: func() (*driver.Pool, error) { return pool, nil }, TTL: time.Minute}
}
