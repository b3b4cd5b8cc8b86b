package mysql_test

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/registry"
)

func TestCancelledQueriesDoNotFillTheServerBeyondThePool(t *testing.T) {
	const limit = 10
	p := mariadb(t)
	_, res := open(t, p.config(func(cfg *mysql.Config) { cfg.MaxOpenConns = limit }))
	warm(t, res.DB(), limit) // a login may take longer than the queries wait
	most := 0
	count := func() {
		most = max(most, number(t, p.admin, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'app'"))
	}
	for range 4 {
		var asking sync.WaitGroup
		for range 50 {
			asking.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				if _, err := res.DB().ExecContext(ctx, "SELECT SLEEP(30)"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
			})
		}
		count()
		asking.Wait()
		count()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second) // half of it is for a connection of its own
	defer cancel()
	if err := res.Check(ctx); registry.KindOf(err) != registry.KindDegraded {
		t.Errorf("a check meanwhile: %v", err)
	}
	count()
	if stats := res.PoolStats(); stats.InUse != limit {
		t.Errorf("the pool shows %+v", stats)
	}
	if most > limit+1 || most < limit {
		t.Errorf("200 cancelled queries made %d threads at the server", most)
	}
	t.Logf("200 cancelled queries made %d threads at the server", most)
	exec(t, p.admin, "SELECT 1") // it serves others
	for id := range sleeping(t, p) {
		const gone = 1094 // the connection of the check may be
		_, err := p.admin.ExecContext(t.Context(), "KILL QUERY "+id)
		if refusal, ok := errors.AsType[*driver.MySQLError](err); err != nil && (!ok || refusal.Number != gone) {
			t.Fatal(err)
		}
	}
	if err := ask(t.Context(), res.DB()); err != nil {
		t.Errorf("when the server has let go: %v", err)
	}
}

func TestALoginThatIsCancelledKeepsNoPlace(t *testing.T) {
	_, url := fake(t)
	cfg := at(url)
	cfg.MaxOpenConns, cfg.MaxIdleConns = 1000, -1
	_, res := open(t, cfg)
	start := time.Now()
	warm(t, res.DB(), 1)
	took := time.Since(start)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for range 250 {
				ctx, cancel := context.WithTimeout(t.Context(), rand.N(2*took))
				if conn, err := res.DB().Conn(ctx); err == nil {
					_ = conn.Close()
				}
				cancel()
			}
		})
	}
	workers.Wait()
	eventually(t, func() bool { return res.PoolStats().Open == 0 })
}

func TestACutConnectionIsNotReadFrom(t *testing.T) {
	conn, err := net.Dial("tcp", silentPort(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cut := mysql.CutWire(conn.(kit.Socket))
	<-time.After(20 * time.Millisecond)
	start := time.Now()
	_ = cut.SetReadDeadline(start.Add(patience)) // as the driver does if there is a ReadTimeout
	_, err = cut.Read(make([]byte, 5))
	if took := time.Since(start); took >= patience || err == nil {
		t.Errorf("it took %v: %v", took, err)
	}
}

func TestAConnectionThatAProgramHoldsAfterItWasCutIsNotWaitedFor(t *testing.T) {
	fake, url := fake(t)
	r, res := open(t, at(url))
	held := borrow(t, res.DB(), 1)[0]
	fake.Freeze(true)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := held.ExecContext(ctx, "DO 1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := closeWithin(t, r, 500*time.Millisecond); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestAConnectionThatAProgramHasClosedItselfGivesItsPlaceBackOnce(t *testing.T) {
	fake, url := fake(t)
	_, res := open(t, at(url))
	err := borrow(t, res.DB(), 1)[0].Raw(func(conn any) error {
		_ = conn.(sqldriver.Conn).Close()
		return sqldriver.ErrBadConn // the pool closes it, too
	})
	if !errors.Is(err, sqldriver.ErrBadConn) {
		t.Errorf("got %v", err)
	}
	fake.WaitConns(0)
	warm(t, res.DB(), 1)
	fake.Freeze(true)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := ask(ctx, res.DB()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if stats := res.PoolStats(); stats.InUse != 1 {
		t.Errorf("the pool shows %+v, and not the connection that was cut", stats)
	}
}

// sleeping returns the ids of the connections whose statement still runs.
func sleeping(t *testing.T, p *process) map[string]bool {
	t.Helper()
	rows, err := p.admin.QueryContext(t.Context(), "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app'")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	ids := make(map[string]bool)
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids[id] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}
