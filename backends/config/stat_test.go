package config_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/internal/mysqltest"
)

// A backend is asked, since it is not the value that makes this promise but the way to it.
func TestAFileCostsOneStatForEachNewConnectionAndNoneForAQuery(t *testing.T) {
	server := mysqltest.Start(t, mysqltest.Options{User: "app", Password: "secret"})
	host, port, _ := net.SplitHostPort(server.Addr())
	file := filepath.Join(t.TempDir(), "password")
	longAgo := time.Now().Add(-time.Hour) // what has just changed is looked into, too
	if err := os.WriteFile(file, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, longAgo, longAgo); err != nil {
		t.Fatal(err)
	}
	for variable, value := range map[string]string{"HOST": host, "PORT": port, "USER": "app", "PASSWORD_FILE": file} {
		t.Setenv("COUNTED_"+variable, value)
	}
	stats, stop := config.CountStats()
	defer stop()
	resource := mysql.New("counted")
	if err := resource.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resource.Close(context.Background()) }()
	for _, step := range []struct {
		fresh bool // each query has a connection of its own
		want  int64
	}{{false, 0}, {true, 10}} {
		if step.fresh {
			resource.DB().SetMaxIdleConns(-1)
		}
		before := stats.Load()
		for range 10 {
			if err := resource.DB().QueryRowContext(t.Context(), "SELECT 1").Scan(new(int)); err != nil {
				t.Fatal(err)
			}
		}
		if got := stats.Load() - before; got != step.want {
			t.Errorf("10 queries, each over a new connection %v: %d stats, want %d", step.fresh, got, step.want)
		}
	}
}
