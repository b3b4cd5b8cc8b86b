package mongo_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// proxied returns a proxy in front of the server, and the server's URI by way of it.
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
	secure := httptest.NewTLSServer(nil)
	defer secure.Close()
	for name, test := range map[string]struct{ uri, want string }{
		"closed port": {"mongodb://" + closedPort(t), "unreachable: connection refused"},
		"two closed ports": {
			"mongodb://" + closedPort(t) + "," + closedPort(t), "unreachable: connection refused",
		},
		"silent":   {"mongodb://" + silentPort(t), "timeout: no answer in time: context deadline exceeded"},
		"hangs up": {"mongodb://" + hangUp(t), "unreachable: the connection was closed before any answer; is TLS on at one end only?"},
		"no MongoDB": {
			"mongodb://" + answering(t, "HTTP/1.1 400 Bad Request\r\n\r\n"),
			"unreachable: the connection broke, or what listens there is no MongoDB server",
		},
		"unknown authority": {
			"mongodb://" + secure.Listener.Addr().String() + "/?tls=true",
			"tls: the server's certificate is signed by an unknown authority",
		},
		"no TLS": {
			"mongodb://" + answering(t, "-ERR Protocol error\r\n") + "/?tls=true",
			"tls: the server does not speak TLS on this port",
		},
		"no replica set": {
			server(t) + "&replicaSet=rs-of-another-name",
			"config: none of the hosts belongs to the replica set that is asked for (MONGO_URI: replicaSet)",
		},
		"no load balancer": {server(t) + "&loadBalanced=true", "config: there is no load balancer (MONGO_URI: loadBalanced)"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := at(test.uri)
			if name == "silent" {
				cfg.ServerSelectionTimeout = waited
			}
			start := time.Now()
			err := mongo.New("mongo", mongo.WithConfig(cfg)).Open(t.Context())
			if took := time.Since(start); took >= patience {
				t.Errorf("it took %v", took)
			}
			if got := fmt.Sprintf("%s: %v", registry.KindOf(err), err); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			canary.NoParserIn(t, err)
		})
	}
}

func TestASecureServerIsOpenedWithItsCertificate(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	fake := mongotest.Start(t, mongotest.Options{
		User: "app", Password: password, TLS: &tls.Config{Certificates: certified.TLS.Certificates},
	})
	_, res := open(t, at(uriOf(fake)+"&tlsCAFile="+pemFile(t, certified.Certificate(), nil)))
	put(t, collection(t, res), 1)
}

