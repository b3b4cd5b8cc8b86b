package mysql_test

import (
	"database/sql"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/mysql"
)

// process is a MariaDB that a test may bring into any state. Its user app may write to the database shop, and no more;
// its administrator comes over a socket of its own.
type process struct {
	addr, socket string
	admin        *sql.DB
	stop         func()
}

// shared is the server of all tests that need no options. TestMain stops it.
var shared *process

// mariadb returns a server as it is after its installation.
func mariadb(t *testing.T) *process {
	t.Helper()
	if shared == nil {
		shared = start(t)
	}
	p := *shared
	p.login(t)
	exec(t, p.admin, "SET GLOBAL read_only = 0; DROP DATABASE IF EXISTS shop; DROP USER IF EXISTS app")
	p.fill(t)
	return &p
}

// mariadbWith starts a server of the test's own.
func mariadbWith(t *testing.T, options ...string) *process {
	t.Helper()
	p := start(t, options...)
	t.Cleanup(p.stop)
	p.login(t)
	p.fill(t)
	return p
}

func start(t *testing.T, options ...string) *process {
	t.Helper()
	binary, err := osexec.LookPath("mariadbd")
	if err != nil {
		t.Fatal("this test starts MariaDB: want mariadbd in PATH (apt-get install mariadb-server)")
	}
	dir, err := os.MkdirTemp("", "mooring") //nolint:usetesting // other tests use it, and a socket needs a short path
	if err != nil {
		t.Fatal(err)
	}
	p := &process{addr: closedPort(t), socket: filepath.Join(dir, "s")}
	data := []string{"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--innodb-log-file-size=8M"}
	if os.Getuid() == 0 {
		data = append(data, "--user=root")
	}
	install := osexec.CommandContext(t.Context(), "mariadb-install-db",
		append(data, "--auth-root-authentication-method=normal", "--skip-test-db")...)
	install.Env = append(install.Environ(), "TMPDIR="+dir) // two installations at a time clash in one
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	_, port, _ := strings.Cut(p.addr, ":")
	server := osexec.Command(binary, append(append(data, "--socket="+p.socket, "--port="+port,
		"--bind-address=127.0.0.1", "--pid-file="+filepath.Join(dir, "pid"), "--skip-name-resolve"), options...)...)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	p.stop = func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		_ = os.RemoveAll(dir)
	}
	return p
}

func (p *process) login(t *testing.T) {
	t.Helper()
	cfg := driver.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.MultiStatements = "root", "unix", p.socket, true
	connector, err := driver.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.admin = sql.OpenDB(connector)
	p.admin.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = p.admin.Close() })
	eventually(t, func() bool { return p.admin.PingContext(t.Context()) == nil })
}

func (p *process) fill(t *testing.T) {
	t.Helper()
	exec(t, p.admin, "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT); "+
		"CREATE USER app IDENTIFIED BY 'pw'; GRANT ALL ON shop.* TO app")
}

// eventually waits until it is so.
func eventually(t *testing.T, so func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(patience); !so(); <-tick.C {
		if time.Now().After(limit) {
			t.Fatal("it has not come to pass")
		}
	}
}

func (p *process) config(edit func(*mysql.Config)) mysql.Config {
	cfg := at("mysql://app:pw@" + p.addr + "/shop")
	edit(&cfg)
	return cfg
}
