package mysqltest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/internal/mysqltest"
)

const (
	user     = "app"
	password = "p@ss/w:rd?#%"
)

func TestTheRightPasswordOpensAWorkingHandle(t *testing.T) {
	s := start(t, mysqltest.Options{Database: "shop"})
	cfg := config(s)
	cfg.DBName = "shop"
	cfg.Params = map[string]string{"sql_mode": "'ANSI'"}
	db := open(t, cfg)
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatalf("ping: %v", err)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO orders VALUES (1)"); err != nil {
		t.Errorf("insert: %v", err)
	}
	var one int
	if err := db.QueryRowContext(t.Context(), "SELECT 1").Scan(&one); err != nil || one != 1 {
		t.Errorf("SELECT 1 is %d, %v", one, err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	if err := tx.Commit(); err != nil {
		t.Errorf("commit: %v", err)
	}
	if got := s.Accepted(); got != 1 {
		t.Errorf("one session took %d connections", got)
	}
}

func TestAClientMayAskForThePacketLimit(t *testing.T) {
	s := start(t, mysqltest.Options{})
	cfg := config(s)
	cfg.MaxAllowedPacket = 0
	if err := open(t, cfg).PingContext(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAPreparedStatementIsRefused(t *testing.T) {
	db := open(t, config(start(t, mysqltest.Options{})))
	_, err := db.ExecContext(t.Context(), "DO ?", 1) // the driver prepares what has arguments
	wantNumber(t, err, 1047)
}

func TestAWrongLoginIsRefusedInTheWordsOfMariaDB(t *testing.T) {
	tests := []struct {
		name string
		edit func(*mysql.Config)
		want string
	}{
		{
			"password", func(c *mysql.Config) { c.Passwd = "other" },
			"Error 1045 (28000): Access denied for user 'app'@'localhost' (using password: YES)",
		},
		{
			"no password", func(c *mysql.Config) { c.Passwd = "" },
			"Error 1045 (28000): Access denied for user 'app'@'localhost' (using password: NO)",
		},
		{
			"user", func(c *mysql.Config) { c.User = "root" },
			"Error 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)",
		},
		{
			"database", func(c *mysql.Config) { c.DBName = "shpo" },
			"Error 1049 (42000): Unknown database 'shpo'",
		},
	}
	s := start(t, mysqltest.Options{Database: "shop"})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := config(s)
			test.edit(cfg)
			err := open(t, cfg).PingContext(t.Context())
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
	s.WaitConns(0)
}

func TestAnEmptyPasswordIsAPassword(t *testing.T) {
	s := mysqltest.Start(t, mysqltest.Options{User: user})
	cfg := config(s)
	wantNumber(t, open(t, cfg).PingContext(t.Context()), 1045)
	cfg.Passwd = ""
	if err := open(t, cfg).PingContext(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTLSIsOfferedWhenThereIsACertificate(t *testing.T) {
	certificate, roots := certified()
	s := start(t, mysqltest.Options{TLS: certificate})
	cfg := config(s)
	if err := open(t, cfg).PingContext(t.Context()); err != nil {
		t.Errorf("without TLS: %v", err)
	}
	cfg.TLS = &tls.Config{RootCAs: roots}
	if err := open(t, cfg).PingContext(t.Context()); err != nil {
		t.Errorf("with TLS: %v", err)
	}
	cfg.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	err := open(t, cfg).PingContext(t.Context())
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("an unknown authority gives %v", err)
	}

	cfg = config(start(t, mysqltest.Options{}))
	cfg.TLS = &tls.Config{RootCAs: roots}
	if err := open(t, cfg).PingContext(t.Context()); !errors.Is(err, mysql.ErrNoTLS) {
		t.Errorf("a server without a certificate gives %v", err)
	}
}

func TestFailPingFailsPingsAndNothingElse(t *testing.T) {
	s := start(t, mysqltest.Options{})
	db := open(t, config(s))
	for _, number := range []int{1053, 4711} {
		s.FailPing(number)
		wantNumber(t, db.PingContext(t.Context()), number)
		if _, err := db.ExecContext(t.Context(), "DO 1"); err != nil {
			t.Errorf("a statement fails too: %v", err)
		}
	}
	s.FailPing(0)
	if err := db.PingContext(t.Context()); err != nil {
		t.Errorf("after FailPing(0): %v", err)
	}
}

func TestFailQueryFailsStatementsWhichAreListed(t *testing.T) {
	s := start(t, mysqltest.Options{})
	db := open(t, config(s))
	s.FailQuery(1290)
	_, err := db.ExecContext(t.Context(), "DO 1")
	wantNumber(t, err, 1290)
	s.FailQuery(0)
	if _, err := db.ExecContext(t.Context(), "DO 2"); err != nil {
		t.Errorf("after FailQuery(0): %v", err)
	}
	if got := s.Queries(); !slices.Equal(got, []string{"DO 1", "DO 2"}) {
		t.Errorf("got %q", got)
	}
}

func TestRejectConnectionsTurnsNewClientsAwayOnly(t *testing.T) {
	s := start(t, mysqltest.Options{})
	early := open(t, config(s))
	if err := early.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, number := range []int{1040, 1044, 1053, 1129, 1203, 1290} {
		s.RejectConnections(number)
		wantNumber(t, open(t, config(s)).PingContext(t.Context()), number)
	}
	cfg := config(s)
	cfg.RejectReadOnly = true
	if err := open(t, cfg).PingContext(t.Context()); !errors.Is(err, sqldriver.ErrBadConn) {
		t.Errorf("a client that rejects read-only servers gets %v", err)
	}
	if err := early.PingContext(t.Context()); err != nil {
		t.Errorf("the client that was there before: %v", err)
	}
	s.RejectConnections(0)
	if err := open(t, config(s)).PingContext(t.Context()); err != nil {
		t.Errorf("after RejectConnections(0): %v", err)
	}
}

func TestAFrozenServerAnswersNobodyUntilItThaws(t *testing.T) {
	s := start(t, mysqltest.Options{})
	connected, fresh := open(t, config(s)), open(t, config(s))
	if err := connected.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Freeze(true)
	for _, db := range []*sql.DB{connected, fresh} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := db.PingContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a frozen server gives %v", err)
		}
		cancel()
	}
	s.Freeze(false)
	s.WaitConns(0)
	for _, db := range []*sql.DB{connected, fresh} {
		if err := db.PingContext(t.Context()); err != nil {
			t.Errorf("after the thaw: %v", err)
		}
	}
}

func TestGarbageEndsTheConnection(t *testing.T) {
	s := start(t, mysqltest.Options{})
	tests := map[string]string{
		"an empty packet":        "\x00\x00\x00\x01",
		"a short response":       "\x03\x00\x00\x01abc",
		"a user without end":     "\x22\x00\x00\x01" + strings.Repeat("a", 34),
		"a proof without length": "\x22\x00\x00\x01" + strings.Repeat("a", 33) + "\x00",
		"a proof cut short":      "\x23\x00\x00\x01" + strings.Repeat("a", 33) + "\x00\xff",
	}
	for name, bytes := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.WriteString(c, bytes); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the server keeps the connection open")
			}
		})
	}
}

func TestTheDriverSurvivesARestart(t *testing.T) {
	s := start(t, mysqltest.Options{})
	db := open(t, config(s))
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("a stopped server answers")
	}
	s.Restart()
	if err := db.PingContext(t.Context()); err != nil {
		t.Errorf("after the restart: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	s.WaitConns(0)
	if got := s.Accepted(); got != 2 {
		t.Errorf("%d connections accepted, want one before and one after", got)
	}
}

func start(t *testing.T, o mysqltest.Options) *mysqltest.Server {
	t.Helper()
	o.User, o.Password = user, password
	return mysqltest.Start(t, o)
}

// certified borrows the certificate for 127.0.0.1 that net/http keeps for tests.
func certified() (*tls.Config, *x509.CertPool) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, roots
}

func config(s *mysqltest.Server) *mysql.Config {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd = "tcp", s.Addr(), user, password
	cfg.Logger = &mysql.NopLogger{}
	return cfg
}

func open(t *testing.T, cfg *mysql.Config) *sql.DB {
	t.Helper()
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func wantNumber(t *testing.T, err error, number int) {
	t.Helper()
	problem, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok || int(problem.Number) != number {
		t.Errorf("got %v, want error %d", err, number)
	}
}
