package redis_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

// watched are a primary, two replicas, and three Sentinels that call the primary "shop".
type watched struct {
	t                *testing.T
	nodes, sentinels []*process
}

const downAfter = "1000"

// startWatched starts them, all with these options.
func startWatched(t *testing.T, options ...string) *watched {
	t.Helper()
	w := &watched{t: t}
	for n := range 3 {
		own := append([]string{"--repl-diskless-sync-delay", "0"}, options...)
		if n > 0 {
			own = append(own, "--replicaof", "127.0.0.1 "+port(w.nodes[0]))
		}
		node := redisServer(t, own...)
		w.nodes = append(w.nodes, node)
	}
	for range 3 {
		w.sentinels = append(w.sentinels, startSentinel(t, w.nodes[0], options...))
	}
	for _, s := range w.sentinels {
		eventually(t, "the Sentinels know each other and the replicas", func() error {
			about, err := driver.StringMap(s.conn.Do("SENTINEL", "master", "shop"))
			if err == nil && (about["num-other-sentinels"] != "2" || about["num-slaves"] != "2") {
				err = fmt.Errorf("%s Sentinels, %s replicas", about["num-other-sentinels"], about["num-slaves"])
			}
			return err
		})
	}
	return w
}

// startSentinel starts a Sentinel that watches a node.
func startSentinel(t *testing.T, node *process, options ...string) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	text := "sentinel monitor shop 127.0.0.1 " + port(node) + " 2\nsentinel down-after-milliseconds shop " + downAfter + "\n" +
		"sentinel failover-timeout shop 6000\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return redisServer(t, append([]string{file, "--sentinel"}, options...)...)
}

func port(p *process) string {
	_, port, _ := net.SplitHostPort(p.place())
	return port
}

func (w *watched) url() string {
	addrs := make([]string, len(w.sentinels))
	for i, s := range w.sentinels {
		addrs[i] = s.place()
	}
	return "redis+sentinel://" + strings.Join(addrs, ",") + "/shop"
}

// eventually waits until f is nil.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("not in %v: %s: %v", patience, what, err)
}

// do runs a command over a connection that is borrowed for it.
func do(ctx context.Context, res *redis.Resource, command string, args ...any) (any, error) {
	conn, err := res.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return driver.DoContext(conn, ctx, command, args...)
}

// portOf asks over the resource which server it is that answers.
func portOf(ctx context.Context, res *redis.Resource) (string, error) {
	text, err := driver.String(do(ctx, res, "INFO", "server"))
	_, rest, _ := strings.Cut(text, "tcp_port:")
	port, _, _ := strings.Cut(rest, "\r\n")
	return port, err
}

func TestAKilledPrimaryIsFollowedByTheNext(t *testing.T) {
	w := startWatched(t)
	r, res := open(t, at(w.url()))
	if now, err := portOf(t.Context(), res); err != nil || now != port(w.nodes[0]) {
		t.Fatalf("the first primary is %s: %v", now, err)
	}
	w.nodes[0].kill()
	eventually(t, "a write works after the primary was killed", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := do(ctx, res, "SET", "k", "v")
		return err
	})
	if now, err := portOf(t.Context(), res); err != nil || now == port(w.nodes[0]) {
		t.Errorf("after the fail-over the primary is %s: %v", now, err)
	}
	eventually(t, "the check passes", func() error { return r.CheckAll(t.Context()).Err() })
}

