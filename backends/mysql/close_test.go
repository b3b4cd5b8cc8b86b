package mysql_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/registry"
)

func TestCloseCutsConnectionsInUseAndCountsThem(t *testing.T) {
	r, res := open(t, at(server(t)))
	conns := borrow(t, res.DB(), 2)
	err := closeWithin(t, r, 500*time.Millisecond)
	want := "close mysql: timeout: 2 connections were still in use and have been cut"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := conns[0].PingContext(t.Context()); err == nil {
		t.Error("the connection still works")
	}
}

func TestATransactionThatEndsWithinTheShareOfCloseCommits(t *testing.T) {
	r, res := open(t, at(server(t)))
	tx, err := res.DB().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	committed := make(chan error, 1)
	time.AfterFunc(1500*time.Millisecond, func() {
		_, err := tx.ExecContext(t.Context(), "SELECT 1")
		committed <- errors.Join(err, tx.Commit())
	})
	if err := closeWithin(t, r, 30*time.Second); err != nil {
		t.Errorf("got %v", err)
	}
	if err := <-committed; err != nil {
		t.Errorf("the transaction: %v", err)
	}
}

func TestNothingIsLentOnceCloseHasBegun(t *testing.T) {
	fake, url := fake(t)
	_, res := open(t, at(url))
	held := borrow(t, res.DB(), 1)[0]
	fake.Freeze(true)
	lent := make(chan error, 1)
	go func() { // the server accepts, and does not greet
		_, err := res.DB().Conn(context.Background())
		lent <- err
	}()
	fake.WaitConns(2)
	closed := make(chan error, 1)
	go func() { closed <- res.Close(t.Context()) }()
	if err := <-lent; !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("what was logging in: %v", err)
	}
	if _, err := res.DB().Conn(t.Context()); err == nil {
		t.Error("a connection was lent")
	}
	_ = held.Close()
	if err := <-closed; err != nil {
		t.Errorf("got %v", err)
	}
}

// closeWithin is CloseAll with so much time.
func closeWithin(t *testing.T, r *registry.Registry, share time.Duration) error {
	ctx, cancel := context.WithTimeout(t.Context(), share)
	defer cancel()
	return r.CloseAll(ctx)
}

func TestNothingIsLeftOfAFailedOpen(t *testing.T) {
	proxy, url := proxied(t)
	for _, n := range []int64{0, 1, 4, 5, 50, 90} {
		proxy.CutAfter(n)
		err := mysql.New("mysql", mysql.WithConfig(at(url))).Open(t.Context())
		if kind := registry.KindOf(err); kind != registry.KindUnreachable {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
		eventually(t, func() bool { return proxy.Conns() == 0 }) // the proxy sees it a moment later
	}
}

func TestCloseOfAFrozenServerEndsInTime(t *testing.T) {
	proxy, url := proxied(t)
	r, res := open(t, at(url))
	warm(t, res.DB(), 3)
	proxy.Blackhole()
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := r.CloseAll(ctx); err != nil {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took >= patience {
		t.Errorf("it took %v", took)
	}
}

// asked is a connection that can be asked without a statement to prepare.
type asked interface {
	sqldriver.Conn
	sqldriver.QueryerContext
}

// stubborn makes connections that do not close before release is closed.
type stubborn struct {
	sqldriver.Connector
	release chan struct{}
}

type stubbornConn struct {
	asked
	release chan struct{}
}

func (s stubborn) Connect(ctx context.Context) (sqldriver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	return stubbornConn{conn.(asked), s.release}, err
}

func (c stubbornConn) Close() error {
	<-c.release
	return c.asked.Close()
}

func TestCloseGivesUpOnAHandleThatDoesNotClose(t *testing.T) {
	fake, url := fake(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	res := mysql.New("mysql", mysql.WithConfig(at(url)), mysql.WithHook(func(c sqldriver.Connector) *sql.DB {
		return sql.OpenDB(stubborn{c, release})
	}))
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	warm(t, res.DB(), 1)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := res.Close(ctx)
	if want := "1 connections were still in use and have been cut"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	fake.WaitConns(0)
}

func TestNothingIsLeftOnTheServerAfterClose(t *testing.T) {
	if !realServer(t) {
		fake, url := fake(t)
		r, res := open(t, at(url))
		warm(t, res.DB(), 5)
		borrow(t, res.DB(), 1)
		_ = closeWithin(t, r, 500*time.Millisecond)
		fake.WaitConns(0)
		return
	}
	_, admin := open(t, at(server(t)))
	user := unique()[len("mooring_1"):]
	exec(t, admin.DB(), "CREATE USER '"+user+"' IDENTIFIED BY 'pw'")
	t.Cleanup(func() {
		if _, err := admin.DB().ExecContext(context.Background(), "DROP USER '"+user+"'"); err != nil {
			t.Error(err)
		}
	})
	cfg := at(with(t, server(t), func(u *url.URL) { u.User, u.Path = url.UserPassword(user, "pw"), "" }))
	r, res := open(t, cfg)
	warm(t, res.DB(), 5)
	borrow(t, res.DB(), 1)
	theirs := "SELECT COUNT(*) FROM information_schema.processlist WHERE user = '" + user + "'"
	if n := number(t, admin.DB(), theirs); n != 5 {
		t.Errorf("%d connections, want 5", n)
	}
	_ = closeWithin(t, r, 500*time.Millisecond)
	eventually(t, func() bool { return number(t, admin.DB(), theirs) == 0 }) // the server lists them a moment longer
}
