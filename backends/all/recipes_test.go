package all_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/internal/mysqltest"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
	"github.com/vibework/mooring/registry/registrytest"
)

// What docs/recipes.md shows is compiled and run here.

// newRegistry knows one backend, which no variable configures.
func newRegistry(host string, port int, password string) *registry.Registry {
	r := registry.New()
	r.Register(mysql.New("mysql", mysql.WithConfig(mysql.Config{
		Host: host, Port: config.Port(port), User: "app", Password: config.NewSecret(password), Database: "shop",
	})))
	return r
}

// withPool is a backend that the variables configure, but for what the program knows better.
func withPool(name string, conns int) (*mysql.Resource, error) {
	cfg, err := config.Load[mysql.Config](name)
	if err != nil {
		return nil, err
	}
	cfg.MaxOpenConns = conns
	return mysql.New(name, mysql.WithConfig(config.InCode(cfg))), nil
}

// addReplica adds a second server, which MYSQL_REPLICA_URL, or MYSQL_REPLICA_HOST and so on, configure.
func addReplica(r *registry.Registry) *mysql.Resource {
	replica := mysql.New("mysql-replica")
	r.Register(replica)
	r.SetOptional("mysql-replica")
	return replica
}

// reader returns the replica, or the primary while the replica has never been open.
func reader(primary, replica *mysql.Resource) (*sql.DB, error) {
	if db, err := replica.Handle(); err == nil {
		return db, nil
	}
	return primary.Handle()
}

// openAndMigrate opens all and then changes the schema, in one instance of the program at a time.
func openAndMigrate(ctx context.Context, r *registry.Registry, schema ...string) error {
	if err := r.OpenAll(ctx); err != nil {
		return err
	}
	m, err := registry.GetFrom[*mysql.Resource](r, "mysql")
	if err != nil {
		return err
	}
	conn, err := m.DB().Conn(ctx) // a lock belongs to one connection
	if err != nil {
		return err
	}
	defer conn.Close() // by then the lock is released, and otherwise with its connection
	var locked sql.NullBool
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK('shop.schema', 60)").Scan(&locked); err != nil {
		return err
	}
	if !locked.Bool {
		return errors.New("another instance has been changing the schema for a minute")
	}
	for _, statement := range schema {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, "DO RELEASE_LOCK('shop.schema')")
	return err
}

func TestReadinessFollowsTheDatabase(t *testing.T) {
	r, database := registry.New(), registrytest.Fake("mysql")
	r.Register(database)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.CloseAll(context.Background()) }()
	handler := health.Handler(r, health.Options{MaxAge: -1}) // every request asks
	ready := func() int {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return answer.Code
	}
	if code := ready(); code != http.StatusOK {
		t.Errorf("with the database up it answers %d", code)
	}
	database.Down(registry.KindUnreachable)
	if code := ready(); code != http.StatusServiceUnavailable {
		t.Errorf("with the database down it answers %d", code)
	}
}

func TestCodeChangesWhatTheVariablesSay(t *testing.T) {
	server := mysqltest.Start(t, mysqltest.Options{User: "app", Password: "secret", Database: "shop"})
	t.Setenv("MYSQL_URL", "mysql://app:secret@"+server.Addr()+"/shop")
	t.Setenv("MYSQL_MAX_IDLE_CONNS", "0")
	m, err := withPool("mysql", 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close(context.Background()) }()
	if got := m.PoolStats(); got.Max != 3 || got.Idle != 0 {
		t.Errorf("the pool is %+v", got)
	}
}

func TestTheRecipesWork(t *testing.T) {
	server := mysqltest.Start(t, mysqltest.Options{User: "app", Password: "secret", Database: "shop"})
	host, port, err := net.SplitHostPort(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("MYSQL_REPLICA_URL", "mysql://app:secret@"+server.Addr()+"/shop")
	r := newRegistry(host, number, "secret")
	replica := addReplica(r)
	if err := openAndMigrate(t.Context(), r, "CREATE TABLE a (b INT)"); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.CloseAll(context.Background()) }()
	queries := server.Queries()
	at := func(query string) int { return slices.Index(queries, query) }
	if lock := at("SELECT GET_LOCK('shop.schema', 60)"); lock < 0 || at("CREATE TABLE a (b INT)") < lock ||
		at("DO RELEASE_LOCK('shop.schema')") < at("CREATE TABLE a (b INT)") {
		t.Errorf("the server has heard %q", queries)
	}
	primary, err := registry.GetFrom[*mysql.Resource](r, "mysql")
	if err != nil {
		t.Fatal(err)
	}
	if db, err := reader(primary, replica); err != nil || db.PingContext(t.Context()) != nil {
		t.Errorf("the replica cannot be read: %v", err)
	}
	if db, err := reader(primary, mysql.New("mysql-other")); db != primary.DB() {
		t.Errorf("without a replica it is not the primary that is read: %v", err)
	}
}