func TestANewConnectionWaitsForTheNextPrimary(t *testing.T) {
	for name, fell := range map[string]func(*process){"killed": (*process).kill, "frozen": (*process).freeze} {
		t.Run(name, func(t *testing.T) {
			w := startWatched(t)
			r, res := open(t, at(w.url()))
			held, err := res.Conn(t.Context()) // the one that the pool has
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			fell(w.nodes[0])
			if name == "killed" {
				if kind := registry.KindOf(r.Check(t.Context(), "redis").Err); kind != registry.KindUnreachable {
					t.Errorf("the check says %q", kind)
				}
			}
			if _, err := do(t.Context(), res, "SET", "k", "v"); err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTheWaitForAPrimaryEndsAfterTheDialTimeout(t *testing.T) {
	refused := kit.Errorf(registry.KindUnreachable, "connection refused")
	hangs := func(ctx context.Context) error {
		<-ctx.Done()
		return kit.Classify(ctx.Err())
	}
	for name, test := range map[string]struct {
		then  func(context.Context) error // all but the first time, which is refused
		close time.Duration
		took  time.Duration
		kind  registry.Kind
	}{
		"refused":       {func(context.Context) error { return refused }, time.Hour, time.Second, registry.KindUnreachable},
		"silent":        {hangs, time.Hour, time.Second, registry.KindTimeout},
		"closed":        {hangs, 700 * time.Millisecond, 700 * time.Millisecond, registry.KindNotOpen},
		"closed before": {hangs, 300 * time.Millisecond, 300 * time.Millisecond, registry.KindNotOpen},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, first := time.Now(), true
				err := redis.Await(t.Context(), time.Second, test.close, func(ctx context.Context) (driver.Conn, error) {
					if first {
						first = false
						return nil, refused
					}
					return nil, test.then(ctx)
				})
				if took := time.Since(start); registry.KindOf(err) != test.kind || took != test.took {
					t.Errorf("got %v after %v", err, took)
				}
			})
		})
	}
}

