package redis_test

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	driver "github.com/gomodule/redigo/redis"
	"go.uber.org/goleak"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

// onServers says whether the tests run on the servers that the environment names instead of on fakes.
var onServers = os.Getenv("MOORING_TEST_SERVERS") == "env"

// server returns where a Redis server is: a fake of this test's own, or the one that REDIS_* names.
func server(t *testing.T) (url string) {
	t.Helper()
	if !onServers {
		return "redis://" + miniredis.RunT(t).Addr() + "/1"
	}
	cfg, err := config.Load[redis.Config]("redis")
	if err != nil || cfg.URL.IsZero() {
		t.Fatalf("MOORING_TEST_SERVERS=env wants REDIS_URL: %v", err)
	}
	return cfg.URL.Reveal()
}

// patience bounds what ends by itself, however busy the machine is.
const patience = 30 * time.Second

// at is a configuration for tests whose subject is no deadline.
func at(url string) redis.Config {
	return redis.Config{
		URL: config.NewSecret(url), DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience,
	}
}

// open registers and opens a resource of its own registry, and closes it after the test.
func open(t *testing.T, cfg redis.Config, opts ...redis.Option) (*registry.Registry, *redis.Resource) {
	t.Helper()
	r, res := register(cfg, opts...)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.CloseAll(t.Context()) })
	return r, res
}

func register(cfg redis.Config, opts ...redis.Option) (*registry.Registry, *redis.Resource) {
	r := &registry.Registry{OpenTimeout: patience, CheckTimeout: 6 * time.Second} // a full pool is waited for half of it
	res := redis.New("redis", append(opts, redis.WithConfig(cfg))...)
	r.Register(res)
	return r, res
}

func get(t *testing.T, res *redis.Resource, key string) string {
	t.Helper()
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	value, err := driver.String(driver.DoContext(conn, t.Context(), "GET", key))
	if err != nil {
		t.Fatal(err)
	}
	return value
}
