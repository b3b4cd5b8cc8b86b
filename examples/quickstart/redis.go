package main

import (
	"context"
	"fmt"

	driver "github.com/gomodule/redigo/redis"
)

// useRedis sets a key that expires and gets it.
func useRedis(ctx context.Context, pool *driver.Pool, key string) (string, error) {
	conn, err := pool.GetContext(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := driver.DoContext(conn, ctx, "SET", key, "moored", "EX", 60); err != nil {
		return "", err
	}
	value, err := driver.String(driver.DoContext(conn, ctx, "GET", key))
	if err != nil {
		return "", err
	}
	seconds, err := driver.Int(driver.DoContext(conn, ctx, "TTL", key))
	return fmt.Sprintf("redis:  got %q, which expires in %ds", value, seconds), err
}
