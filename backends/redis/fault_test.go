package redis_test

import (
	"context"
	"net"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// proxied returns a proxy in front of the server, and the server's URL by way of it.
func proxied(t *testing.T) (*faultproxy.Proxy, string) {
	t.Helper()
	u, err := url.Parse(server(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := faultproxy.New(t, u.Host)
	u.Host = proxy.Addr()
	return proxy, u.String()
}

func TestOpenSaysWhatIsWrongWithTheServer(t *testing.T) {
	for name, test := range map[string]struct {
		addr func(*testing.T) string
		want string
		kind registry.Kind
	}{
		"closed port":    {closedPort, "connection refused", registry.KindUnreachable},
		"silent":         {silentPort, "no answer in time: context deadline exceeded", registry.KindTimeout},
		"TLS, database":  {func(t *testing.T) string { return hangUp(t) + "/1" }, "the connection was closed (if this port wants TLS, write rediss:// or set REDIS_TLS)", registry.KindUnreachable},
		"no such host":   {func(*testing.T) string { return "host.invalid:1" }, "no such host", registry.KindUnreachable},
		"not a database": {hangUp, "the connection was closed (if this port wants TLS, write rediss:// or set REDIS_TLS)", registry.KindUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			bound := patience
			if test.kind == registry.KindTimeout {
				bound = 300 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), bound)
			defer cancel()
			start := time.Now()
			got := openError(ctx, at("redis://"+test.addr(t)))
			if took := time.Since(start); took > bound+10*time.Second {
				t.Errorf("it took %v of %v", took, bound)
			}
			if got != string(test.kind)+": "+test.want && name != "no such host" {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestTLSFailuresSayWhatIsWrong(t *testing.T) {
	secure := httptest.NewTLSServer(nil)
	defer secure.Close()
	plain := listen(t)
	serve(t, plain, func(conn net.Conn) { _, _ = conn.Write([]byte("-ERR Protocol error\r\n")) })
	for addr, want := range map[string]string{
		secure.Listener.Addr().String(): "tls: the server's certificate is signed by an unknown authority (see REDIS_TLS_CA_FILE, REDIS_TLS_SERVER_NAME)",
		plain.Addr().String():           "tls: the server does not speak TLS on this port",
		hangUp(t):                       "unreachable: the connection was closed (in the TLS handshake; does the server speak TLS on this port?)",
		silentPort(t): "timeout: no answer in time: context deadline exceeded " +
			"(in the TLS handshake; does the server speak TLS on this port?)",
	} {
		bound := patience
		if strings.HasPrefix(want, "timeout") {
			bound = time.Second
		}
		ctx, cancel := context.WithTimeout(t.Context(), bound)
		if got := openError(ctx, at("rediss://"+addr)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		cancel()
	}
}

// sayNo greets whoever connects with an error while there is one, as Redis does, and else answers PONG to everything.
func sayNo(t *testing.T) (url string, say func(text string)) {
	l := listen(t)
	var no atomic.Value
	no.Store("")
	serve(t, l, func(conn net.Conn) {
		defer conn.Close()
		if text := no.Load().(string); text != "" {
			_, _ = conn.Write([]byte(text + "\r\n"))
			return
		}
		buffer := make([]byte, 1<<10)
		for {
			if _, err := conn.Read(buffer); err != nil {
				return
			}
			_, _ = conn.Write([]byte("+PONG\r\n"))
		}
	})
	return "redis://" + l.Addr().String(), func(text string) { no.Store(text) }
}

const (
	full    = "-ERR max number of clients reached"
	guarded = "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set"
)

func TestAServerThatServesNobodyIsNotOpened(t *testing.T) {
	for text, want := range map[string]string{
		full: "exhausted: too many connections: the server's maxclients is reached",
		guarded: "config: the server runs in protected mode and serves its own host only (DENIED): " +
			"give it a password (requirepass) and set it here, too",
	} {
		url, say := sayNo(t)
		say(text)
		for _, option := range []string{"", "/3", "?client_name=shop"} { // what a client says first
			if got := openError(t.Context(), at(url+option)); got != want {
				t.Errorf("%s: got  %s\nwant %s", option, got, want)
			}
		}
	}
}

func TestAServerThatServesNobodyAnyMoreFailsTheCheck(t *testing.T) {
	for text, kind := range map[string]registry.Kind{full: registry.KindExhausted, guarded: registry.KindConfig} {
		url, say := sayNo(t)
		cfg := at(url)
		cfg.MaxIdle = 1
		r, res := open(t, cfg)
		say(text)
		conn, err := res.Conn(t.Context()) // the only one that the pool holds
		if err != nil {
			t.Fatal(err)
		}
		result := r.Check(t.Context(), "redis")
		if registry.KindOf(result.Err) != kind || result.Status() != registry.Fail {
			t.Errorf("got %s: %v, want %s", result.Status(), result.Err, kind)
		}
		conn.Close()
	}
}

func TestACheckOfAFrozenServerEndsWithItsContext(t *testing.T) {
	proxy, url := proxied(t)
	_, res := open(t, at(url))
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
	proxy, url := proxied(t)
	_, res := open(t, at(url))
	warm(t, res, 5)
	proxy.Cut()
	for range 10 {
		if err := res.Check(t.Context()); err != nil {
			t.Errorf("a stale connection failed the check: %v", err)
		}
	}
}

func TestAServerThatRefusesFailsTheCheckAndHealsByItself(t *testing.T) {
	proxy, url := proxied(t)
	r, res := open(t, at(url))
	warm(t, res, 5)
	proxy.Refuse()
	result := r.Check(t.Context(), "redis")
	if want := "check redis: unreachable: connection refused"; result.Err == nil || result.Err.Error() != want {
		t.Errorf("got %v, want %s", result.Err, want)
	}
	proxy.Pass()
	if result := r.Check(t.Context(), "redis"); result.Err != nil {
		t.Errorf("after it came back: %v", result.Err)
	}
}

func TestAFullPoolDoesNotHideADeadServer(t *testing.T) {
	proxy, url := proxied(t)
	cfg := at(url)
	cfg.MaxActive = 1
	r, res := open(t, cfg)
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	proxy.Refuse()
	if result := r.Check(t.Context(), "redis"); result.Status() != registry.Fail {
		t.Errorf("got %v", result.Err)
	}
	conn.Close()
}

func TestNothingIsLeftOfAFailedOpen(t *testing.T) {
	proxy, url := proxied(t)
	proxy.CutAfter(1)
	if got := openError(t.Context(), at(url)); !strings.HasPrefix(got, "unreachable: ") {
		t.Errorf("got %s", got)
	}
	noneLeft(t, proxy)
}

// noneLeft waits until the proxy, too, has seen that all connections are closed.
func noneLeft(t *testing.T, proxy *faultproxy.Proxy) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(patience); proxy.Conns() != 0; <-tick.C {
		if time.Now().After(limit) {
			t.Fatalf("%d connections are left", proxy.Conns())
		}
	}
}

func TestCloseOfAFrozenServerEndsInTime(t *testing.T) {
	proxy, url := proxied(t)
	r, res := open(t, at(url))
	warm(t, res, 3)
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

// warm leaves n idle connections in the pool.
func warm(t *testing.T, res *redis.Resource, n int) {
	t.Helper()
	for range n {
		conn, err := res.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
}

func closedPort(t *testing.T) string {
	l := listen(t)
	l.Close()
	return l.Addr().String()
}

// silentPort accepts connections and says nothing.
func silentPort(t *testing.T) string {
	l := listen(t)
	serve(t, l, func(net.Conn) {})
	return l.Addr().String()
}

// hangUp closes every connection at once.
func hangUp(t *testing.T) string {
	l := listen(t)
	serve(t, l, func(conn net.Conn) {
		buffer := make([]byte, 1<<16)
		_, _ = conn.Read(buffer)
		conn.Close()
	})
	return l.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
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
