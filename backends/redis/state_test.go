package redis_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
)

// openError opens once, and returns the kind and the text of the error.
func openError(ctx context.Context, cfg redis.Config) string {
	res := redis.New("redis", redis.WithConfig(cfg))
	err := res.Open(ctx)
	if err == nil {
		_ = res.Close(ctx)
		return ""
	}
	return fmt.Sprintf("%s: %v", registry.KindOf(err), err)
}

func TestASentinelIsRefusedByName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := redisServer(t, file, "--sentinel")
	want := "config: this is a Sentinel, and not the server that it watches: " +
		"write REDIS_URL=redis+sentinel://host:26379/NAME"
	for _, url := range []string{p.url, p.url + "/1", "redis://:pw@" + p.addr} {
		if got := openError(t.Context(), at(url)); got != want {
			t.Errorf("got %s", got)
		}
	}
}

func TestANodeOfAClusterIsRefusedUnlessItHoldsAllSlots(t *testing.T) {
	p := redisServer(t, "--cluster-enabled", "yes")
	p.do("CLUSTER", "ADDSLOTSRANGE", 0, 16382)
	want := "config: this is a node of a cluster, and does not hold all slots: " +
		"write REDIS_URL=redis+cluster://host:6379"
	if got := openError(t.Context(), at(p.url)); got != want {
		t.Errorf("got %s", got)
	}
	p.do("CLUSTER", "ADDSLOTS", 16383)
	if got := openError(t.Context(), at(p.url)); got != "" {
		t.Errorf("with all slots: %s", got)
	}
}

func TestTheRoleIsWhatTheServerHasToBe(t *testing.T) {
	p := redisServer(t, "--replica-serve-stale-data", "yes")
	p.do("ACL", "SETUSER", "noRole", "on", "nopass", "~*", "+@all", "-role")
	p.do("ACL", "SETUSER", "blind", "on", "nopass", "~*", "+@all", "-role", "-info")
	const (
		readOnly = "read_only: the server takes no writes, and the role asks for a primary"
		writes   = "config: the server takes writes, and the role asks for a replica"
		blind    = "permission: the user may ask neither ROLE nor INFO, and REDIS_ROLE needs one of them"
	)
	says := func(user, role, want string) {
		t.Helper()
		cfg := at("redis://" + user + p.addr)
		cfg.Role = role
		if got := openError(t.Context(), cfg); got != want {
			t.Errorf("%s as %s: got %q, want %q", role, user, got, want)
		}
	}
	for _, user := range []string{"", "noRole:x@"} {
		says(user, "primary", "")
		says(user, "replica", writes)
	}
	says("blind:x@", "primary", blind)
	says("blind:x@", "any", "")
	p.do("REPLICAOF", "127.0.0.1", closedPortOnly(t))
	for _, user := range []string{"", "noRole:x@"} {
		says(user, "primary", readOnly)
		says(user, "replica", "")
		says(user, "any", "")
	}
}

func TestAServerThatCannotSaveFailsTheCheckOfAPrimaryToo(t *testing.T) {
	p := redisServer(t, "--enable-protected-configs", "yes")
	cfg := at(p.url)
	cfg.Role = "primary"
	r, _ := open(t, cfg)
	gone := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	p.do("CONFIG", "SET", "dir", gone, "save", "3600 1")
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	p.do("BGSAVE")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !strings.Contains(fmt.Sprintf("%s", p.do("INFO", "persistence")), "rdb_last_bgsave_status:err") {
		if ctx.Err() != nil {
			t.Fatal("the server has not failed to save")
		}
		<-time.After(10 * time.Millisecond)
	}
	if err := r.Check(ctx, "redis").Err; registry.KindOf(err) != registry.KindLoading {
		t.Errorf("got %v, want MISCONF", err)
	}
}

func closedPortOnly(t *testing.T) string {
	_, port, _ := net.SplitHostPort(closedPort(t))
	return port
}

