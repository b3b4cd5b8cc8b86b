package devstack_test

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/vibework/mooring/lab/devstack"
)

func TestStartRunsAllServersWhenNoneIsNamed(t *testing.T) {
	stack := start(t)
	var names []string
	for _, v := range stack.Env() {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	want := []string{
		"MYSQL_URL", "MONGO_URI", "REDIS_URL", "PUBSUB_EMULATOR_HOST", "PUBSUB_PROJECT_ID",
	}
	if !slices.Equal(names, want) {
		t.Errorf("the environment has %v, want %v", names, want)
	}
}

func TestStartRunsOnlyWhatIsNamed(t *testing.T) {
	stack := start(t, "redis", "redis")
	if env := stack.Env(); len(env) != 1 || !strings.HasPrefix(env[0], "REDIS_URL=") {
		t.Errorf("the environment is %v, want REDIS_URL alone", env)
	}
}

func TestStartRefusesAnUnknownNameAndListsTheKnown(t *testing.T) {
	_, err := devstack.Start(t.Context(), "redis", "mysq")
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range append(devstack.Names(), `"mysq"`) {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %s", err, word)
		}
	}
}

func TestStartGivesUpWhenItsContextIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := devstack.Start(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestStacksInOneProcessDoNotMeet(t *testing.T) {
	stacks := make([]*devstack.Stack, 3)
	var wg sync.WaitGroup
	for i := range stacks {
		wg.Go(func() { stacks[i], _ = devstack.Start(t.Context()) })
	}
	wg.Wait()
	var envs []string
	for _, s := range stacks {
		if s == nil {
			t.Fatal("a stack did not start")
		}
		defer func() { _ = s.Stop() }()
		envs = append(envs, s.Env()...)
	}
	envs = slices.DeleteFunc(envs, func(v string) bool { return strings.HasPrefix(v, "PUBSUB_PROJECT_ID=") })
	slices.Sort(envs)
	if n := len(slices.Compact(envs)); n != 3*4 {
		t.Errorf("3 stacks of 4 servers have %d addresses", n)
	}
}

func TestStopLeavesNoGoroutineAndNoFileBehind(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	before := goleak.IgnoreCurrent()

	stack := start(t)
	db := openMySQL(t, stack)
	mongo := connectMongo(t, stack)
	conn := dialRedis(t, stack)
	pub := newPubSub(t, stack)
	if err := errors.Join(
		db.PingContext(t.Context()), mongo.Ping(t.Context(), nil), conn.Err(), listTopics(t.Context(), pub),
	); err != nil {
		t.Fatal(err)
	}
	if files := list(t, folder); len(files) != 1 {
		t.Errorf("the running servers have %v in the temporary folder, want one folder", files)
	}

	// The clients are still connected. FerretDB would give them three seconds to leave.
	begun := time.Now()
	if err := stack.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if files := list(t, folder); len(files) != 0 {
		t.Errorf("%v left behind", files)
	}
	_ = db.Close()
	_ = mongo.Disconnect(t.Context())
	_ = conn.Close()
	_ = pub.Close()
	goleak.VerifyNone(t, append(clientLeaks, before)...)
}

func TestStopEndsStatementsThatRun(t *testing.T) {
	before := goleak.IgnoreCurrent()
	stack := start(t, "mysql")
	db := openMySQL(t, stack)
	asleep := make(chan error, 1)
	go func() {
		_, err := db.ExecContext(t.Context(), `SELECT SLEEP(600)`)
		asleep <- err
	}()
	eventually(t, func(ctx context.Context) error {
		var n int
		return db.QueryRowContext(ctx, `SELECT 1 FROM information_schema.processlist
			WHERE info LIKE 'SELECT SLEEP%'`).Scan(&n)
	})
	if err := stack.Stop(); err != nil {
		t.Error(err)
	}
	if err := <-asleep; err == nil {
		t.Error("the statement succeeded although the server has stopped")
	}
	_ = db.Close()
	goleak.VerifyNone(t, append(clientLeaks, before)...)
}

func TestStopMayBeCalledAgain(t *testing.T) {
	stack := start(t, "redis")
	for range 2 {
		if err := stack.Stop(); err != nil {
			t.Error(err)
		}
	}
	if err := stack.StartServer("redis"); err == nil {
		t.Error("a server of a stopped stack started")
	}
}

func TestStopServerRefusesWhatIsNotInTheStack(t *testing.T) {
	stack := start(t, "redis")
	if err := stack.StopServer("mysql"); err == nil || !strings.Contains(err.Error(), `"mysql"`) {
		t.Errorf("got %v, want an error that names mysql", err)
	}
}

func TestStopServerAndStartServerMayBeRepeated(t *testing.T) {
	stack := start(t, "pubsub")
	addr := variable(t, stack, "PUBSUB_EMULATOR_HOST")
	for range 3 {
		for range 2 {
			if err := stack.StopServer("pubsub"); err != nil {
				t.Fatal(err)
			}
		}
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Fatal("the port of a stopped server is open")
		}
		for range 2 {
			if err := stack.StartServer("pubsub"); err != nil {
				t.Fatal(err)
			}
		}
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
}

func TestStartServerSaysThatThePortIsTaken(t *testing.T) {
	stack := start(t, "redis")
	addr := dialRedisAddr(t, stack)
	if err := stack.StopServer("redis"); err != nil {
		t.Fatal(err)
	}
	squatter, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer squatter.Close()
	if err := stack.StartServer("redis"); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("got %v, want an error that names %s", err, addr)
	}
}

func list(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
