package mysql_test

import (
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/internal/mysqltest"
	"github.com/vibework/mooring/registry"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if shared != nil {
			shared.stop()
		}
		os.Exit(code)
	}))
}

// onServers says whether the tests run on the servers that the environment names instead of on fakes.
var onServers = os.Getenv("MOORING_TEST_SERVERS") == "env"

// named is MYSQL_URL as it was before any test touched the environment.
var named, _ = config.Load[mysql.Config]("mysql")

// server returns where a MySQL server is: a fake of this test's own, or the one that MYSQL_URL names.
func server(t *testing.T) (url string) {
	t.Helper()
	if !onServers {
		_, url := fake(t)
		return url
	}
	if named.URL.IsZero() {
		t.Fatal("MOORING_TEST_SERVERS=env wants MYSQL_URL")
	}
	return named.URL.Reveal()
}

// realServer says whether the tests run on MySQL or MariaDB itself. The embedded go-mysql-server, which gives
// itself away by its comment, answers with errors of its own and lists no idle connections.
func realServer(t *testing.T) bool {
	t.Helper()
	if !onServers {
		return false
	}
	_, res := open(t, at(server(t)))
	var comment string
	if err := res.DB().QueryRowContext(t.Context(), "SELECT @@version_comment").Scan(&comment); err != nil {
		t.Fatal(err)
	}
	return comment != "Dolt"
}

// fake starts a server that can fail on demand.
func fake(t *testing.T) (*mysqltest.Server, string) {
	t.Helper()
	s := mysqltest.Start(t, mysqltest.Options{User: "app", Password: "p@ss/w:rd", Database: "shop"})
	return s, "mysql://app:p%40ss%2Fw%3Ard@" + s.Addr() + "/shop"
}

// with returns the URL after edit.
func with(t *testing.T, raw string, edit func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	edit(u)
	return u.String()
}

// patience bounds what ends by itself, however busy the machine is.
const patience = 30 * time.Second

// at is a configuration for tests whose subject is no deadline.
func at(url string) mysql.Config {
	return mysql.Config{
		URL: config.NewSecret(url), DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience,
	}
}

// open registers and opens a resource of its own registry, and closes it after the test.
func open(t *testing.T, cfg mysql.Config, opts ...mysql.Option) (*registry.Registry, *mysql.Resource) {
	t.Helper()
	r, res := register(cfg, opts...)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.CloseAll(t.Context()) })
	return r, res
}

func register(cfg mysql.Config, opts ...mysql.Option) (*registry.Registry, *mysql.Resource) {
	r := &registry.Registry{OpenTimeout: patience, CheckTimeout: 6 * time.Second} // a full pool is waited for half of it
	res := mysql.New("mysql", append(opts, mysql.WithConfig(cfg))...)
	r.Register(res)
	return r, res
}

// borrow takes n connections out of the pool until the test ends.
func borrow(t *testing.T, db *sql.DB, n int) []*sql.Conn {
	t.Helper()
	var all []*sql.Conn
	for range n {
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		all = append(all, conn)
	}
	return all
}

// warm leaves n idle connections in the pool.
func warm(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	for _, conn := range borrow(t, db, n) {
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

var names atomic.Int32

// unique is a name that no other test has, also when they run again or at the same time elsewhere.
func unique() string {
	return fmt.Sprintf("mooring_%d_%d", time.Now().UnixNano(), names.Add(1))
}

func exec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func number(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func panicOf(f func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	f()
	return ""
}

func closedPort(t *testing.T) string {
	l := listen(t, "tcp", "127.0.0.1:0")
	l.Close()
	return l.Addr().String()
}

// silentPort accepts connections and says nothing.
func silentPort(t *testing.T) string {
	l := listen(t, "tcp", "127.0.0.1:0")
	serve(t, l, func(net.Conn) {})
	return l.Addr().String()
}

// says is a server that says something to whoever connects, and hangs up.
func says(text string) func(*testing.T) string {
	return func(t *testing.T) string {
		l := listen(t, "tcp", "127.0.0.1:0")
		serve(t, l, func(conn net.Conn) {
			_, _ = conn.Write([]byte(text))
			conn.Close()
		})
		return l.Addr().String()
	}
}

func listen(t *testing.T, network, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func serve(t *testing.T, l net.Listener, handle func(net.Conn)) {
	t.Helper()
	var serving sync.WaitGroup
	t.Cleanup(func() { l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			serving.Go(func() { handle(conn) })
		}
	})
}
