package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

func TestAClusterIsUsedAsOneServer(t *testing.T) {
	c := startCluster(t, false)
	cfg := at(c.url())
	cfg.MaxActive = 4
	r, res := open(t, cfg)
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	wants := func(t *testing.T, want string) func(any, error) {
		return func(reply any, err error) {
			t.Helper()
			if got := fmt.Sprintf("%s %v", reply, err); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
	}
	do := func(name string, args ...any) (any, error) { return driver.DoContext(conn, t.Context(), name, args...) }
	t.Run("every key", func(t *testing.T) {
		for n := range 100 {
			wants(t, "OK <nil>")(do("SET", fmt.Sprint("k", n), n))
			wants(t, fmt.Sprint(n)+" <nil>")(do("GET", []byte(fmt.Sprint("k", n))))
		}
	})
	t.Run("without a key", func(t *testing.T) { wants(t, "PONG <nil>")(do("PING")) })
	t.Run("script", func(t *testing.T) {
		wants(t, "v <nil>")(do("EVAL", "return redis.call('GET', KEYS[1])", 1, store(t, res, "s")))
		wants(t, "%!s(int64=7) <nil>")(do("EVAL", "return 7", 0))
	})
	t.Run("pipeline", func(t *testing.T) {
		conn.Send("SET", "{p}1", "a")
		conn.Send("SET", "{p}2", "b")
		conn.Flush()
		wants(t, "OK <nil>")(conn.Receive())
		wants(t, "OK <nil>")(driver.ReceiveContext(conn, t.Context()))
		conn.Send("GET", "{p}1")
		wants(t, "b <nil>")(do("GET", "{p}2"))
		conn.Send("GET", "{p}1")
		conn.Send("LPUSH", "{p}2", "x")
		wants(t, "[a WRONGTYPE Operation against a key holding the wrong kind of value] <nil>")(do(""))
	})
	t.Run("transaction", func(t *testing.T) {
		conn.Send("MULTI")
		conn.Send("SET", "{p}1", "c")
		conn.Send("GET", "{p}1")
		wants(t, "[OK c] <nil>")(do("EXEC"))
		wants(t, "OK <nil>")(do("MULTI"))
		wants(t, "QUEUED <nil>")(do("SET", "{p}1", "d"))
		wants(t, "[OK] <nil>")(do("EXEC"))
		wants(t, "OK <nil>")(do("WATCH", "{p}1"))
		store(t, res, "{p}1")
		conn.Send("MULTI")
		conn.Send("SET", "{p}1", "e")
		wants(t, "%!s(<nil>) <nil>")(do("EXEC"))
		store(t, res, "elsewhere")
		wants(t, "v <nil>")(do("GET", "elsewhere"))
	})
	t.Run("a buffer that is used again", func(t *testing.T) {
		buffer := []byte("one")
		conn.Send("SET", "{p}1", buffer)
		copy(buffer, "two")
		conn.Send("SET", "{p}2", driver.Args{}.Add(buffer)[0])
		copy(buffer, "six")
		wants(t, "[OK OK] <nil>")(do(""))
		wants(t, "[one two] <nil>")(do("MGET", "{p}1", "{p}2"))
	})
	t.Run("transaction that begins on its own", func(t *testing.T) {
		wants(t, "OK <nil>")(do("MULTI"))
		wants(t, "%!s(<nil>) <nil>")(do(""))
		conn.Send("SET", "{p}1", "g")
		wants(t, "QUEUED <nil>")(conn.Receive())
		wants(t, "[OK] <nil>")(do("EXEC"))
		conn.Send("MULTI")
		wants(t, "OK <nil>")(conn.Receive())
		conn.Send("GET", "{p}1")
		conn.Send("GET", "{p}2")
		wants(t, "[QUEUED QUEUED] <nil>")(do(""))
		wants(t, "[g two] <nil>")(do("EXEC"))
		conn.Send("MULTI")
		wants(t, "[OK] <nil>")(do(""))
		wants(t, "OK <nil>")(do("DISCARD"))
		conn.Send("MULTI")
		conn.Send("GET", "{p}1")
		wants(t, "OK <nil>")(conn.Receive())
		wants(t, "[g] <nil>")(do("EXEC")) // which drops the other reply
		conn.Send("GET", "{p}1")
		wants(t, "g <nil>")(conn.Receive())
		conn.Send("MULTI")
		conn.Send("GET", "{p}1")
		wants(t, "OK <nil>")(conn.Receive())
		conn.Send("EXEC")
		wants(t, "[QUEUED [g]] <nil>")(do(""))
	})
	t.Run("transaction that ends in a pipeline", func(t *testing.T) {
		begin := func() {
			t.Helper()
			wants(t, "OK <nil>")(do("WATCH", "{p}1"))
			conn.Send("MULTI")
			conn.Send("SET", "{p}1", "f")
			conn.Send("EXEC")
		}
		begin()
		wants(t, "[OK QUEUED [OK]] <nil>")(do(""))
		begin()
		conn.Flush()
		wants(t, "OK <nil>")(conn.Receive())
		wants(t, "QUEUED <nil>")(conn.Receive())
		wants(t, "[OK] <nil>")(conn.Receive())
		conn.Send("GET", "elsewhere")
		wants(t, "v <nil>")(conn.Receive())
		begin()
		conn.Send("GET", "elsewhere")
		wants(t, "OK <nil>")(conn.Receive())
		wants(t, "QUEUED <nil>")(conn.Receive())
		wants(t, "[OK] <nil>")(conn.Receive())
		wants(t, "v <nil>")(conn.Receive())
		begin()
		wants(t, "v <nil>")(do("GET", "elsewhere"))
		begin()
		conn.Send("LPUSH", "{p}1", "x")
		wants(t, "f WRONGTYPE Operation against a key holding the wrong kind of value")(do("GET", "{p}1"))
	})
	t.Run("subscription", func(t *testing.T) {
		listener, err := res.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		sub := driver.PubSubConn{Conn: listener}
		if err := sub.Subscribe("news"); err != nil {
			t.Fatal(err)
		}
		if got, err := listener.Do(""); fmt.Sprintf("%s", got) != "[[subscribe news %!s(int64=1)]]" || err != nil {
			t.Errorf("Do(\"\") returns %s, %v", got, err)
		}
		if err := sub.Subscribe("weather"); err != nil {
			t.Fatal(err)
		}
		_, _ = do("PUBLISH", "news", "hello")
		for range 10 { // the message may be there
			if _, _ = do("PING"); listener.Err() != nil {
				t.Fatal(listener.Err())
			}
		}
		if got, is := sub.ReceiveWithTimeout(30 * time.Second).(driver.Subscription); !is {
			t.Fatal(got)
		}
		if got, is := sub.ReceiveWithTimeout(30 * time.Second).(driver.Message); !is || string(got.Data) != "hello" {
			t.Error(got)
		}
	})
	t.Run("refused", func(t *testing.T) {
		conn.Send("SET", "a", 1)
		wants(t, "%!s(<nil>) the keys of a pipeline or a transaction are not in one slot")(do("SET", "b", 1))
		wants(t, "%!s(<nil>) SCAN speaks of one node of the cluster only: connect to each")(do("SCAN", 0))
		wants(t, "%!s(<nil>) SCRIPT speaks of one node of the cluster only: connect to each")(do("SCRIPT", "LOAD", "return 1"))
		wants(t, "%!s(<nil>) WAIT speaks of one connection only: send it behind a command")(do("WAIT", 0, 1))
		conn.Send("SET", "{p}1", "h")
		wants(t, "%!s(int64=0) <nil>")(do("WAIT", 0, 1))
		wants(t, "CROSSSLOT Keys in request don't hash to the same slot CROSSSLOT Keys in request don't hash to the same slot")(do("MGET", "a", "b"))
	})
	t.Run("blocking", func(t *testing.T) {
		wants(t, "%!s(<nil>) <nil>")(driver.DoWithTimeout(conn, 30*time.Second, "BLPOP", "empty", 0.01))
	})
	t.Run("handle", func(t *testing.T) {
		if _, err := res.Handle(); err == nil || !strings.Contains(err.Error(), "use Conn") {
			t.Error(err)
		}
		defer func() {
			if recover() == nil {
				t.Error("Pool has not panicked")
			}
		}()
		res.Pool()
	})
	t.Run("pools", func(t *testing.T) {
		if s := res.PoolStats(); s.Max != 12 || s.Open < 3 || s.InUse != 0 || s.Idle != s.Open {
			t.Errorf("%+v", s)
		}
	})
	t.Run("check", func(t *testing.T) {
		c.nodes[1].kill()
		eventually(t, "the check fails", func() error {
			if err := r.CheckAll(t.Context()).Err(); err == nil {
				return errors.New("it passes")
			} else if strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "127.0.0.1") {
				t.Fatal(err)
			}
			return nil
		})
	})
}

