package postgres_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	driver "github.com/jackc/pgx/v5/pgxpool"

	"github.com/vibework/mooring/backends/postgres"
	"github.com/vibework/mooring/registry"
)

// readOnly makes sessions read-only, those of now too, or not.
func (s *postmaster) readOnly(t *testing.T, on string) {
	t.Helper()
	s.exec(t, "ALTER SYSTEM SET default_transaction_read_only = "+on, "SELECT pg_reload_conf()")
	eventually(t, func() bool {
		return s.number(t, "SELECT count(*) FROM pg_settings WHERE name = 'default_transaction_read_only' AND setting = '"+on+"'") == 1
	})
}

// eventually waits until what a server does of its own accord is done.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(patience); !done(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("it has not happened")
		}
	}
}

func TestTheRoleDecidesWhatAReadOnlyServerMeans(t *testing.T) {
	s := start(t)
	const noPrimary = "the server takes no writes, and the role asks for a primary"
	const noReplica = "the server takes writes, and the role asks for a replica"
	for _, test := range []struct {
		readOnly, role string
		kind           registry.Kind
		want           string
	}{
		{"off", "any", "", ""},
		{"off", "primary", "", ""},
		{"off", "replica", registry.KindConfig, noReplica},
		{"on", "any", "", ""},
		{"on", "primary", registry.KindReadOnly, noPrimary},
		{"on", "replica", "", ""},
	} {
		s.readOnly(t, test.readOnly)
		cfg := at(s.url())
		cfg.Role = test.role
		res := postgres.New("postgres", postgres.WithConfig(cfg))
		err := res.Open(t.Context())
		if err == nil {
			err = res.Check(t.Context())
		}
		if test.want == "" && err != nil || test.want != "" && (err == nil || err.Error() != test.want) ||
			registry.KindOf(err) != test.kind {
			t.Errorf("read-only %s, role %s\ngot  %v\nwant %s", test.readOnly, test.role, err, test.want)
		}
		_ = res.Close(t.Context())
	}
}

