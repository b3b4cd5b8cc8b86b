package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	driver "github.com/jackc/pgx/v5/pgxpool"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/postgres"
	"github.com/vibework/mooring/registry"
)

// rotating is a pool that takes its URL from a file, which set writes, and a user of the server.
func rotating(t *testing.T, user string) (s *postmaster, pool *driver.Pool, set func(user, password string)) {
	t.Helper()
	s = server(t)
	s.exec(t, "CREATE ROLE "+user+" LOGIN PASSWORD 'first'")
	t.Cleanup(func() { s.exec(t, "DROP ROLE "+user) })
	file := filepath.Join(t.TempDir(), "url")
	set = func(user, password string) {
		text := "postgres://" + user + ":" + password + "@" + s.addr() + "/postgres\n"
		if err := errors.Join(os.WriteFile(file+".new", []byte(text), 0o600), os.Rename(file+".new", file)); err != nil {
			t.Error(err)
		}
	}
	set(user, "first")
	setenv(t, "")
	t.Setenv("POSTGRES_URL_FILE", file)
	r, res := registry.New(), postgres.New("postgres")
	r.Register(res)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.CloseAll(t.Context()) })
	return s, res.Pool(), set
}

// askAnew asks over a connection that is new.
func askAnew(t *testing.T, pool *driver.Pool) error {
	pool.Reset()
	return ask(t.Context(), pool)
}

func TestNoQueryFailsWhileTwoUsersTakeTurns(t *testing.T) {
	s, pool, set := rotating(t, "turn_a")
	s.exec(t, "CREATE ROLE turn_b LOGIN PASSWORD 'none'")
	t.Cleanup(func() { s.exec(t, "DROP ROLE turn_b") })
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	asked := make(chan error)
	for range 3 {
		running.Go(func() {
			for {
				select {
				case asked <- askAnew(t, pool):
				case <-ctx.Done():
					return
				}
			}
		})
	}
	for i := range 6 {
		user, next := "turn_"+string("ba"[i%2]), fmt.Sprintf("next%d", i)
		for _, step := range []func(){
			func() { s.exec(t, "ALTER ROLE "+user+" PASSWORD '"+next+"'") },
			func() { set(user, next) },
		} {
			step()
			for range 5 {
				if err := <-asked; err != nil {
					t.Errorf("rotation %d: %v", i, err)
				}
			}
		}
	}
}

func TestTheFileMayBeAheadOfTheServer(t *testing.T) {
	s, pool, set := rotating(t, "ahead")
	for i := range 3 {
		next := fmt.Sprintf("next%d", i)
		set("ahead", next)
		for range 3 {
			if err := askAnew(t, pool); err != nil {
				t.Errorf("before the server has changed: %v", err)
			}
		}
		s.exec(t, "ALTER ROLE ahead PASSWORD '"+next+"'")
		for range 3 {
			if err := askAnew(t, pool); err != nil {
				t.Errorf("after the server has changed: %v", err)
			}
		}
	}
}

func TestTheNextConnectionHealsWhenTheFileFollowsTheServer(t *testing.T) {
	s, pool, set := rotating(t, "behind")
	for i := range 3 {
		next := fmt.Sprintf("next%d", i)
		s.exec(t, "ALTER ROLE behind PASSWORD '"+next+"'")
		if err := askAnew(t, pool); registry.KindOf(postgres.Classify(err)) != registry.KindAuth {
			t.Errorf("before the file has changed: %v", err)
		}
		set("behind", next)
		if err := askAnew(t, pool); err != nil {
			t.Errorf("after the file has changed: %v", err)
		}
	}
}

func TestCredentialsAreAskedForEachConnection(t *testing.T) {
	s := server(t)
	s.exec(t, "CREATE ROLE token LOGIN")
	t.Cleanup(func() { s.exec(t, "DROP ROLE token") })
	n := 0
	cfg := at("postgres://" + s.addr() + "/postgres")
	_, res := open(t, cfg, postgres.WithCredentials(func(ctx context.Context) (string, config.Secret, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the context has no deadline")
		}
		n++
		token := fmt.Sprintf("token%d", n)
		s.exec(t, "ALTER ROLE token PASSWORD '"+token+"'")
		if n == 4 {
			return "", config.Secret{}, errors.New("ZQXVKJWPYR")
		}
		return "token", config.NewSecret(token), nil
	}))
	for range 2 {
		if err := askAnew(t, res.Pool()); err != nil {
			t.Error(err)
		}
	}
	want := "the function given to WithCredentials failed with an error of type *errors.errorString"
	if err := askAnew(t, res.Pool()); registry.KindOf(err) != registry.KindAuth || err.Error() != want {
		t.Errorf("%v", err)
	}
}
