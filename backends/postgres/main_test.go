package postgres_test

import (
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	driver "github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/postgres"
	"github.com/vibework/mooring/registry"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(serving{m})
}

// serving runs the tests, and then ends the servers that they have started.
type serving struct{ *testing.M }

func (s serving) Run() int {
	defer stopAll()
	return s.M.Run()
}

// at is a configuration for tests whose subject is no deadline.
func at(url string) postgres.Config {
	return postgres.Config{URL: config.NewSecret(url), DialTimeout: patience}
}

// open registers and opens a resource of its own registry, and closes it after the test.
func open(t *testing.T, cfg postgres.Config, opts ...postgres.Option) (*registry.Registry, *postgres.Resource) {
	t.Helper()
	r, res := register(cfg, opts...)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.CloseAll(t.Context()) })
	return r, res
}

func register(cfg postgres.Config, opts ...postgres.Option) (*registry.Registry, *postgres.Resource) {
	r := &registry.Registry{OpenTimeout: patience, CheckTimeout: 6 * time.Second} // a full pool is waited for half of it
	res := postgres.New("postgres", append(opts, postgres.WithConfig(cfg))...)
	r.Register(res)
	return r, res
}

// borrow takes n connections out of the pool until the test ends.
func borrow(t *testing.T, pool *driver.Pool, n int) (all []*driver.Conn) {
	t.Helper()
	for range n {
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Release)
		all = append(all, conn)
	}
	return all
}

// setenv makes the variables of PostgreSQL those in pairs, such as "POSTGRES_HOST=h PGUSER=app", and no others.
func setenv(t *testing.T, pairs string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "POSTGRES_") || strings.HasPrefix(name, "PG") ||
			strings.HasPrefix(name, "DATABASE_URL") {
			t.Setenv(name, "")
		}
	}
	for pair := range strings.FieldsSeq(pairs) {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