func TestAKilledMasterOfAClusterIsFollowed(t *testing.T) {
	c := startCluster(t, true)
	r, res := open(t, at(c.url()))
	done, stop := work(t, res)
	more(t, done, 100)
	c.nodes[0].kill()
	eventually(t, "the check passes after a fail-over", func() error {
		roles, err := driver.Values(c.nodes[3].conn.Do("ROLE"))
		if err == nil && string(roles[0].([]byte)) != "master" {
			return errors.New("no fail-over yet")
		}
		return errors.Join(err, r.CheckAll(t.Context()).Err())
	})
	more(t, done, 400) // all slots
	errs := stop()
	for n := range 100 { // and nobody fails from now on
		store(t, res, fmt.Sprint("k", n))
	}
	if len(errs) > 40 {
		t.Errorf("%d errors, such as %v", len(errs), errs[0])
	}
}

func TestAPlannedFailoverOfAClusterFailsNothing(t *testing.T) {
	c := startCluster(t, true)
	_, res := open(t, at(c.url()))
	done, stop := work(t, res)
	more(t, done, 100)
	c.nodes[4].do("CLUSTER", "FAILOVER")
	eventually(t, "the replica is promoted", func() error {
		roles, err := driver.Values(c.nodes[4].conn.Do("ROLE"))
		if err == nil && string(roles[0].([]byte)) != "master" {
			err = errors.New("not yet")
		}
		return err
	})
	more(t, done, 400)
	if errs := stop(); len(errs) > 0 {
		t.Errorf("%d errors, such as %v", len(errs), errs[0])
	}
	if total := sum(t, res); total != done.Load() {
		t.Errorf("%d writes were acknowledged, %d are there", done.Load(), total)
	}
}