func TestOpenWaitsForAStandbyToBePromoted(t *testing.T) {
	s := start(t)
	s.stop()
	signal := filepath.Join(s.data(), "standby.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.own(t, signal)
	s.launch(t)
	cfg := at(s.url())
	cfg.Role = "primary"
	r, _ := register(cfg)
	r.OpenTimeout = patience
	refused := make(chan struct{}, 100)
	defer r.Observe(func(e registry.Event) {
		if registry.KindOf(e.Err) == registry.KindReadOnly {
			refused <- struct{}{}
		}
	})()
	opened := make(chan error, 1)
	go func() { opened <- r.OpenAll(t.Context()) }()
	<-refused
	s.exec(t, "SELECT pg_promote()")
	if err := <-opened; err != nil {
		t.Error(err)
	}
	if err := r.CloseAll(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOfSeveralHostsTheOneWithTheRoleIsTaken(t *testing.T) {
	first, second := start(t), server(t)
	first.readOnly(t, "on")
	cfg := at("postgres://app:p%40ss%2Fw%3Ard@" + closedPort(t) + "," + first.addr() + "," + second.addr() + "/postgres")
	for role, want := range map[string]int{"any": first.port, "replica": first.port, "primary": second.port} {
		cfg.Role = role
		_, res := open(t, cfg)
		var port int
		if err := res.Pool().QueryRow(t.Context(), "SELECT inet_server_port()").Scan(&port); err != nil || port != want {
			t.Errorf("role %s: port %d, want %d (%v)", role, port, want, err)
		}
	}
}

func TestAPoolLeavesADemotedServerAndRunsNothingTwice(t *testing.T) {
	s := start(t)
	s.exec(t, "CREATE TABLE orders (v text)")
	cfg := at(s.url())
	cfg.Role, cfg.MaxOpenConns = "primary", 3
	r, res := open(t, cfg)
	insert := func() error {
		_, err := res.Pool().Exec(t.Context(), "INSERT INTO orders (v) VALUES ('x')")
		return err
	}
	if err := insert(); err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Second) // so that the connection is old enough to leave
	s.readOnly(t, "on")
	err := insert()
	if answer, ok := errors.AsType[*pgconn.PgError](err); !ok || answer.Code != "25006" {
		t.Fatalf("the error of the server does not reach the program: %v", err)
	}
	if kind := registry.KindOf(postgres.Classify(insert())); kind != registry.KindReadOnly {
		t.Errorf("a new connection: %q", kind)
	}
	if kind := registry.KindOf(r.Check(t.Context(), "postgres").Err); kind != registry.KindReadOnly {
		t.Errorf("the check says %q", kind)
	}
	s.readOnly(t, "off")
	eventually(t, func() bool { return insert() == nil })
	if err := r.Check(t.Context(), "postgres").Err; err != nil {
		t.Errorf("after the promotion: %v", err)
	}
	if n := s.number(t, "SELECT count(*) FROM orders"); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

func TestATransactionThatIsReadOnlyOnPurposeStays(t *testing.T) {
	_, res := open(t, at(server(t).url()))
	pid := func() (n int) {
		if err := res.Pool().QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := pid()
	<-time.After(time.Second)
	tx, err := res.Pool().BeginTx(t.Context(), pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.Exec(t.Context(), "CREATE TABLE none (v text)")
	if kind := registry.KindOf(postgres.Classify(err)); kind != registry.KindReadOnly {
		t.Errorf("got %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	if after := pid(); after != before {
		t.Error("the connection has left the pool")
	}
}

func TestAFullPoolIsDegradedWhileItMoves(t *testing.T) {
	cfg := at(server(t).url())
	cfg.MaxOpenConns = 2
	r, res := open(t, cfg)
	held := borrow(t, res.Pool(), 2)
	result := r.Check(t.Context(), "postgres")
	if registry.KindOf(result.Err) != registry.KindDegraded || result.Status() != registry.Warn {
		t.Errorf("%v", result.Err)
	}
	held[0].Release()
	if result := r.Check(t.Context(), "postgres"); result.Err != nil {
		t.Errorf("when one has come back: %v", result.Err)
	}
}

func TestAFullServerFailsOnlyWithoutAConnectionOfOurs(t *testing.T) {
	s := start(t, "max_connections=5", "superuser_reserved_connections=1", "max_wal_senders=0")
	s.exec(t, "CREATE ROLE plain LOGIN PASSWORD 'x'")
	cfg := at("postgres://plain:x@" + s.addr() + "/postgres")
	cfg.MaxOpenConns, cfg.ConnMaxIdleTime = 2, time.Hour
	r, res := open(t, cfg)
	_, other := open(t, cfg)
	held := borrow(t, res.Pool(), 2)
	theirs := borrow(t, other.Pool(), 2)
	if result := r.Check(t.Context(), "postgres"); registry.KindOf(result.Err) != registry.KindDegraded {
		t.Errorf("two are ours: %v", result.Err)
	}
	for _, conn := range append(held, theirs...) {
		conn.Release()
	}
	res.Pool().Reset()
	eventually(t, func() bool { return s.number(t, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'plain'") == 2 })
	_, third := open(t, cfg)
	borrow(t, other.Pool(), 2)
	insist(t, third.Pool(), 2)
	want := "check postgres: exhausted: too many connections: the server has none to spare (53300)"
	if result := r.Check(t.Context(), "postgres"); result.Err == nil || result.Err.Error() != want || result.Status() != registry.Fail {
		t.Errorf("none is ours\ngot  %v\nwant %s", result.Err, want)
	}
}

// insist is borrow from a server that takes its time to let others go.
func insist(t *testing.T, pool *driver.Pool, n int) {
	t.Helper()
	for range n {
		eventually(t, func() bool {
			conn, err := pool.Acquire(t.Context())
			if err == nil {
				t.Cleanup(conn.Release)
			}
			return err == nil
		})
	}
}

func TestADatabaseThatTakesNoConnectionsIsTriedAgain(t *testing.T) {
	s := server(t)
	s.exec(t, "CREATE DATABASE shut ALLOW_CONNECTIONS false")
	t.Cleanup(func() { s.exec(t, "DROP DATABASE shut") })
	_, res := register(at(strings.Replace(s.url(), "/postgres", "/shut", 1)))
	const want = "the database takes no connections now, or an object is not ready (55000)"
	if err := res.Open(t.Context()); registry.KindOf(err) != registry.KindLoading || err.Error() != want {
		t.Errorf("got %s: %v", registry.KindOf(err), err)
	}
}

func TestAPoolHealsAfterARestartOfTheServer(t *testing.T) {
	s := start(t)
	r, res := open(t, at(s.url()))
	for _, conn := range borrow(t, res.Pool(), 5) {
		conn.Release()
	}
	s.stop()
	if kind := registry.KindOf(r.Check(t.Context(), "postgres").Err); kind != registry.KindUnreachable {
		t.Errorf("while it is away: %q", kind)
	}
	s.launch(t)
	if err := r.Check(t.Context(), "postgres").Err; err != nil {
		t.Errorf("when it is back: %v", err)
	}
	if err := ask(context.Background(), res.Pool()); err != nil {
		t.Errorf("a query when it is back: %v", err)
	}
}

func ask(ctx context.Context, pool *driver.Pool) error {
	var one int
	return pool.QueryRow(ctx, "SELECT 1").Scan(&one)
}