func TestAPlannedFailoverMovesTheConnections(t *testing.T) {
	w := startWatched(t)
	cfg := at(w.url())
	cfg.ClientName = "moves"
	_, res := open(t, cfg)
	held, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := driver.DoContext(held, t.Context(), "SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	w.sentinels[0].do("SENTINEL", "failover", "shop")
	eventually(t, "the next connection is to the next primary", func() error {
		now, err := portOf(t.Context(), res)
		if err == nil && now == port(w.nodes[0]) {
			err = fmt.Errorf("it is still to the first one")
		}
		return err
	})
	// What is held goes back, and must not be lent again.
	held.Close()
	eventually(t, "no connection to the first primary is left", func() error {
		list, err := driver.String(w.nodes[0].conn.Do("CLIENT", "LIST"))
		if n := strings.Count(list, "name=moves"); n > 0 {
			err = fmt.Errorf("there are %d", n)
		}
		return err
	})
	if _, err := do(t.Context(), res, "SET", "k", "w"); err != nil {
		t.Error(err)
	}
}

func TestOneOfThreeSentinelsIsEnough(t *testing.T) {
	w := startWatched(t)
	w.sentinels[0].kill()
	w.sentinels[2].kill()
	r, res := open(t, at(w.url()))
	if _, err := do(t.Context(), res, "SET", "k", "v"); err != nil {
		t.Error(err)
	}
	if err := r.CheckAll(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

func TestASilentSentinelIsNotWaitedFor(t *testing.T) {
	w := startWatched(t)
	silent := listen(t)
	_, res := open(t, at("redis+sentinel://"+silent.Addr().String()+","+w.sentinels[1].addr+"/shop"))
	if _, err := do(t.Context(), res, "SET", "k", "v"); err != nil {
		t.Error(err)
	}
}

func TestASentinelsPasswordIsItsOwn(t *testing.T) {
	secret := canary.New("", "")
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(secret.Value+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	node := redisServer(t)
	watcher := startSentinel(t, node, "--requirepass", secret.Value)
	setenv(t, "REDIS_SENTINEL_HOSTS="+watcher.addr+" REDIS_SENTINEL_MASTER=shop")
	t.Setenv("REDIS_SENTINEL_PASSWORD_FILE", file)
	res := redis.New("redis")
	eventually(t, "it opens", func() error { return res.Open(t.Context()) }) // on a busy machine not at once
	defer res.Close(t.Context())
	if _, err := do(t.Context(), res, "SET", "k", "v"); err != nil {
		t.Error(err)
	}
}

func TestWhatIsWrongWithSentinelsIsOneLine(t *testing.T) {
	secret := canary.New("", "")
	node, other := redisServer(t), redisServer(t)
	watcher, stranger := startSentinel(t, node), startSentinel(t, other)
	locked := startSentinel(t, node, "--requirepass", "right")
	silent := listen(t)
	gone := listen(t)
	gone.Close()
	for name, test := range map[string]struct {
		cfg  redis.Config
		kind registry.Kind
		want string
	}{
		"unknown master": {
			redis.Config{SentinelHosts: watcher.addr, SentinelMaster: secret.Value},
			registry.KindConfig,
			"REDIS_SENTINEL_HOSTS: the Sentinels know no primary of that name",
		},
		"unknown master in the URL": {
			redis.Config{URL: config.NewSecret("redis+sentinel://" + watcher.addr + "/" + secret.Value)},
			registry.KindConfig,
			"REDIS_URL: the Sentinels know no primary of that name",
		},
		"wrong password": {
			redis.Config{
				SentinelHosts: locked.addr, SentinelMaster: "shop", SentinelPassword: config.NewSecret(secret.Value),
			}, registry.KindAuth, "REDIS_SENTINEL_PASSWORD: wrong user name or password (WRONGPASS)",
		},
		"no password": {
			redis.Config{SentinelHosts: locked.addr, SentinelMaster: "shop"},
			registry.KindAuth,
			"REDIS_SENTINEL_PASSWORD: the server wants a password (NOAUTH)",
		},
		"they disagree": {
			redis.Config{SentinelHosts: watcher.addr + "," + stranger.addr, SentinelMaster: "shop"},
			registry.KindConfig,
			"REDIS_SENTINEL_HOSTS: the Sentinels disagree about where the primary is",
		},
		"no Sentinels": {
			redis.Config{SentinelHosts: node.addr, SentinelMaster: "shop"},
			registry.KindConfig,
			"REDIS_SENTINEL_HOSTS: this is no Sentinel",
		},
		"nobody": {
			redis.Config{SentinelHosts: gone.Addr().String(), SentinelMaster: "shop"},
			registry.KindUnreachable,
			"REDIS_SENTINEL_HOSTS: no Sentinel leads to the primary: connection refused",
		},
		"silence": {
			redis.Config{SentinelHosts: silent.Addr().String(), SentinelMaster: "shop"},
			registry.KindTimeout,
			"REDIS_SENTINEL_HOSTS: no Sentinel leads to the primary: no answer in time: context deadline exceeded",
		},
	} {
		t.Run(name, func(t *testing.T) {
			res := redis.New("redis", redis.WithConfig(test.cfg))
			err := res.Open(t.Context())
			for registry.KindOf(err) == registry.KindTimeout && test.kind != registry.KindTimeout { // on a busy machine
				err = res.Open(t.Context())
			}
			if err == nil || err.Error() != test.want || registry.KindOf(err) != test.kind {
				t.Errorf("got  %s: %v\nwant %s: %s", registry.KindOf(err), err, test.kind, test.want)
			}
			secret.AbsentFrom(t, err)
		})
	}
}

func TestAskingSentinelsIsNoSignThatAFullPoolMoves(t *testing.T) {
	watcher := startSentinel(t, redisServer(t))
	err := redis.FullLongAfter(t, redis.Config{SentinelHosts: watcher.addr, SentinelMaster: "shop"})
	if registry.KindOf(err) != registry.KindExhausted {
		t.Errorf("got %v", err)
	}
}

func TestTheContractIsKeptBehindSentinels(t *testing.T) {
	node := redisServer(t)
	watcher := startSentinel(t, node)
	registrytest.Run(t, registrytest.Target{New: func(*testing.T) registry.Resource {
		return redis.New("redis", redis.WithConfig(redis.Config{SentinelHosts: watcher.addr, SentinelMaster: "shop"}))
	}})
}
