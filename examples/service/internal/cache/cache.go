// Package cache keeps answers in Redis for a while. It never stands in the way: without Redis, or with one that
// is slow, everything is read from where it came from.
package cache

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	driver "github.com/gomodule/redigo/redis"
)

// patience is how long a cache may take and still be worth asking.
const patience = 200 * time.Millisecond

// Cache is a cache in Redis. Its methods and [Read] may be called concurrently.
type Cache struct {
	// Pool is redis.Handle. It is asked each time, since an optional Redis may be opened, or closed, at any time.
	Pool func() (*driver.Pool, error)
	// TTL is how long a value is kept, and so how old an answer can be: a read that is overtaken by a change
	// can store what was before.
	TTL time.Duration
}

// Read returns the value of key from c or, if it is not there, from load; then it is kept as JSON. An error is
// always one of load.
func Read[T any](
	ctx context.Context, c *Cache, key string, load func(context.Context) (T, error),
) (T, error) {
	var value T
	text, err := driver.Bytes(c.do(ctx, "GET", key))
	if err == nil && json.Unmarshal(text, &value) == nil {
		return value, nil
	}
	value, err = load(ctx)
	if err != nil {
		return value, err
	}
	if text, err = json.Marshal(value); err == nil {
		_, _ = c.do(ctx, "SET", key, text, "PX", c.TTL.Milliseconds()) // do has logged the error
	}
	return value, nil
}

// Forget drops the value of key, which has changed.
func (c *Cache) Forget(ctx context.Context, key string) {
	_, _ = c.do(ctx, "DEL", key) // if it fails, the TTL is the limit
}

// do sends one command. Its error is for deciding only: there is nobody to be told, and health checks report it.
func (c *Cache) do(ctx context.Context, command string, args ...any) (any, error) {
	pool, err := c.Pool()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pool.GetContext(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	reply, err := driver.DoContext(conn, ctx, command, args...)
	if err != nil {
		slog.Debug("the cache did not answer", "command", command, "error", err)
	}
	return reply, err
}

// OrderKey is the key of an order.
func OrderKey(id int64) string { return "order:" + strconv.FormatInt(id, 10) }
