package mysqls_test

import (
	"database/sql"
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/registry"
)

// mysql56 starts a MySQL 5.6, if MYSQL56_PACKAGE says where npm has put it: make mysql56 does that.
func mysql56(t *testing.T) (p *server.Process, found bool) {
	t.Helper()
	pkg := os.Getenv("MYSQL56_PACKAGE")
	if pkg == "" {
		t.Log("there is no MySQL 5.6 here: make mysql56 installs one")
		return nil, false
	}
	p, err := server.MySQL56(t.TempDir(), pkg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p, true
}

func at(t *testing.T, p *server.Process, edit func(*mysql.Config)) mysql.Config {
	t.Helper()
	host, port, _ := net.SplitHostPort(p.Addr)
	cfg := mysql.Config{
		Host: host, User: server.User, Password: config.NewSecret(p.Password), Database: server.Database,
	}
	if err := cfg.Port.UnmarshalText([]byte(port)); err != nil {
		t.Fatal(err)
	}
	edit(&cfg)
	return cfg
}

func TestMySQL56SaysWhatIsWrong(t *testing.T) {
	p, found := mysql56(t)
	if !found {
		return
	}
	admin := p.MySQL(server.Admin, 1)
	defer func() { _ = admin.Close() }()
	role := func(role string) func(*mysql.Config) { return func(c *mysql.Config) { c.Role = role } }
	const full = "exhausted: too many connections: the server has none to spare (1040)"
	for _, test := range []struct {
		name, enter, leave string
		edit               func(*mysql.Config)
		want               string
	}{
		{"role any", "", "", role("any"), "well"},
		{"role primary", "", "", role("primary"), "well"},
		{
			"role replica", "", "", role("replica"),
			"config: the server takes writes, and the role asks for a replica",
		},
		{"read-only, role any", readOnly, writes, role("any"), "well"},
		{
			"read-only, role primary", readOnly, writes, role("primary"),
			"read_only: the server takes no writes, and the role asks for a primary",
		},
		{"read-only, role replica", readOnly, writes, role("replica"), "well"},
		{
			"wrong password", "", "", func(c *mysql.Config) { c.Password = config.NewSecret("wrong-sailor") },
			"auth: access denied (1045), or the server wants TLS: MYSQL_TLS",
		},
		{
			"another database", "", "", func(c *mysql.Config) { c.Database = "mysql" },
			"permission: access denied: the user may not use this database, or there is none of that name (1044)",
		},
		{
			"TLS", "", "", func(c *mysql.Config) { c.TLS.Mode = "skip-verify" },
			"tls: the server does not offer TLS",
		},
		{"full", "SET GLOBAL max_connections = 1", "SET GLOBAL max_connections = 100", role("any"), full},
		{
			"password expired", "ALTER USER '" + server.User + "'@'%' PASSWORD EXPIRE",
			"SET PASSWORD FOR '" + server.User + "'@'%' = PASSWORD('" + p.Password + "')", role("any"),
			"auth: the password has expired (1862)",
		},
	} {
		exec(t, admin, test.enter)
		if got := open(t, at(t, p, test.edit)); got != test.want {
			t.Errorf("%s\ngot  %s\nwant %s", test.name, got, test.want)
		}
		exec(t, admin, test.leave)
	}
}

func TestMySQL56IsLeftAndFoundAgain(t *testing.T) {
	p, found := mysql56(t)
	if !found {
		return
	}
	res := mysql.New("mysql", mysql.WithConfig(at(t, p, func(c *mysql.Config) { c.Role = "primary" })))
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Close(t.Context()) }()
	admin := p.MySQL(server.Admin, 1)
	exec(t, admin, "CREATE TABLE "+server.Database+".orders (v INT)")
	exec(t, admin, readOnly)
	_ = admin.Close()
	_, err := res.DB().ExecContext(t.Context(), "INSERT INTO orders VALUES (?)", 1)
	if got, want := fmt.Sprint(mysql.Classify(err)), "the server is read-only (1290)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if kind := registry.KindOf(res.Check(t.Context())); kind != registry.KindReadOnly {
		t.Errorf("the check says %q", kind)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if kind := registry.KindOf(res.Check(t.Context())); kind != registry.KindUnreachable {
		t.Errorf("the check of a server that is gone says %q", kind)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := res.Check(t.Context()); err != nil {
		t.Errorf("the check of a server that is back: %v", err)
	}
	if _, err := res.DB().ExecContext(t.Context(), "INSERT INTO orders VALUES (?)", 1); err != nil {
		t.Errorf("a write to a server that is back: %v", err)
	}
}

const (
	readOnly = "SET GLOBAL read_only = 1"
	writes   = "SET GLOBAL read_only = 0"
)

func exec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if statement == "" {
		return
	}
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
