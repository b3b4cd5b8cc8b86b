// Package recipes compiles and runs what docs/recipes.md shows of libraries that the root module does not require.
package recipes

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/internal/mysqltest"
	"github.com/vibework/mooring/registry"
)

// openBackends is a constructor for fx. Its result is open: handles are there only then, and other constructors want them.
func openBackends(lc fx.Lifecycle) (*registry.Registry, error) {
	r := registry.New()
	r.Register(mysql.New("mysql"))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.OpenAll(ctx); err != nil {
		return nil, err
	}
	lc.Append(fx.StopHook(r.CloseAll)) // after the hooks of all that use the handles
	return r, nil
}

// newDB hands the handle to whoever asks for a *sql.DB.
func newDB(r *registry.Registry) (*sql.DB, error) {
	m, err := registry.GetFrom[*mysql.Resource](r, "mysql")
	if err != nil {
		return nil, err
	}
	return m.Handle()
}

var backends = fx.Module("backends", fx.Provide(openBackends, newDB))

func TestFxOpensTheBackendsBeforeWhatUsesThem(t *testing.T) {
	server := mysqltest.Start(t, mysqltest.Options{User: "app", Password: "secret"})
	t.Setenv("MYSQL_URL", "mysql://app:secret@"+server.Addr())
	var db *sql.DB
	var r *registry.Registry
	app := fx.New(backends, fx.NopLogger, fx.Invoke(func(handle *sql.DB) error {
		db = handle
		return handle.PingContext(t.Context())
	}), fx.Populate(&r))
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !r.Opened() || db.PingContext(t.Context()) != nil {
		t.Error("the backends are not open")
	}
	if err := app.Stop(context.Background()); err != nil || db.PingContext(t.Context()) == nil {
		t.Errorf("the backends are not closed: %v", err)
	}
}