func TestAReshardUnderLoadFailsNothing(t *testing.T) {
	c := startCluster(t, false)
	_, res := open(t, at(c.url()))
	done, stop := work(t, res)
	more(t, done, 400)
	moved := make(map[int]bool)
	for w := range 4 {
		for n := range 50 {
			// All from one master to one other: a node that gives and takes at once may take its own old gossip for news.
			if slot := redis.SlotOfKey(fmt.Sprint("key", w, "-", n)); slot < 16384/3 && !moved[slot] && len(moved) < 20 {
				moved[slot] = true
				c.move(slot)
			}
		}
	}
	more(t, done, 400)
	if errs := stop(); len(errs) > 0 {
		t.Errorf("%d errors, such as %v", len(errs), errs[0])
	}
	if total := sum(t, res); total != done.Load() {
		t.Errorf("%d writes were acknowledged, %d are there", done.Load(), total)
	}
}

func TestNodesWithoutAnAddressAreOnTheSameHost(t *testing.T) {
	c := startCluster(t, false, "--cluster-preferred-endpoint-type", "unknown-endpoint")
	_, res := open(t, at("redis+cluster://"+c.nodes[0].addr))
	for n := range 50 {
		store(t, res, fmt.Sprint("k", n))
	}
	slot := redis.SlotOfKey("k0")
	c.move(slot)
	store(t, res, "k0") // MOVED has no address, either
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for n := range 3 { // a transaction and a pipeline follow the slot as a whole, and are done once
		c.move(redis.SlotOfKey(fmt.Sprint("k1", n)))
		key := fmt.Sprint("n{k1", n, "}")
		conn.Send("MULTI")
		conn.Send("INCR", key)
		if _, err := driver.DoContext(conn, t.Context(), "EXEC"); err != nil {
			t.Error(err)
		}
		conn.Send("INCR", key)
		if got, err := driver.Int(driver.DoContext(conn, t.Context(), "INCR", key)); got != 3 || err != nil {
			t.Errorf("counted to %d: %v", got, err)
		}
	}
}

func TestASlotThatLeavesAWatchIsNoMistakeOfTheConfiguration(t *testing.T) {
	c := startCluster(t, false)
	_, res := open(t, at(c.url()))
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Do("WATCH", "a"); err != nil {
		t.Fatal(err)
	}
	c.move(redis.SlotOfKey("a"))
	conn.Send("GET", "a")
	_, _ = conn.Do("")
	_, err1 := conn.Do("GET", "a")
	conn.Send("MULTI")
	conn.Send("INCR", "a")
	_, err2 := conn.Do("EXEC")
	for _, err := range []error{err1, err2} {
		if kind := registry.KindOf(redis.Classify(err)); !kind.Retryable() {
			t.Errorf("%v is %q", err, kind)
		}
	}
	conn.Do("WATCH", "a")
	conn.Send("MULTI")
	conn.Send("INCR", "a")
	if reply, err := driver.Ints(conn.Do("EXEC")); err != nil || len(reply) != 1 || reply[0] != 1 {
		t.Errorf("the next transaction: %v, %v", reply, err)
	}
}

