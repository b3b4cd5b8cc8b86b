package mysql_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// proxied returns a proxy in front of the server, and the server's URL by way of it.
func proxied(t *testing.T) (*faultproxy.Proxy, string) {
	t.Helper()
	var proxy *faultproxy.Proxy
	url := with(t, server(t), func(u *url.URL) {
		proxy = faultproxy.New(t, u.Host)
		u.Host = proxy.Addr()
	})
	return proxy, url
}

func TestOpenSaysWhatIsWrongWithTheServer(t *testing.T) {
	for name, test := range map[string]struct {
		addr func(*testing.T) string
		want string
		kind registry.Kind
	}{
		"closed port":    {closedPort, "connection refused", registry.KindUnreachable},
		"silent":         {silentPort, "no answer in time: context deadline exceeded", registry.KindTimeout},
		"hangs up":       {says(""), "the connection was closed", registry.KindUnreachable},
		"half a packet":  {says("\x4a\x00"), "the connection was closed", registry.KindUnreachable},
		"the X protocol": {says("\x05\x00\x00\x00\x0b\x08\x05\x1a\x00"), "what answers on this port does not speak MySQL", registry.KindConfig},
		"another server": {says("SSH-2.0-OpenSSH_9.9\r\n"), "what answers on this port does not speak MySQL", registry.KindConfig},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := at("mysql://app:secret@" + test.addr(t))
			if test.kind == registry.KindTimeout {
				cfg.DialTimeout = 300 * time.Millisecond
			}
			start := time.Now()
			err := mysql.New("mysql", mysql.WithConfig(cfg)).Open(t.Context())
			if took := time.Since(start); took >= patience {
				t.Errorf("it took %v with a DialTimeout of %v", took, cfg.DialTimeout)
			}
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if kind := registry.KindOf(err); kind != test.kind {
				t.Errorf("the kind is %q", kind)
			}
		})
	}
}

func TestOpenOfASilentServerEndsWithItsContext(t *testing.T) {
	r, _ := register(at("mysql://app:secret@" + silentPort(t)))
	r.OpenTimeout = 200 * time.Millisecond
	start := time.Now()
	err := r.OpenAll(t.Context())
	want := "open mysql: timeout: no answer in time: context deadline exceeded"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if took := time.Since(start); took >= patience {
		t.Errorf("it took %v with an OpenTimeout of %v", took, r.OpenTimeout)
	}
}

func TestAShortReadTimeoutIsATimeout(t *testing.T) {
	cfg := at("mysql://app:secret@" + silentPort(t))
	cfg.ReadTimeout = 50 * time.Millisecond
	res := mysql.New("mysql", mysql.WithConfig(cfg))
	if err := res.Open(t.Context()); registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("got %v", err)
	}
}

func TestAServerThatTurnsEverybodyAwaySaysWhy(t *testing.T) {
	fake, url := fake(t)
	for number, want := range map[int]string{
		1040: "exhausted: too many connections: the server has none to spare (1040)",
		1044: "permission: access denied: the user may not use this database, or there is none of that name (1044)",
		1053: "unreachable: the server is shutting down (1053)",
		1129: "unreachable: the server blocks this host after many errors, until its host cache is flushed (1129)",
		1203: "exhausted: too many connections of this user (1203)",
		1290: "read_only: the server is read-only (1290)",
	} {
		fake.RejectConnections(number)
		err := mysql.New("mysql", mysql.WithConfig(at(url))).Open(t.Context())
		if got := describe(err); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		fake.WaitConns(0)
	}
}

func TestAServerWithoutAConnectionToSpareFailsTheCheck(t *testing.T) {
	fake, url := fake(t)
	r, res := open(t, at(url))
	res.DB().SetMaxIdleConns(-1) // the pool is empty, as after MYSQL_CONN_MAX_IDLE_TIME
	for number, want := range map[int]string{
		1040: "check mysql: exhausted: too many connections: the server has none to spare (1040)",
		1203: "check mysql: exhausted: too many connections of this user (1203)",
		1226: "check mysql: exhausted: the user has used up a resource (1226)",
	} {
		fake.RejectConnections(number)
		result := r.Check(t.Context(), "mysql")
		if result.Err == nil || result.Err.Error() != want || result.Status() != registry.Fail {
			t.Errorf("got %s: %v, want %s", result.Status(), result.Err, want)
		}
	}
	fake.RejectConnections(0)
	if result := r.Check(t.Context(), "mysql"); result.Err != nil {
		t.Errorf("with room again: %v", result.Err)
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
	if want := "no answer in time: context deadline exceeded"; err == nil || err.Error() != want ||
		registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("got %v, want %s", err, want)
	}
	if took := time.Since(start); took >= patience {
		t.Errorf("it took %v", took)
	}
	proxy.Pass()
	if err := res.Check(t.Context()); err != nil {
		t.Errorf("after the thaw: %v", err)
	}
}