func TestThePoolLeavesADemotedServerWithinASecondAndTellsOnce(t *testing.T) {
	old, promoted := redisServer(t), redisServer(t)
	proxy := newRouter(t, old.addr)
	cfg := at("redis://" + proxy.addr())
	cfg.Role, cfg.MaxActive = "primary", 4
	r, res := open(t, cfg)
	<-time.After(1100 * time.Millisecond) // all of its connections are grown up
	warm(t, res, 4)
	<-time.After(1100 * time.Millisecond)
	old.do("REPLICAOF", "127.0.0.1", closedPortOnly(t))
	if kind := registry.KindOf(r.Check(t.Context(), "redis").Err); kind != registry.KindReadOnly {
		t.Errorf("the check of a demoted server is %q", kind)
	}
	err := write(t, res)
	if registry.KindOf(redis.Classify(err)) != registry.KindReadOnly || !strings.HasPrefix(err.Error(), "READONLY") {
		t.Errorf("the program sees %v", err)
	}
	proxy.route(promoted.addr)
	promotedAt, failures := time.Now(), 0
	for write(t, res) != nil {
		failures++
		if time.Since(promotedAt) > 30*time.Second {
			t.Fatal("it never heals")
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Logf("healed after %v and %d failures", time.Since(promotedAt), failures)
	if took := time.Since(promotedAt); took > 5*time.Second { // a second, and what a busy machine needs
		t.Errorf("it took %v to heal", took)
	}
	if result := r.Check(t.Context(), "redis"); result.Err != nil {
		t.Errorf("afterwards: %v", result.Err)
	}
}

func TestARefusedWriteInAPipelineMovesThePoolToo(t *testing.T) {
	old, promoted := redisServer(t), redisServer(t)
	proxy := newRouter(t, old.addr)
	_, res := open(t, at("redis://"+proxy.addr()))
	old.do("REPLICAOF", "127.0.0.1", closedPortOnly(t))
	proxy.route(promoted.addr)
	eventually(t, "the pipeline is executed", func() error {
		conn, err := res.Conn(t.Context())
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.Send("SET", "k", "v")
		conn.Send("GET", "k")
		replies, err := driver.Values(driver.DoContext(conn, t.Context(), ""))
		if err == nil && replies[0] != "OK" {
			err = replies[0].(error)
		}
		return err
	})
}

func TestATransactionThatIsRefusedMovesThePoolToo(t *testing.T) {
	old, promoted := redisServer(t), redisServer(t)
	proxy := newRouter(t, old.addr)
	_, res := open(t, at("redis://"+proxy.addr()))
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(1100 * time.Millisecond) // it is grown up
	conn.Do("MULTI")
	conn.Do("SET", "k", "v")
	old.do("REPLICAOF", "127.0.0.1", closedPortOnly(t))
	proxy.route(promoted.addr)
	_, err = conn.Do("EXEC")
	if kind := registry.KindOf(redis.Classify(err)); kind != registry.KindReadOnly {
		t.Errorf("%v is %q", err, kind)
	}
	conn.Close()
	if err := write(t, res); err != nil {
		t.Errorf("the connection is lent again: %v", err)
	}
}

func write(t *testing.T, res *redis.Resource) error {
	t.Helper()
	conn, err := res.Conn(t.Context())
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = driver.DoContext(conn, t.Context(), "SET", "mooring-state", "value")
	return err
}

func TestWhatACommandLeavesBehindIsNotLent(t *testing.T) {
	p := redisServer(t)
	p.do("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all")
	p.do("ACL", "SETUSER", "guest", "on", ">pw", "+ping")
	cfg := at("redis://app:pw@" + p.addr + "/1")
	cfg.MaxActive = 1
	_, res := open(t, cfg)
	for name, args := range map[string][]any{
		"UNSUBSCRIBE": {"a", "b"}, "PUNSUBSCRIBE": {"a", "b"}, "SUNSUBSCRIBE": {"a", "b"},
		"SELECT": {2}, "select": {2}, "AUTH": {"guest", "pw"}, "SSUBSCRIBE": {"news"}, "RESET": nil, "QUIT": nil,
		"CLIENT": {"NO-EVICT", "on"}, "SUBSCRIBE": {"news"}, "MULTI": nil, "MONITOR": nil,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := do(t.Context(), res, name, args...); err != nil {
				t.Fatal(err)
			}
			store(t, res, "k")
			if n := p.do("EVAL", "redis.call('SELECT', 1); return redis.call('DEL', 'k')", 0); n != int64(1) {
				t.Error("the next command has not reached database 1")
			}
		})
	}
}

