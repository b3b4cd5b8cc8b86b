package mysql_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/internal/tcptest"
	"github.com/vibework/mooring/registry"
)

func TestTheRoleDecidesWhatAReadOnlyServerMeans(t *testing.T) {
	p := mariadb(t)
	const noPrimary, noReplica = "read_only: the server takes no writes, and the role asks for a primary",
		"config: the server takes writes, and the role asks for a replica"
	for _, test := range []struct{ readOnly, role, want string }{
		{"0", "any", ""},
		{"0", "primary", ""},
		{"0", "replica", noReplica},
		{"1", "any", ""},
		{"1", "primary", noPrimary},
		{"1", "replica", ""},
	} {
		exec(t, p.admin, "SET GLOBAL read_only = "+test.readOnly)
		res := mysql.New("mysql", mysql.WithConfig(p.config(func(c *mysql.Config) { c.Role = test.role })))
		err := res.Open(t.Context())
		if err == nil {
			err = res.Check(t.Context())
		}
		if got := describe(err); got != test.want && (test.want != "" || err != nil) {
			t.Errorf("read_only %s, role %s\ngot  %s\nwant %s", test.readOnly, test.role, got, test.want)
		}
		_ = res.Close(t.Context())
	}
}

func TestAServerThatDoesNotKnowTheQuestionDecidesNothing(t *testing.T) {
	fake, url := fake(t)
	cfg := at(url)
	cfg.MaxIdleConns = -1
	res := mysql.New("mysql", mysql.WithConfig(cfg))
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Close(t.Context()) }()
	cfg.Role = "primary"
	strict := mysql.New("mysql", mysql.WithConfig(cfg))
	fake.FailStatements("SELECT 1 FROM", 1064)
	fake.FailStatements("@@global.read_only", 1193)
	if err := res.Check(t.Context()); err != nil {
		t.Errorf("with any role: %v", err)
	}
	want := "permission: the server does not say whether it takes writes (1193), and MYSQL_ROLE asks it"
	if got := describe(strict.Open(t.Context())); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestANodeThatReadsNoTableIsNotReady(t *testing.T) {
	fake, url := fake(t)
	for _, role := range []string{"any", "primary"} {
		cfg := at(url)
		cfg.Role = role
		fake.FailStatements(" FROM ", 1047)
		err := mysql.New("mysql", mysql.WithConfig(cfg)).Open(t.Context())
		if got, want := describe(err), "loading: the node of the cluster is not ready (1047)"; got != want {
			t.Errorf("role %s\ngot  %s\nwant %s", role, got, want)
		}
	}
}

func TestACheckMeetsWhatAPingDoesNot(t *testing.T) {
	p := mariadb(t)
	exec(t, p.admin, "SET GLOBAL disconnect_on_expired_password = 0; ALTER USER app PASSWORD EXPIRE")
	r, _ := register(p.config(func(*mysql.Config) {}))
	err := r.OpenAll(t.Context())
	if want := "open mysql: auth: the password has expired (1820)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAPoolLeavesADemotedServerAndRunsNothingTwice(t *testing.T) {
	p := mariadb(t)
	cfg := p.config(func(c *mysql.Config) { c.Role, c.MaxOpenConns = "primary", 3 })
	r, res := open(t, cfg)
	warm(t, res.DB(), 3)
	made := func() int {
		return number(t, p.admin, "SELECT variable_value "+
			"FROM information_schema.global_status WHERE variable_name = 'Connections'")
	}
	insert := func() error {
		_, err := res.DB().ExecContext(t.Context(), "INSERT INTO orders (v) VALUES ('x')")
		return err
	}
	if err := insert(); err != nil {
		t.Fatal(err)
	}
	exec(t, p.admin, "SET GLOBAL read_only = 1")
	before, start := made(), time.Now()
	for time.Since(start) < 2500*time.Millisecond {
		if answer, ok := errors.AsType[*driver.MySQLError](insert()); !ok || answer.Number != 1290 {
			t.Fatal("the error of the server does not reach the program")
		}
	}
	n, took := made()-before, time.Since(start)
	if n > 3*int(took/time.Second+1) {
		t.Errorf("%d connections were made in %v by a pool of 3", n, took)
	}
	if kind := registry.KindOf(r.Check(t.Context(), "mysql").Err); kind != registry.KindReadOnly {
		t.Errorf("the check says %q", kind)
	}
	exec(t, p.admin, "SET GLOBAL read_only = 0")
	for range 10 {
		if err := insert(); err != nil {
			t.Errorf("after the promotion: %v", err)
		}
	}
	if err := r.Check(t.Context(), "mysql").Err; err != nil {
		t.Errorf("after the promotion: %v", err)
	}
	if n := number(t, p.admin, "SELECT COUNT(*) FROM shop.orders"); n != 11 {
		t.Errorf("%d rows, want 11", n)
	}
}