// timed remembers how long its last connecting might have taken.
type timed struct {
	sqldriver.Connector
	left *time.Duration
}

func (c timed) Connect(ctx context.Context) (sqldriver.Conn, error) {
	if deadline, bounded := ctx.Deadline(); bounded {
		*c.left = time.Until(deadline)
	}
	return c.Connector.Connect(ctx)
}

func TestACheckWithoutADeadlineBoundsItself(t *testing.T) {
	proxy, url := proxied(t)
	var left time.Duration
	_, res := open(t, at(url), mysql.WithHook(func(c sqldriver.Connector) *sql.DB {
		return sql.OpenDB(timed{c, &left})
	}))
	proxy.Cut()
	if err := res.Check(context.Background()); err != nil {
		t.Error(err)
	}
	if left <= 0 || left > 5*time.Second {
		t.Errorf("the check had %v left", left)
	}
}

func TestAChecksCallerMayGiveUp(t *testing.T) {
	proxy, url := proxied(t)
	_, res := open(t, at(url))
	proxy.Blackhole()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := res.Check(ctx); registry.KindOf(err) != registry.KindCanceled {
		t.Errorf("got %v", err)
	}
}

func TestACutLosesNeitherChecksNorQueries(t *testing.T) {
	proxy, url := proxied(t)
	_, res := open(t, at(url))
	for range 2 {
		warm(t, res.DB(), 5)
		proxy.Cut()
		for range 10 {
			if err := res.Check(t.Context()); err != nil {
				t.Errorf("a stale connection failed the check: %v", err)
			}
		}
		warm(t, res.DB(), 5)
		proxy.Cut()
		for range 10 {
			number(t, res.DB(), "SELECT 1")
		}
	}
}

// muffled makes connections whose statements get lost while lost is set, as when a router has forgotten them.
type muffled struct {
	sqldriver.Connector
	lost *atomic.Bool
}

type muffledConn struct {
	asked
	lost *atomic.Bool
}

func (m muffled) Connect(ctx context.Context) (sqldriver.Conn, error) {
	conn, err := m.Connector.Connect(ctx)
	return muffledConn{conn.(asked), m.lost}, err
}

func (c muffledConn) QueryContext(
	ctx context.Context, query string, args []sqldriver.NamedValue,
) (sqldriver.Rows, error) {
	if c.lost.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return c.asked.QueryContext(ctx, query, args)
}

func TestAPooledConnectionThatGetsNoAnswerIsNoFailure(t *testing.T) {
	var lost atomic.Bool
	_, res := open(t, at(server(t)), mysql.WithHook(func(c sqldriver.Connector) *sql.DB {
		return sql.OpenDB(muffled{c, &lost})
	}))
	lost.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second) // half of it is for a new connection
	defer cancel()
	if err := res.Check(ctx); err != nil {
		t.Error(err)
	}
	if n := res.DB().Stats().Idle; n != 0 {
		t.Errorf("%d of the connections that get no answer are still there", n)
	}
}

func TestAServerThatRefusesFailsTheCheckAndHealsByItself(t *testing.T) {
	proxy, url := proxied(t)
	r, res := open(t, at(url))
	warm(t, res.DB(), 5)
	proxy.Refuse()
	result := r.Check(t.Context(), "mysql")
	if want := "check mysql: unreachable: connection refused"; result.Err == nil || result.Err.Error() != want {
		t.Errorf("got %v, want %s", result.Err, want)
	}
	proxy.Pass()
	if result := r.Check(t.Context(), "mysql"); result.Err != nil {
		t.Errorf("after it came back: %v", result.Err)
	}
}

func TestARestartOfTheServerFailsNothingAfterIt(t *testing.T) {
	fake, url := fake(t)
	r, res := open(t, at(url))
	warm(t, res.DB(), 5)
	fake.Restart()
	for range 10 {
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		exec(t, res.DB(), "DO 1")
	}
}

func TestAServerThatIsShuttingDownFailsTheCheck(t *testing.T) {
	fake, url := fake(t)
	r, _ := open(t, at(url))
	fake.FailQuery(1053)
	result := r.Check(t.Context(), "mysql")
	if want := "check mysql: unreachable: the server is shutting down (1053)"; result.Err == nil ||
		result.Err.Error() != want {
		t.Errorf("got %v, want %s", result.Err, want)
	}
	fake.FailQuery(0)
	if err := r.CheckAll(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

func TestAFullPoolDoesNotHideADeadServer(t *testing.T) {
	proxy, url := proxied(t)
	cfg := at(url)
	cfg.MaxOpenConns = 1
	r, res := open(t, cfg)
	borrow(t, res.DB(), 1)
	proxy.Refuse()
	result := r.Check(t.Context(), "mysql")
	if want := "check mysql: unreachable: connection refused"; result.Err == nil || result.Err.Error() != want {
		t.Errorf("got %v, want %s", result.Err, want)
	}
	if result.Status() != registry.Fail {
		t.Errorf("the status is %q", result.Status())
	}
}
