package redis_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
)

// rotating are servers whose user app has a password that is in a file, and a resource that reads it.
type rotating struct {
	t       *testing.T
	servers []*process
	file    string
	res     *redis.Resource
}

// topologies start servers, and return with them what says where they are.
var topologies = map[string]func(t *testing.T) (servers []*process, variables string){
	"one server": func(t *testing.T) ([]*process, string) {
		p := redisServer(t)
		return []*process{p}, "REDIS_HOST=" + p.addr
	},
	"Sentinel": func(t *testing.T) ([]*process, string) {
		w := startWatched(t)
		return append(w.nodes, w.sentinels...), "REDIS_SENTINEL_USERNAME=app REDIS_URL=" + w.url()
	},
	"Cluster": func(t *testing.T) ([]*process, string) {
		c := startCluster(t, false)
		return c.nodes, "REDIS_URL=" + c.url()
	},
}

// inEachTopology runs a test with servers that begin with a password.
func inEachTopology(t *testing.T, password string, test func(t *testing.T, r *rotating)) {
	for name, start := range topologies {
		t.Run(name, func(t *testing.T) {
			r := &rotating{t: t, file: filepath.Join(t.TempDir(), "password"), res: redis.New("redis")}
			var variables string
			r.servers, variables = start(t)
			r.setUser("on", ">"+password, "~*", "&*", "+@all")
			r.write(password)
			setenv(t, variables+" REDIS_USERNAME=app REDIS_PASSWORD_FILE="+r.file+" REDIS_SENTINEL_PASSWORD_FILE="+r.file+
				" REDIS_MAX_CONN_LIFETIME=5ms REDIS_DIAL_TIMEOUT=30s")
			eventually(t, "it opens", func() error { return r.res.Open(t.Context()) }) // on a busy machine not at once
			defer func() { _ = r.res.Close(t.Context()) }()
			test(t, r)
		})
	}
}

// setUser changes the user at all servers, one after the other.
func (r *rotating) setUser(rules ...any) {
	r.t.Helper()
	for _, p := range r.servers {
		p.do("ACL", append([]any{"SETUSER", "app"}, rules...)...)
	}
}

// write replaces the file as Kubernetes does, at once.
func (r *rotating) write(password string) {
	r.t.Helper()
	next := r.file + ".next"
	if err := errors.Join(os.WriteFile(next, []byte(password), 0o600), os.Rename(next, r.file)); err != nil {
		r.t.Fatal(err)
	}
}

// use writes to a slot of each master of a cluster.
func (r *rotating) use() error {
	var errs []error
	for _, key := range []string{"a", "b", "c"} {
		_, err := do(r.t.Context(), r.res, "SET", key, "v")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func TestAPasswordIsRotatedUnderLoadWithoutAFailure(t *testing.T) {
	inEachTopology(t, "password-0", func(t *testing.T, r *rotating) {
		var queries, failed atomic.Int32
		ctx, cancel := context.WithCancel(t.Context())
		var workers sync.WaitGroup
		for range 2 {
			workers.Go(func() {
				for ctx.Err() == nil {
					queries.Add(1)
					if err := r.use(); err != nil {
						failed.Add(1)
						t.Error(err)
					}
					<-time.After(5 * time.Millisecond)
				}
			})
		}
		for i := 1; i <= 20; i++ { // both are valid for a moment, as Vault and AWS do it
			before, now := fmt.Sprintf("password-%d", i-1), fmt.Sprintf("password-%d", i)
			r.setUser(">" + now)
			r.write(now)
			<-time.After(20 * time.Millisecond)
			r.setUser("<" + before)
			<-time.After(20 * time.Millisecond)
		}
		cancel()
		workers.Wait()
		t.Logf("%d queries, 20 rotations, %d failed", queries.Load(), failed.Load())
	})
}

func TestWithoutOverlapTheNextConnectionHeals(t *testing.T) {
	inEachTopology(t, "before", func(t *testing.T, r *rotating) {
		r.setUser(">after", "<before")
		<-time.After(10 * time.Millisecond) // connections are replaced after 5ms
		if kind := registry.KindOf(redis.Classify(r.use())); kind != registry.KindAuth {
			t.Errorf("while only the server has changed: %q", kind)
		}
		if kind := registry.KindOf(r.res.Check(t.Context())); kind != registry.KindAuth {
			t.Errorf("the check: %q", kind)
		}
		r.write("after")
		if err := r.res.Check(t.Context()); err != nil {
			t.Errorf("the check after the file has changed: %v", err)
		}
		if err := r.use(); err != nil {
			t.Errorf("the next connection: %v", err)
		}
		r.write("half")
		<-time.After(10 * time.Millisecond)
		if err := r.use(); err != nil {
			t.Errorf("a password that the server refuses takes the place of one that works: %v", err)
		}
	})
}

func TestCredentialsAreAskedForAtEachConnection(t *testing.T) {
	p := redisServer(t)
	p.do("ACL", "SETUSER", "app", "on", ">token", "~*", "&*", "+@all")
	var asked atomic.Int32
	var broken atomic.Bool
	res := redis.New("redis", redis.WithConfig(redis.Config{Host: p.addr}), redis.WithCredentials(
		func(ctx context.Context) (string, config.Secret, error) {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("the context has no deadline")
			}
			if broken.Load() {
				return "", config.Secret{}, errors.New("SECRET")
			}
			asked.Add(1)
			return "app", config.NewSecret("token"), nil
		}))
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Close(t.Context()) }()
	warm(t, res, 3)
	if n := asked.Load(); n != 3 {
		t.Errorf("asked %d times for 3 connections", n)
	}
	p.do("CLIENT", "KILL", "USER", "app")
	broken.Store(true)
	err := res.Check(t.Context())
	want := "the function given to WithCredentials failed with an error of type *errors.errorString"
	if registry.KindOf(err) != registry.KindAuth || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
