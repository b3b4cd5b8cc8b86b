package pubsub_test

import (
	"context"
	"io"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/registry"
)

func TestOpenSaysWhatIsWrongWithTheServer(t *testing.T) {
	for name, test := range map[string]struct {
		addr func(*testing.T) string
		kind registry.Kind
		want string
	}{
		"closed port":      {closedPort, registry.KindUnreachable, "connection refused"},
		"silent":           {silentPort, registry.KindTimeout, "no answer in time: context deadline exceeded"},
		"hangs up":         {hangUp, registry.KindUnreachable, "the connection was closed"},
		"speaks otherwise": {httpPort, registry.KindUnreachable, "the server does not speak gRPC on this port"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), bound(test.kind))
			defer cancel()
			start := time.Now()
			err := pubsub.New("pubsub", pubsub.WithConfig(at(test.addr(t)))).Open(ctx)
			if took := time.Since(start); took > bound(test.kind)+10*time.Second {
				t.Errorf("it took %v of %v", took, bound(test.kind))
			}
			if err == nil || err.Error() != test.want || registry.KindOf(err) != test.kind {
				t.Errorf("got  %s: %v\nwant %s: %s", registry.KindOf(err), err, test.kind, test.want)
			}
			canary.NoParserIn(t, err)
		})
	}
}

func TestOpenIsTriedAgainUntilItsTimeIsUp(t *testing.T) {
	proxy, cfg := proxied(t)
	proxy.Refuse()
	r, _ := register(cfg)
	time.AfterFunc(200*time.Millisecond, proxy.Pass)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Error(err)
	}
	if err := r.CloseAll(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNothingIsLeftOfAFailedOpen(t *testing.T) {
	proxy, cfg := proxied(t)
	proxy.CutAfter(1)
	r, _ := register(cfg)
	r.OpenTimeout = 200 * time.Millisecond
	if err := r.OpenAll(t.Context()); !registry.KindOf(err).Retryable() {
		t.Errorf("got %v", err)
	}
	eventually(t, "no connection is left", func() bool { return proxy.Conns() == 0 })
}

func TestACheckOfAFrozenServerEndsWithItsContext(t *testing.T) {
	proxy, cfg := proxied(t)
	_, res := open(t, cfg)
	proxy.Blackhole()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := res.Check(ctx)
	if registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took >= patience {
		t.Errorf("it took %v", took)
	}
	proxy.Pass()
	if err := res.Check(t.Context()); err != nil {
		t.Errorf("after the thaw: %v", err)
	}
}

func TestACheckAfterACutSeesAHealthyServer(t *testing.T) {
	proxy, cfg := proxied(t)
	_, res := open(t, cfg)
	for range 50 {
		proxy.Cut()
		if err := res.Check(t.Context()); err != nil {
			t.Errorf("a stale connection failed the check: %v", err)
		}
	}
}

func TestAServerThatRefusesFailsTheCheckAndHealsByItself(t *testing.T) {
	proxy, cfg := proxied(t)
	r, res := open(t, cfg)
	proxy.Refuse()
	result := r.Check(t.Context(), "pubsub")
	if want := "check pubsub: unreachable: connection refused"; result.Err == nil || result.Err.Error() != want {
		t.Errorf("got %v, want %s", result.Err, want)
	}
	proxy.Pass()
	eventually(t, "it is well again", func() bool { return res.Check(t.Context()) == nil })
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}

func closedPort(t *testing.T) string {
	l := listen(t)
	_ = l.Close()
	return l.Addr().String()
}

// silentPort accepts connections and says nothing.
func silentPort(t *testing.T) string {
	l := listen(t)
	serve(t, l, func(net.Conn) {})
	return l.Addr().String()
}

// hangUp ends every connection at once. It reads on, or else the system might reset the connection.
func hangUp(t *testing.T) string {
	l := listen(t)
	serve(t, l, func(conn net.Conn) {
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	})
	return l.Addr().String()
}

func httpPort(t *testing.T) string {
	srv := httptest.NewServer(nil)
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func serve(t *testing.T, l net.Listener, handle func(net.Conn)) {
	t.Helper()
	var serving sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			serving.Go(func() { handle(conn) })
		}
	})
}