func TestALargeValueForAFrozenNodeEndsWithTheContext(t *testing.T) {
	c := startCluster(t, false)
	_, res := open(t, at(c.url()))
	c.nodes[0].freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := do(ctx, res, "SET", "b", make([]byte, 64<<20))
	if took := time.Since(start); err == nil || took > patience/2 {
		t.Errorf("%v after %v", err, took)
	}
}

func TestAPipelineFollowsASlotThatIsHalfMoved(t *testing.T) {
	c := startCluster(t, false)
	_, res := open(t, at(c.url()))
	for n := range 3 {
		store(t, res, fmt.Sprint("{a}", n))
	}
	slot, source, target := redis.SlotOfKey("a"), c.nodes[2], c.nodes[0]
	target.do("CLUSTER", "SETSLOT", slot, "IMPORTING", c.ids[2])
	source.do("CLUSTER", "SETSLOT", slot, "MIGRATING", c.ids[0])
	for _, key := range []string{"{a}0", "{a}2"} {
		source.do("MIGRATE", "127.0.0.1", port(target), key, 0, 5000)
	}
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, key := range []string{"{a}0", "{a}1", "{a}2"} {
		conn.Send("APPEND", key, "x")
	}
	lengths, err := driver.Ints(driver.DoContext(conn, t.Context(), ""))
	if fmt.Sprint(lengths) != "[2 2 2]" || err != nil { // each was done, and once
		t.Errorf("the pipeline: %v, %v", lengths, err)
	}
	conn.Send("MULTI")
	conn.Send("APPEND", "{a}0", "x")
	conn.Send("APPEND", "{a}2", "x")
	lengths, err = driver.Ints(driver.DoContext(conn, t.Context(), "EXEC"))
	if fmt.Sprint(lengths) != "[3 3]" || err != nil {
		t.Errorf("the transaction: %v, %v", lengths, err)
	}
}

func TestWhatFollowsABeginThatFailedIsNotDone(t *testing.T) {
	c := startCluster(t, false)
	_, res := open(t, at(c.url()))
	ended, end := context.WithCancel(t.Context())
	end()
	for name, begin := range map[string]func(driver.Conn) error{
		"context done": func(conn driver.Conn) error {
			_, _ = conn.Do("MULTI")
			_, err := driver.DoContext(conn, ended, "SET", "{t}1", "v")
			return err
		},
		"refused command": func(conn driver.Conn) error {
			_, _ = conn.Do("MULTI")
			_, err := conn.Do("SCAN", 0)
			return err
		},
		"no watch": func(conn driver.Conn) error {
			_, err := driver.DoContext(conn, ended, "WATCH", "{t}1")
			return err
		},
		"slot with no master": func(conn driver.Conn) error {
			for _, node := range c.nodes {
				node.do("CLUSTER", "DELSLOTS", redis.SlotOfKey("t"))
			}
			conn.Send("MULTI")
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := driver.DoContext(conn, ctx, "SET", "{t}1", "v")
			c.nodes[2].do("CLUSTER", "ADDSLOTS", redis.SlotOfKey("t"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := res.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if begin(conn) == nil {
				t.Error("it has begun")
			}
			if reply, err := conn.Do("SET", "{other}", "v"); err == nil {
				t.Errorf("the next command is done: %v", reply)
			}
			if conn.Err() == nil {
				t.Error("the connection can still be used")
			}
		})
	}
}

func TestFullPoolsDoNotKeepAFailoverFromBeingSeen(t *testing.T) {
	c := startCluster(t, true)
	cfg := at(c.url())
	cfg.MaxActive = 1
	_, res := open(t, cfg)
	for _, key := range []string{"a", "c"} { // of the other two masters
		conn, err := res.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := driver.DoContext(conn, t.Context(), "WATCH", key); err != nil {
			t.Fatal(err)
		}
	}
	c.nodes[0].kill()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	eventually(t, "the check tells of the killed one", func() error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if err := res.Check(ctx); err == nil || err.Error() != "1 of 3 masters: connection refused" {
			return fmt.Errorf("got %w", err)
		}
		return nil
	})
	if _, err := do(ctx, res, "SET", "b", "v"); err != nil {
		t.Error(err)
	}
}

