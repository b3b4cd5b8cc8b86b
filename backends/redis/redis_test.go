package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/registry"
)

func TestOpenCheckUseCloseAndOpenAgain(t *testing.T) {
	r, res := open(t, at(server(t)))
	key := fmt.Sprintf("mooring-%d", time.Now().UnixNano())
	for range 2 {
		if report := r.CheckAll(t.Context()); report.Err() != nil {
			t.Fatal(report.Err())
		}
		set(t, res, key, "value")
		if got := get(t, res, key); got != "value" {
			t.Errorf("got %q", got)
		}
		if err := r.CloseAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := res.Check(t.Context()); !errors.Is(err, registry.ErrNotOpen) {
			t.Errorf("a check after Close says %v", err)
		}
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheConfigurationComesFromTheEnvironment(t *testing.T) {
	url := server(t)
	setenv(t, "REDIS_SESSIONS_URL="+url)
	res := redis.New("redis-sessions")
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := res.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := res.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTwoInstancesKeepToThemselves(t *testing.T) {
	r := registry.New()
	one := redis.New("redis-one", redis.WithConfig(at(server(t))))
	two := redis.New("redis-two", redis.WithConfig(at(server(t))))
	r.Register(one)
	r.Register(two)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.CloseAll(t.Context()) }()
	if one.Pool() == two.Pool() {
		t.Error("they share a pool")
	}
	if found, err := registry.GetFrom[*redis.Resource](r, "redis-two"); found != two || err != nil {
		t.Errorf("GetFrom returned %v, %v", found, err)
	}
}

func TestAWrongPasswordIsFinalAndNotShown(t *testing.T) {
	secret := canary.New("", "")
	url := strings.Replace(server(t), "redis://", "redis://nobody:"+secret.Value+"@", 1)
	r, _ := register(at(url))
	err := r.OpenAll(t.Context())
	if registry.KindOf(err) != registry.KindAuth {
		t.Errorf("the kind of %v is %q", err, registry.KindOf(err))
	}
	wants := []string{
		"open redis: auth: wrong user name or password (WRONGPASS)",
		"open redis: auth: the server has no password, or no users, but the configuration has",
	}
	if err.Error() != wants[0] && err.Error() != wants[1] {
		t.Errorf("got %v", err)
	}
	secret.AbsentFrom(t, err)
	canary.NoParserIn(t, err)
}

func TestThePoolStaysBoundedAndWarm(t *testing.T) {
	var dialled atomic.Int32
	cfg := at(server(t))
	cfg.MaxActive = 5
	_, res := open(t, cfg, redis.WithHook(func(pool *driver.Pool) {
		dial := pool.DialContext
		pool.DialContext = func(ctx context.Context) (driver.Conn, error) {
			dialled.Add(1)
			return dial(ctx)
		}
	}))
	set(t, res, "mooring-pool", "value")
	var workers sync.WaitGroup
	for range 20 {
		workers.Go(func() {
			for range 50 {
				conn, err := res.Conn(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := driver.DoContext(conn, t.Context(), "GET", "mooring-pool"); err != nil {
					t.Error(err)
				}
				conn.Close()
			}
		})
	}
	workers.Wait()
	if n := dialled.Load(); n > 5 {
		t.Errorf("%d connections were dialled for 1000 commands with MaxActive 5", n)
	}
}

func TestAFullPoolIsAWarning(t *testing.T) {
	cfg := at(server(t))
	cfg.MaxActive = 2
	r, res := open(t, cfg)
	for range 2 {
		conn, err := res.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	result := r.Check(t.Context(), "redis")
	if want := "check redis: degraded: all 2 connections of the pool are in use"; result.Err == nil ||
		result.Err.Error() != want {
		t.Errorf("got %v, want %s", result.Err, want)
	}
	if result.Status() != registry.Warn {
		t.Errorf("the status is %q", result.Status())
	}
}

func TestPoolStatsAreThoseOfThePool(t *testing.T) {
	cfg := at(server(t))
	cfg.MaxActive = 3
	res := redis.New("redis", redis.WithConfig(cfg))
	if got := res.PoolStats(); got != (registry.PoolStats{}) {
		t.Errorf("before Open they are %+v", got)
	}
	r, res := open(t, cfg)
	for i := range 2 {
		conn, err := res.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			defer conn.Close()
			continue
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := res.PoolStats(), (registry.PoolStats{Max: 3, Open: 2, InUse: 1, Idle: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	_ = closeWithin(t, r, 500*time.Millisecond)
	if got := res.PoolStats(); got != (registry.PoolStats{}) {
		t.Errorf("after Close they are %+v", got)
	}
}

func TestBorrowingFromAFullPoolWaitsForTheContextOnly(t *testing.T) {
	cfg := at(server(t))
	cfg.MaxActive = 1
	_, res := open(t, cfg)
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := res.Conn(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWithoutLimitsItOpensChecksAndLends(t *testing.T) {
	t.Setenv("REDIS_FREE_URL", server(t))
	for _, limit := range []string{
		"MAX_ACTIVE", "MAX_IDLE", "IDLE_TIMEOUT", "MAX_CONN_LIFETIME", "DIAL_TIMEOUT", "READ_TIMEOUT", "WRITE_TIMEOUT",
	} {
		t.Setenv("REDIS_FREE_"+limit, "0")
	}
	res := redis.New("redis-free")
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Close(t.Context()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range 30 {
		conn, err := res.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if got, want := res.PoolStats(), (registry.PoolStats{Open: 30, InUse: 30}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if err := res.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCloseCutsBorrowedConnectionsAndCountsThem(t *testing.T) {
	r, res := open(t, at(server(t)))
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Do("PING"); err != nil {
		t.Fatal(err)
	}
	err = closeWithin(t, r, 500*time.Millisecond)
	want := "close redis: timeout: 1 connections were still in use and have been cut"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := conn.Do("PING"); err == nil {
		t.Error("the connection still works")
	}
	conn.Close()
}

func TestCloseWithoutTimeCountsWhatIsInUseOnly(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	_, res := open(t, at(server(t)))
	warm(t, res, 4)
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = res.Close(ended)
	if want := "1 connections were still in use and have been cut"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestThePoolSaysThatItWasClosed(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	_, res := open(t, at(server(t)))
	pool := res.Pool()
	if err := res.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 50 { // the driver's choice between two causes is random
		if _, err := pool.GetContext(ended); err == nil {
			t.Fatal("a connection")
		}
	}
	_, err1 := pool.Get().Do("PING")
	_, err2 := res.Conn(t.Context())
	for _, err := range []error{err1, err2} {
		if registry.KindOf(err) != registry.KindNotOpen {
			t.Errorf("got %v", err)
		}
	}
}

func TestAFullPoolThatWasClosedPanicsForNobody(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	cfg := at(server(t))
	cfg.MaxActive = 1
	_, res := open(t, cfg)
	pool := res.Pool()
	held, err := pool.GetContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Close(ended); registry.KindOf(err) != registry.KindTimeout {
		t.Errorf("got %v", err)
	}
	for range 50 { // the driver's choice between two causes is random
		if _, err := pool.GetContext(ended); err == nil {
			t.Fatal("a connection")
		}
	}
	held.Close()
	if _, err := pool.GetContext(t.Context()); registry.KindOf(err) != registry.KindNotOpen {
		t.Errorf("got %v", err)
	}
}

// late is a connection that comes back while the pool is being closed.
type late struct {
	driver.ConnWithContext
	comesBack func()
}

func (l late) Err() error {
	err := l.ConnWithContext.Err()
	l.comesBack()
	return err
}

func TestAConnectionThatComesBackAsCloseBeginsDoesNotDelayIt(t *testing.T) {
	asked, goOn := make(chan struct{}), make(chan struct{})
	comesBack := sync.OnceFunc(func() {
		close(asked)
		<-goOn
	})
	first := true
	_, res := open(t, at(server(t)), redis.WithHook(func(pool *driver.Pool) {
		dial := pool.DialContext
		pool.DialContext = func(ctx context.Context) (driver.Conn, error) {
			conn, err := dial(ctx)
			if err != nil || first { // that of Open
				first = false
				return conn, err
			}
			return late{conn.(driver.ConnWithContext), comesBack}, nil
		}
	}))
	one, err1 := res.Conn(t.Context())
	other, err2 := res.Conn(t.Context())
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	go other.Close()
	<-asked
	one.Close()
	time.AfterFunc(100*time.Millisecond, func() { close(goOn) })
	start := time.Now()
	if err := res.Close(t.Context()); err != nil || time.Since(start) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

func TestWhoWaitsForAFullPoolIsToldOfClose(t *testing.T) {
	cfg := at(server(t))
	cfg.MaxActive = 1
	_, res := open(t, cfg)
	held, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := res.Conn(t.Context())
		held.Close()
		waiting <- err
	}()
	if err := res.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-waiting; registry.KindOf(err) != registry.KindNotOpen {
		t.Errorf("got %v", err)
	}
}

func TestABorrowedConnectionHasTheShareOfCloseToComeBack(t *testing.T) {
	r, res := open(t, at(server(t)))
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	worked := make(chan error, 1)
	time.AfterFunc(1500*time.Millisecond, func() {
		_, err := conn.Do("PING")
		worked <- err
		conn.Close()
	})
	if err := closeWithin(t, r, 30*time.Second); err != nil {
		t.Errorf("got %v", err)
	}
	if err := <-worked; err != nil {
		t.Errorf("the command: %v", err)
	}
}

// closeWithin is CloseAll with so much time.
func closeWithin(t *testing.T, r *registry.Registry, share time.Duration) error {
	ctx, cancel := context.WithTimeout(t.Context(), share)
	defer cancel()
	return r.CloseAll(ctx)
}

func TestTheHandleIsThereFromOpenOn(t *testing.T) {
	res := redis.New("redis", redis.WithConfig(at(server(t))))
	if _, err := res.Handle(); !errors.Is(err, registry.ErrNotOpen) ||
		err.Error() != "redis: not open: registry.OpenAll has not opened it yet" {
		t.Errorf("before Open: %v", err)
	}
	if _, err := res.Conn(t.Context()); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("Conn before Open: %v", err)
	}
	if text := panicOf(func() { res.Pool() }); text != "redis: not open: registry.OpenAll has not opened it yet" {
		t.Errorf("Pool before Open panicked with %q", text)
	}
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	pool := res.Pool()
	if err := res.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if res.Pool() != pool {
		t.Error("after Close it is another")
	}
}

func TestHandleSaysWhyOpenFailed(t *testing.T) {
	res := redis.New("redis", redis.WithConfig(redis.Config{}))
	if err := res.Open(t.Context()); registry.KindOf(err) != registry.KindConfig {
		t.Errorf("Open returned %v", err)
	}
	_, err := res.Handle()
	if want := "redis: not open: REDIS_URL is not set, nor is REDIS_HOST or REDIS_SENTINEL_HOSTS"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOptionsOfAnOpenResourceCannotBeChanged(t *testing.T) {
	_, res := open(t, at(server(t)))
	text := panicOf(func() { res.Use(redis.WithConfig(redis.Config{})) })
	if text != "redis: Use after the resource was opened" {
		t.Errorf("got %q", text)
	}
}

func TestAnUnreadableConfigurationLeavesTheSecretOutOfEveryPrint(t *testing.T) {
	for name, secret := range canary.Hostile() {
		cfg := redis.Config{URL: config.NewSecret(secret.Value), Password: config.NewSecret(secret.Value)}
		res := redis.New("redis", redis.WithConfig(cfg))
		err := res.Open(t.Context())
		if err == nil {
			t.Errorf("%s: opened", name)
		}
		secret.AbsentFrom(t, err)
		secret.AbsentFrom(t, cfg)
		secret.AbsentFrom(t, res)
		canary.NoParserIn(t, err)
	}
}

func panicOf(f func()) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	f()
	return ""
}

func set(t *testing.T, res *redis.Resource, key, value string) {
	t.Helper()
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := driver.DoContext(conn, t.Context(), "SET", key, value, "PX", 60_000); err != nil {
		t.Fatal(err)
	}
}
