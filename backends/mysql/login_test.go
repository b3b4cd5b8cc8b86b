package mysql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/internal/mysqltest"
	"github.com/vibework/mooring/registry"
)

// rotating is a server, and a handle that takes its password from a file. Each query has a connection of its own.
func rotating(t *testing.T, variable string, content func(addr, password string) string) (
	server *mysqltest.Server, db *sql.DB, set func(password string),
) {
	t.Helper()
	server = mysqltest.Start(t, mysqltest.Options{User: "app", Password: "first"})
	host, port, _ := net.SplitHostPort(server.Addr())
	file := filepath.Join(t.TempDir(), "secret")
	set = func(password string) {
		text := content(server.Addr(), password)
		if err := errors.Join(os.WriteFile(file+".new", []byte(text), 0o600), os.Rename(file+".new", file)); err != nil {
			t.Error(err)
		}
	}
	set("first")
	environ := map[string]string{variable + "_FILE": file, "MYSQL_CONN_MAX_LIFETIME": "1ns"}
	if variable == "MYSQL_PASSWORD" {
		environ["MYSQL_HOST"], environ["MYSQL_PORT"], environ["MYSQL_USER"] = host, port, "app"
	}
	setenv(t, "")
	for name, value := range environ {
		t.Setenv(name, value)
	}
	r := registry.New()
	res := mysql.New("mysql")
	r.Register(res)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.CloseAll(t.Context()) })
	return server, res.DB(), set
}

func ask(ctx context.Context, db *sql.DB) error {
	var one int
	return db.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

func TestNoQueryFailsWhileThePasswordIsRotated(t *testing.T) {
	server, db, set := rotating(t, "MYSQL_PASSWORD", func(_, password string) string { return password + "\n" })
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	asked := make(chan error)
	running.Go(func() {
		for {
			select {
			case asked <- ask(t.Context(), db):
			case <-ctx.Done():
				return
			}
		}
	})
	old := "first"
	for i := range 20 {
		next := fmt.Sprintf("next%02d", i)
		for _, step := range []func(){
			func() { server.AcceptPasswords(old, next) },
			func() { set(next) },
			func() { server.AcceptPasswords(next) },
		} {
			step()
			for range 5 {
				if err := <-asked; err != nil {
					t.Errorf("rotation %d: %v", i, err)
				}
			}
		}
		old = next
	}
}

func TestTheNextConnectionHealsWhenTheFileFollowsTheServer(t *testing.T) {
	server, db, set := rotating(t, "MYSQL_URL", func(addr, password string) string {
		return "mysql://app:" + password + "@" + addr + "/"
	})
	for i := range 3 {
		next := fmt.Sprintf("next%d", i)
		server.AcceptPasswords(next)
		if err := ask(t.Context(), db); registry.KindOf(mysql.Classify(err)) != registry.KindAuth {
			t.Errorf("before the file has changed: %v", err)
		}
		set(next)
		if err := ask(t.Context(), db); err != nil {
			t.Errorf("after the file has changed: %v", err)
		}
	}
}

func TestCredentialsAreAskedForEachConnection(t *testing.T) {
	server := mysqltest.Start(t, mysqltest.Options{User: "app", Password: "token1"})
	n := 0
	cfg := at("mysql://" + server.Addr() + "/")
	cfg.ConnMaxLifetime = time.Nanosecond
	_, res := open(t, cfg, mysql.WithCredentials(func(ctx context.Context) (string, config.Secret, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the context has no deadline")
		}
		n++
		token := fmt.Sprintf("token%d", n)
		server.AcceptPasswords(token)
		if n == 5 {
			return "", config.Secret{}, errors.New("ZQXVKJWPYR")
		}
		return "app", config.NewSecret(token), nil
	}))
	for range 3 {
		if err := ask(t.Context(), res.DB()); err != nil {
			t.Error(err)
		}
	}
	if err := ask(t.Context(), res.DB()); registry.KindOf(err) != registry.KindAuth || err.Error() != "the function given "+
		"to WithCredentials failed with an error of type *errors.errorString" {
		t.Errorf("%v", err)
	}
}