func TestOpenWithoutADeadlineBoundsItself(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{})
	defer fake.Freeze(false)
	freeze := mongo.WithHook(func(o *options.ClientOptions) {
		o.SetMonitor(&event.CommandMonitor{Started: func(context.Context, *event.CommandStartedEvent) { fake.Freeze(true) }})
	})
	cfg := at("mongodb://" + fake.Addr())
	cfg.ServerSelectionTimeout = waited
	res := mongo.New("mongo", mongo.WithConfig(cfg), freeze)
	start := time.Now()
	if err := res.Open(context.Background()); registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took >= patience {
		t.Errorf("it took %v with a ServerSelectionTimeout of 1s", took)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	proxy, uri := proxied(t)
	proxy.Blackhole()
	cfg := at(uri)
	cfg.ServerSelectionTimeout = time.Minute
	res := mongo.New("mongo", mongo.WithConfig(cfg))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	if err := res.Open(ctx); registry.KindOf(err) != registry.KindCanceled {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestACheckOfAFrozenServerEndsWithItsContext(t *testing.T) {
	proxy, uri := proxied(t)
	_, res := open(t, at(uri))
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

func TestACheckWithoutADeadlineBoundsItself(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{})
	_, res := open(t, at("mongodb://"+fake.Addr()))
	fake.Freeze(true)
	defer fake.Freeze(false)
	start := time.Now()
	if err := res.Check(context.Background()); registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestACheckThatACloseOvertakesSaysNotOpen(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{})
	r, res := open(t, at("mongodb://"+fake.Addr()))
	fake.Freeze(true)
	defer fake.Freeze(false)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	closed := make(chan error)
	time.AfterFunc(50*time.Millisecond, func() { closed <- r.CloseAll(context.Background()) })
	start := time.Now()
	if err := res.Check(ctx); registry.KindOf(err) != registry.KindNotOpen {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v of the minute that it had", took)
	}
	if err := <-closed; err != nil {
		t.Errorf("the check counts as an operation of the program: %v", err)
	}
}

func TestACheckAfterACutSeesAHealthyServer(t *testing.T) {
	proxy, uri := proxied(t)
	_, res := open(t, at(uri))
	warm(t, res, 5)
	for range 5 {
		proxy.Cut()
		if err := res.Check(t.Context()); err != nil {
			t.Errorf("a stale connection failed the check: %v", err)
		}
	}
}

func TestAServerThatRefusesFailsTheCheckAndHealsByItself(t *testing.T) {
	proxy, uri := proxied(t)
	r, res := open(t, at(uri))
	warm(t, res, 5)
	proxy.Refuse()
	result := r.Check(t.Context(), "mongo")
	refused, reset := "check mongo: unreachable: connection refused", "check mongo: unreachable: connection reset by peer"
	if result.Err == nil || result.Err.Error() != refused && result.Err.Error() != reset {
		t.Errorf("got %v, want %s", result.Err, refused)
	}
	proxy.Pass()
	for range 5 {
		if result := r.Check(t.Context(), "mongo"); result.Err != nil {
			t.Errorf("after it came back: %v", result.Err)
		}
	}
	put(t, collection(t, res), 1)
}

func TestAServerBehindASocketMayGoAndComeBack(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{})
	path := filepath.Join(t.TempDir(), "mongodb.sock")
	socket, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var relays sync.WaitGroup
	defer relays.Wait()
	defer socket.Close()
	relays.Go(func() {
		for {
			in, err := socket.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", fake.Addr())
			if err != nil {
				_ = in.Close()
				continue
			}
			relays.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
			relays.Go(func() { _, _ = io.Copy(in, out); _ = in.Close() })
		}
	})
	r, _ := register(at("mongodb://" + url.PathEscape(path)))
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.CloseAll(context.Background()) }()
	fake.Stop()
	for range 2 {
		result := r.Check(t.Context(), "mongo")
		if registry.KindOf(result.Err) != registry.KindUnreachable || strings.Contains(result.Err.Error(), "TLS") {
			t.Errorf("while it is away: %v", result.Err)
		}
	}
	fake.Restart()
	if result := r.Check(t.Context(), "mongo"); result.Err != nil {
		t.Errorf("after it came back: %v", result.Err)
	}
}

func TestAServerThatHasLostItsTLSIsBlamedForThat(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	secure := mongotest.Start(t, mongotest.Options{TLS: &tls.Config{Certificates: certified.TLS.Certificates}})
	var to atomic.Pointer[string]
	to.Store(new(secure.Addr()))
	var d net.Dialer
	_, res := open(t, at("mongodb://"+secure.Addr()+"/?tls=true&tlsInsecure=true"), mongo.WithHook(func(o *options.ClientOptions) {
		o.SetDialer(dialerFunc(func(ctx context.Context, network, _ string) (net.Conn, error) {
			return d.DialContext(ctx, network, *to.Load())
		}))
	}))
	to.Store(new(hangUp(t)))
	secure.Stop()
	err := res.Check(t.Context())
	if registry.KindOf(err) != registry.KindUnreachable || !strings.Contains(err.Error(), "is TLS on at one end only?") {
		t.Errorf("got %v", err)
	}
}

type dialerFunc func(ctx context.Context, network, addr string) (net.Conn, error)

func (f dialerFunc) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return f(ctx, network, addr)
}

