package postgres_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/jackc/pgx/v5/pgxpool"

	"github.com/vibework/mooring/backends/postgres"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// closeWithin is CloseAll with so much time.
func closeWithin(t *testing.T, r *registry.Registry, share time.Duration) error {
	ctx, cancel := context.WithTimeout(t.Context(), share)
	defer cancel()
	return r.CloseAll(ctx)
}

func TestCloseCutsConnectionsInUseAndCountsThem(t *testing.T) {
	r, res := open(t, at(server(t).url()))
	conns := borrow(t, res.Pool(), 2)
	hijacked := borrow(t, res.Pool(), 1)[0].Hijack() // as whoever listens for notifications does
	err := closeWithin(t, r, 500*time.Millisecond)
	want := "close postgres: timeout: 3 connections were still in use and have been cut"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if conns[0].Ping(t.Context()) == nil || hijacked.Ping(t.Context()) == nil {
		t.Error("a connection still works")
	}
}

func TestCloseDoesNotCountWhatOnlyAsked(t *testing.T) {
	for name, checked := range map[string]bool{"after a check": true, "during a check": false} {
		t.Run(name, func(t *testing.T) {
			proxy := faultproxy.New(t, server(t).addr())
			r, res := open(t, at("postgres://app:p%40ss%2Fw%3Ard@"+proxy.Addr()+"/postgres"))
			proxy.Blackhole()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			done := make(chan error, 1)
			if checked {
				done <- res.Check(ctx)
			} else {
				go func() { done <- res.Check(t.Context()) }()
				eventually(t, func() bool { return res.PoolStats().InUse > 0 })
			}
			if err := closeWithin(t, r, 500*time.Millisecond); err != nil {
				t.Errorf("got %v", err)
			}
			if err := <-done; err == nil {
				t.Error("the check has an answer")
			}
		})
	}
}

func TestATransactionThatEndsWithinTheShareOfCloseCommits(t *testing.T) {
	s := server(t)
	s.exec(t, "CREATE TABLE shop (v text)")
	t.Cleanup(func() { s.exec(t, "DROP TABLE shop") })
	r, res := open(t, at(s.url()))
	tx, err := res.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	committed := make(chan error, 1)
	time.AfterFunc(time.Second, func() {
		_, err := tx.Exec(t.Context(), "INSERT INTO shop VALUES ('x')")
		committed <- errors.Join(err, tx.Commit(t.Context()))
	})
	if err := closeWithin(t, r, patience); err != nil {
		t.Errorf("got %v", err)
	}
	if err := <-committed; err != nil {
		t.Errorf("the transaction: %v", err)
	}
	if n := s.number(t, "SELECT count(*) FROM shop"); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

func TestNothingIsLentOnceCloseHasBegun(t *testing.T) {
	_, res := open(t, at(server(t).url()))
	held := borrow(t, res.Pool(), 1)[0]
	closed := make(chan error, 1)
	go func() { closed <- res.Close(t.Context()) }()
	eventually(t, func() bool {
		conn, err := res.Pool().Acquire(t.Context())
		if err == nil {
			conn.Release()
		}
		return registry.KindOf(postgres.Classify(err)) == registry.KindNotOpen
	})
	held.Release()
	if err := <-closed; err != nil {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsLeftOnTheServerAfterClose(t *testing.T) {
	s := server(t)
	cfg := at(s.url() + "?application_name=leftover")
	r, res := open(t, cfg)
	for _, conn := range borrow(t, res.Pool(), 5) {
		conn.Release()
	}
	borrow(t, res.Pool(), 1)
	_ = closeWithin(t, r, 500*time.Millisecond)
	eventually(t, func() bool {
		return s.number(t, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leftover'") == 0
	})
}

// The driver keeps a connection whose query was given up for 15s, to have the server cancel it over another one.
func TestCloseDoesNotWaitForQueriesThatWereGivenUp(t *testing.T) {
	s := server(t)
	for name, dialled := range map[string]bool{"at once": false, "once the driver has asked for the cancelling": true} {
		t.Run(name, func(t *testing.T) {
			proxy := faultproxy.New(t, s.addr())
			var dials atomic.Int32
			r, res := open(t, at("postgres://app:p%40ss%2Fw%3Ard@"+proxy.Addr()+"/postgres"), counting(&dials))
			proxy.Blackhole()
			before := dials.Load()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if err := ask(ctx, res.Pool()); registry.KindOf(postgres.Classify(err)) != registry.KindTimeout {
				t.Errorf("the query: %v", err)
			}
			if dialled {
				eventually(t, func() bool { return dials.Load() > before })
			}
			start := time.Now()
			if err := closeWithin(t, r, patience); err != nil {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 14*time.Second {
				t.Errorf("Close took %v", took)
			}
		})
	}
}

// counting counts the connections that have been dialled.
func counting(dials *atomic.Int32) postgres.Option {
	return postgres.WithHook(func(cfg *driver.Config) {
		dial := cfg.ConnConfig.DialFunc
		cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			dials.Add(1)
			return conn, err
		}
	})
}