func TestWhoWaitsForANodeThatLeavesIsLedToTheNext(t *testing.T) {
	c := startCluster(t, true)
	cfg := at(c.url())
	cfg.MaxActive = 1
	_, res := open(t, cfg)
	held, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if _, err := driver.DoContext(held, t.Context(), "WATCH", "b"); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	go func() {
		_, err := do(t.Context(), res, "SET", "b", "v")
		waited <- err
	}()
	c.nodes[3].do("CLUSTER", "FAILOVER")
	eventually(t, "who waits is told", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_ = res.Check(ctx) // which asks for the map
		select {
		case err := <-waited:
			if err != nil {
				t.Error(err)
			}
			return nil
		default:
			return errors.New("it still waits")
		}
	})
}

func TestSlotsWithoutAMasterFailTheCheck(t *testing.T) {
	c := startCluster(t, false, "--cluster-require-full-coverage", "no")
	r, _ := open(t, at(c.url()))
	for _, node := range c.nodes {
		node.do("CLUSTER", "DELSLOTS", 100)
	}
	eventually(t, "the check fails", func() error {
		err := r.CheckAll(t.Context()).Err()
		if registry.KindOf(err) != registry.KindLoading {
			return fmt.Errorf("got %v", err)
		}
		return nil
	})
}

func TestWhatIsNoClusterIsNamed(t *testing.T) {
	node := redisServer(t)
	watcher := startSentinel(t, node)
	gone := listen(t)
	gone.Close()
	for addr, want := range map[string]string{
		node.addr: "config: no node of the cluster tells of its slots: this is one server, and no cluster: write REDIS_URL=redis://host:6379",
		watcher.addr: "config: no node of the cluster tells of its slots: this is a Sentinel, and not the server that it watches: " +
			"write REDIS_URL=redis+sentinel://host:26379/NAME",
		gone.Addr().String(): "unreachable: no node of the cluster tells of its slots: connection refused",
	} {
		res := redis.New("redis", redis.WithConfig(at("redis+cluster://"+addr)))
		err := res.Open(t.Context())
		for registry.KindOf(err) == registry.KindTimeout { // on a busy machine
			err = res.Open(t.Context())
		}
		if got := fmt.Sprintf("%s: %v", registry.KindOf(err), err); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestWhatIsLentByAClusterMayFinish(t *testing.T) {
	c := startCluster(t, false)
	res := redis.New("redis", redis.WithConfig(at(c.url())))
	eventually(t, "it opens", func() error { return res.Open(t.Context()) }) // on a busy machine not at once
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- res.Close(t.Context()) }()
	eventually(t, "nothing new is lent", func() error {
		another, err := res.Conn(t.Context())
		if err == nil {
			another.Close()
			return errors.New("it is")
		}
		return nil
	})
	for n := range 20 {
		if _, err := driver.DoContext(conn, t.Context(), "SET", fmt.Sprint("k", n), "v"); err != nil {
			t.Fatal(err)
		}
	}
	conn.Close()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestTheContractIsKeptByACluster(t *testing.T) {
	c := startCluster(t, false)
	registrytest.Run(t, registrytest.Target{New: func(*testing.T) registry.Resource {
		return redis.New("redis", redis.WithConfig(at(c.url())))
	}})
}

func TestTheSlotOfAKeyIsThatOfTheServer(t *testing.T) {
	for key, want := range map[string]int{
		"": 0, "foo": 12182, "123456789": 12739, "{foo}x": 12182, "a{foo}b{bar}": 12182, "{}foo": 9500,
	} {
		if got := redis.SlotOfKey(key); got != want {
			t.Errorf("%q is in %d, want %d", key, got, want)
		}
	}
}

func TestTheKeyOfACommandIsFound(t *testing.T) {
	for _, test := range []struct {
		name string
		args []any
		want string
	}{
		{"GET", []any{"k"}, "k"},
		{"EVAL", []any{"return 1", 1, "k", "a"}, "k"},
		{"EVAL", []any{"return 1", 0, "a"}, ""},
		{"XREADGROUP", []any{"GROUP", "g", "c", "STREAMS", "k", ">"}, "k"},
		{"XREAD", []any{"COUNT", 1, "streams", "k", "0"}, "k"},
		{"ZUNION", []any{2, "k", "l"}, "k"},
		{"BLMPOP", []any{0.1, 1, "k", "LEFT"}, "k"},
		{"OBJECT", []any{"ENCODING", "k"}, "k"},
		{"MEMORY", []any{"DOCTOR"}, ""},
		{"PING", nil, ""},
		{"INFO", []any{"server"}, ""},
		{"INCRBY", []any{7, 1}, "7"},
		{"INCRBY", []any{true, 1}, "1"},
	} {
		got, found := redis.KeyOf(test.name, test.args...)
		if got != test.want || found != (test.want != "") {
			t.Errorf("%s %v: %q, %v", test.name, test.args, got, found)
		}
	}
}