// full opens a resource whose pool has one connection, which is in use until release is called.
func full(t *testing.T) (proxy *faultproxy.Proxy, res *mongo.Resource, release func()) {
	t.Helper()
	proxy, uri := proxied(t)
	cfg := at(uri)
	cfg.MaxPoolSize = 1
	hook, hold := holding()
	_, res = open(t, cfg, hook)
	return proxy, res, hold(t, res, 1)
}

func TestAFullPoolDoesNotHideADeadServer(t *testing.T) {
	proxy, res, release := full(t)
	defer release()
	defer proxy.Pass()
	proxy.Blackhole()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := res.Check(ctx); registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("got %v", err)
	}
}

// untilWaiting returns when n operations wait for a connection.
func untilWaiting(t *testing.T, res *mongo.Resource, n int64) {
	t.Helper()
	for start := time.Now(); res.PoolStats().WaitCount < n; runtime.Gosched() {
		if time.Since(start) > patience {
			t.Fatalf("%d operations wait for a connection, want %d", res.PoolStats().WaitCount, n)
		}
	}
}

// The driver tells those who wait for a connection that another operation has found the server gone.
func TestACutWhileTheCheckWaitsForAConnectionIsNoFailure(t *testing.T) {
	proxy, res, release := full(t)
	checked, waiting := make(chan error), make(chan error)
	go func() { checked <- res.Check(t.Context()) }()
	go func() { waiting <- res.Client().Ping(t.Context(), nil) }()
	untilWaiting(t, res, 2)
	proxy.Cut()
	release()
	if err := <-checked; err != nil {
		t.Errorf("the check: %v", err)
	}
	err := mongo.Classify(<-waiting)
	if err == nil || err.Error() != dropped || registry.KindOf(err) != registry.KindUnreachable {
		t.Errorf("got  %s: %v\nwant %s", registry.KindOf(err), err, dropped)
	}
}

func TestAServerOfAReplicaSetThatStepsDownIsNotReady(t *testing.T) {
	fake := mongotest.Start(t, mongotest.Options{})
	r, _ := open(t, at("mongodb://"+fake.Addr()))
	for code, want := range map[int]string{
		189:  "check mongo: loading: the primary is stepping down (189)",
		91:   "check mongo: loading: the server is shutting down (91)",
		4711: "check mongo: the server answered with the error 4711",
	} {
		fake.FailPing(code)
		if result := r.Check(t.Context(), "mongo"); result.Err == nil || result.Err.Error() != want {
			t.Errorf("got  %v\nwant %s", result.Err, want)
		}
	}
	for _, code := range []int{13, 0} { // who may not ping is known to the server
		fake.FailPing(code)
		if result := r.Check(t.Context(), "mongo"); result.Err != nil {
			t.Errorf("code %d: %v", code, result.Err)
		}
	}
}

func TestNothingIsLeftOfAFailedOpen(t *testing.T) {
	proxy, uri := proxied(t)
	proxy.CutAfter(1)
	err := mongo.New("mongo", mongo.WithConfig(at(uri))).Open(t.Context())
	if registry.KindOf(err) != registry.KindUnreachable {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, proxy)
}

// nothingLeft waits until the proxy has heard of the end of every connection.
func nothingLeft(t *testing.T, proxy *faultproxy.Proxy) {
	t.Helper()
	limit := time.After(patience)
	for proxy.Conns() != 0 {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-limit:
			t.Fatalf("%d connections are left", proxy.Conns())
		}
	}
}

// warm leaves up to n idle connections in the pool.
func warm(t *testing.T, res *mongo.Resource, n int) {
	t.Helper()
	var operations sync.WaitGroup
	for range n {
		operations.Go(func() {
			if err := res.Database().Collection("mooring").FindOne(t.Context(), bson.M{"_id": 0}).Err(); err == nil {
				t.Error("there is such a document")
			}
		})
	}
	operations.Wait()
}