func TestEveryStatementMaySayThatTheServerIsReadOnly(t *testing.T) {
	p := mariadb(t)
	exec(t, p.admin, "SET GLOBAL read_only = 1")
	const statement = "INSERT INTO orders (v) VALUES ('x')"
	for name, write := range map[string]func(context.Context, *sql.Conn) error{
		"exec": func(ctx context.Context, c *sql.Conn) error {
			_, err := c.ExecContext(ctx, statement)
			return err
		},
		"query": func(ctx context.Context, c *sql.Conn) error {
			return c.QueryRowContext(ctx, statement).Err()
		},
		"prepared": func(ctx context.Context, c *sql.Conn) error {
			_, err := c.ExecContext(ctx, "INSERT INTO orders (v) VALUES (?)", "x")
			return err
		},
		"transaction": func(ctx context.Context, c *sql.Conn) error {
			tx, err := c.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, statement)
			return errors.Join(err, tx.Rollback())
		},
		"commit": func(ctx context.Context, c *sql.Conn) error {
			exec(t, p.admin, "SET GLOBAL read_only = 0")
			tx, err := c.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, statement)
			exec(t, p.admin, "SET GLOBAL read_only = 1")
			return errors.Join(err, tx.Commit())
		},
	} {
		_, res := open(t, p.config(func(c *mysql.Config) { c.MaxOpenConns = 1 }))
		conn := borrow(t, res.DB(), 1)[0]
		<-time.After(time.Second)
		if answer, ok := errors.AsType[*driver.MySQLError](write(t.Context(), conn)); !ok || answer.Number != 1290 {
			t.Errorf("%s: not the error of the server", name)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if n := res.DB().Stats().OpenConnections; n != 0 {
			t.Errorf("%s: the connection stays in the pool", name)
		}
	}
}

func TestATransactionThatIsReadOnlyOnPurposeStays(t *testing.T) {
	p := mariadb(t)
	_, res := open(t, p.config(func(c *mysql.Config) { c.MaxOpenConns = 1 }))
	<-time.After(time.Second)
	tx, err := res.DB().BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.ExecContext(t.Context(), "INSERT INTO orders (v) VALUES ('x')")
	if answer, ok := errors.AsType[*driver.MySQLError](err); !ok || answer.Number != 1792 {
		t.Errorf("got %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	if n := res.DB().Stats().OpenConnections; n != 1 {
		t.Error("the connection has left the pool")
	}
}

func TestConnectionsLeaveAnAddressThatTheNameHasLeft(t *testing.T) {
	fake, _ := fake(t)
	_, port, _ := net.SplitHostPort(fake.Addr())
	var moved atomic.Int32
	serve(t, listen(t, "tcp", "127.0.0.2:"+port), func(client net.Conn) {
		moved.Add(1)
		upstream, err := net.Dial("tcp", fake.Addr())
		if err != nil {
			return
		}
		defer upstream.Close()
		go func() { _, _ = io.Copy(upstream, client); upstream.Close() }()
		_, _ = io.Copy(client, upstream)
	})
	names := tcptest.NamesLeadTo(t, "127.0.0.1")
	cfg := at("mysql://app:p%40ss%2Fw%3Ard@db.mooring.test:" + port + "/shop")
	cfg.Role = "primary"
	_, res := open(t, cfg)
	for _, step := range []struct {
		answers [][]string
		moved   int32
	}{
		{[][]string{{"127.0.0.1"}, {"127.0.0.2"}, {"127.0.0.2"}, {}}, 0}, // in turn, and not at all
		{[][]string{{"127.0.0.2"}, {"127.0.0.2"}, {"127.0.0.2"}}, 2},
	} {
		mysql.ForgetLookups(res)
		warm(t, res.DB(), 2)
		for _, answer := range step.answers {
			names.LeadTo(answer...)
			if err := res.Check(t.Context()); err != nil {
				t.Error(err)
			}
		}
		names.LeadTo("127.0.0.2")
		warm(t, res.DB(), 2)
		if n := moved.Load(); n != step.moved {
			t.Errorf("after the answers %v: %d connections to the new address, want %d", step.answers, n, step.moved)
		}
	}
}

func TestAFullServerFailsOnlyWithoutAConnectionOfOurs(t *testing.T) {
	p := mariadbWith(t, "--max-connections=10")
	cfg := p.config(func(c *mysql.Config) { c.MaxOpenConns = 2 })
	r, res := open(t, cfg)
	_, other := open(t, p.config(func(*mysql.Config) {}))
	borrow(t, other.DB(), 8)
	_ = p.admin.Close()
	held := insist(t, res.DB(), 2)
	if result := r.Check(t.Context(), "mysql"); registry.KindOf(result.Err) != registry.KindDegraded {
		t.Errorf("all are ours: %v", result.Err)
	}
	for _, conn := range held {
		_ = conn.Close()
	}
	res.DB().SetMaxIdleConns(-1)
	insist(t, other.DB(), 2)
	want := "check mysql: exhausted: too many connections: the server has none to spare (1040)"
	if result := r.Check(t.Context(), "mysql"); result.Err == nil || result.Err.Error() != want || result.Status() != registry.Fail {
		t.Errorf("none is ours\ngot  %v\nwant %s", result.Err, want)
	}
}

// insist is borrow from a server that takes its time to let others go.
func insist(t *testing.T, db *sql.DB, n int) (all []*sql.Conn) {
	t.Helper()
	for range n {
		eventually(t, func() bool {
			conn, err := db.Conn(t.Context())
			if err == nil {
				t.Cleanup(func() { _ = conn.Close() })
				all = append(all, conn)
			}
			return err == nil
		})
	}
	return all
}
