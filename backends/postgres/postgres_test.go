package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/postgres"
	"github.com/vibework/mooring/registry"
)

func TestAHandleAsksTheServer(t *testing.T) {
	r, res := open(t, at(server(t).url()))
	var database string
	if err := res.Pool().QueryRow(t.Context(), "SELECT current_database()").Scan(&database); err != nil {
		t.Fatal(err)
	}
	if database != "postgres" {
		t.Errorf("the database is %q", database)
	}
	if err := r.CheckAll(t.Context()).Err(); err != nil {
		t.Error(err)
	}
	stats := res.PoolStats()
	if stats.Max != 10 || stats.Open == 0 || stats.InUse != 0 || stats.Idle != stats.Open {
		t.Errorf("%+v", stats)
	}
}

func TestAFailedOpenSaysWhy(t *testing.T) {
	s := server(t)
	s.exec(t, "CREATE ROLE stranger", "CREATE DATABASE closed CONNECTION LIMIT 0")
	t.Cleanup(func() { s.exec(t, "DROP ROLE stranger", "DROP DATABASE closed") })
	for name, test := range map[string]struct {
		url  string
		kind registry.Kind
		want string
	}{
		"wrong password":  {"postgres://app:ZQXV@" + s.addr() + "/postgres", registry.KindAuth, "access denied (28P01)"},
		"unknown user":    {"postgres://who:ZQXV@" + s.addr() + "/postgres", registry.KindAuth, "access denied (28P01)"},
		"a user like ssl": {"postgres://crossland:ZQXV@" + s.addr() + "/postgres", registry.KindAuth, "access denied (28P01)"},
		"no such base":    {s.url() + "x", registry.KindConfig, "the server has no such database (3D000)"},
		"nobody listens":  {"postgres://app:x@" + closedPort(t) + "/postgres", registry.KindUnreachable, "connection refused"},
		"no such host":    {"postgres://app:x@nowhere.invalid/postgres", registry.KindUnreachable, "no such host"},
		"no such socket":  {"postgres://app@/postgres?host=/nowhere", registry.KindUnreachable, "there is no such socket"},
		"no TLS":          {s.url() + "?sslmode=require", registry.KindTLS, "the server does not offer TLS"},
		"unknown setting": {s.url() + "?options=-c%20none=1", registry.KindConfig, "the server does not know a variable that the options set, or an object (42704)"},
		"bad setting":     {s.url() + "?statement_timeout=soon", registry.KindConfig, "the server does not take the value of a variable that the options set (22023)"},
	} {
		err := postgres.New("postgres", postgres.WithConfig(at(test.url))).Open(t.Context())
		if registry.KindOf(err) != test.kind || err.Error() != test.want {
			t.Errorf("%s\ngot  %v (%s)\nwant %s (%s)", name, err, registry.KindOf(err), test.want, test.kind)
		}
	}
}

func TestASchemaKeepsTheCaseOfItsLetters(t *testing.T) {
	s := server(t)
	s.exec(t, `CREATE SCHEMA "Shop-1"`)
	t.Cleanup(func() { s.exec(t, `DROP SCHEMA "Shop-1"`) })
	_, res := open(t, at(s.url()+"?schema=Shop-1"))
	var current *string
	if err := res.Pool().QueryRow(t.Context(), "SELECT current_schema()").Scan(&current); err != nil || current == nil {
		t.Errorf("it is in no schema (%v)", err)
	}
}

func TestAHandleIsNotThereBeforeOpen(t *testing.T) {
	res := postgres.New("postgres")
	if _, err := res.Handle(); registry.KindOf(err) != registry.KindNotOpen {
		t.Errorf("got %v", err)
	}
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "OpenAll") {
			t.Errorf("the panic says %q", text)
		}
	}()
	_ = res.Pool()
}

func TestASocketNeedsNoPassword(t *testing.T) {
	s := server(t)
	setenv(t, "")
	t.Setenv("PGHOST", s.folder)
	t.Setenv("PGPORT", strings.Split(s.addr(), ":")[1])
	t.Setenv("PGUSER", "app")
	t.Setenv("PGDATABASE", "postgres")
	res := postgres.New("postgres")
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := res.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestAConnectionOutlivesTheTimeForDialling(t *testing.T) {
	cfg := at(server(t).url())
	cfg.DialTimeout = time.Second
	_, res := open(t, cfg)
	conn := borrow(t, res.Pool(), 1)[0]
	if _, err := conn.Exec(t.Context(), "SELECT pg_sleep(1.5)"); err != nil {
		t.Error(err)
	}
}

func TestAQueryThatIsGivenUpIsCancelledOnTheServer(t *testing.T) {
	s := server(t)
	_, res := open(t, at(s.url()+"?application_name=givenup"))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := res.Pool().Exec(ctx, "SELECT pg_sleep(60)")
	if kind := registry.KindOf(postgres.Classify(err)); kind != registry.KindTimeout {
		t.Errorf("got %v", err)
	}
	eventually(t, func() bool {
		return s.number(t, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'givenup'") == 0
	})
}