// The driver takes WATCH for ended after an EXEC, also after one that the server refuses.
func TestWhatIsStillWatchedIsNotLent(t *testing.T) {
	p := redisServer(t)
	cfg := at(p.url)
	cfg.MaxActive = 1
	_, res := open(t, cfg)
	for _, end := range []string{"EXEC", "DISCARD"} {
		conn, err := res.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]string{{"WATCH", "k"}, {end}} {
			_, _ = driver.DoContext(conn, t.Context(), command[0], driver.Args{}.AddFlat(command[1:])...)
		}
		_ = conn.Close()
		p.do("SET", "k", end)
		conn, err = res.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Send("MULTI")
		_ = conn.Send("SET", "other", end)
		if reply, err := driver.DoContext(conn, t.Context(), "EXEC"); reply == nil || err != nil {
			t.Errorf("after WATCH and a lone %s, the transaction of another one was given up: %v", end, err)
		}
		_ = conn.Close()
	}
}

func TestAConnectionThatWasJustClosedIsNotLent(t *testing.T) {
	p := redisServer(t)
	_, res := open(t, at(p.url))
	for range 20 {
		warm(t, res, 3)
		p.do("CLIENT", "KILL", "SKIPME", "yes", "TYPE", "normal")
		if err := write(t, res); err != nil {
			t.Fatalf("a connection that the server has closed was lent: %v", err)
		}
	}
}

func TestConnectionsHaveAName(t *testing.T) {
	p := redisServer(t)
	p.do("ACL", "SETUSER", "nameless", "on", "nopass", "~*", "+@all", "-client")
	cfg := at(p.url)
	cfg.ClientName = "shop"
	open(t, cfg)
	list, _ := driver.String(p.do("CLIENT", "LIST"), nil)
	if !strings.Contains(list, " name=shop ") {
		t.Errorf("got %s", list)
	}
	cfg = at("redis://nameless:x@" + p.addr)
	cfg.ClientName = "shop"
	if got := openError(t.Context(), cfg); got != "" {
		t.Errorf("where that is not allowed: %s", got)
	}
}

func TestASocketIsAServerToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "redis.sock")
	redisServer(t, "--unixsocket", path)
	for _, cfg := range []redis.Config{at("unix://" + path + "?db=2"), {Host: path, DB: 2, Role: "primary"}} {
		r, res := open(t, cfg)
		if err := write(t, res); err != nil {
			t.Error(err)
		}
		if err := r.CheckAll(t.Context()).Err(); err != nil {
			t.Error(err)
		}
	}
}

func TestAServerWithoutMemoryHasAKind(t *testing.T) {
	p := redisServer(t, "--maxmemory", "1")
	_, res := open(t, at(p.url))
	if kind := registry.KindOf(redis.Classify(write(t, res))); kind != registry.KindExhausted {
		t.Errorf("OOM is %q", kind)
	}
	p.do("CONFIG", "SET", "maxmemory", "0", "min-replicas-to-write", "1")
	if kind := registry.KindOf(redis.Classify(write(t, res))); kind != registry.KindLoading {
		t.Errorf("NOREPLICAS is %q", kind)
	}
}

func TestHalfOpenConnectionsAreDroppedTogether(t *testing.T) {
	p := redisServer(t)
	proxy := newRouter(t, p.addr)
	_, res := open(t, at("redis://"+proxy.addr()))
	warm(t, res, 5)
	<-time.After(1100 * time.Millisecond)
	proxy.forget(t)
	if err := res.Check(t.Context()); err != nil {
		t.Errorf("the server is well on new connections: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // less than one PING may take
	defer cancel()
	conn, err := res.Conn(ctx)
	if err != nil {
		t.Fatalf("a half-open connection is still waited for: %v", err)
	}
	conn.Close()
}
