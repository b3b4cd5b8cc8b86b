package server

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/lab/internal/wire"
)

// Admin may do everything on a MariaDB, with the same password.
const Admin = "boss"

// MariaDB returns a server, not started yet, that keeps its data in folder. With a certificate it offers TLS, too.
func MariaDB(ctx context.Context, folder string, cert *wire.Certificate, options ...string) (*Process, error) {
	install, err := find("mariadb-install-db", "mariadb-server")
	if err != nil {
		return nil, err
	}
	program, err := find("mariadbd", "mariadb-server")
	if err != nil {
		return nil, err
	}
	p, err := newProcess(folder, "mariadb")
	if err != nil {
		return nil, err
	}
	data, script := filepath.Join(p.Folder, "data"), filepath.Join(p.Folder, "init.sql")
	const grants = `SET sql_log_bin = 0;
CREATE DATABASE IF NOT EXISTS %[1]s;
CREATE OR REPLACE USER '%[2]s'@'%%' IDENTIFIED BY '%[4]s';
GRANT ALL ON %[1]s.* TO '%[2]s'@'%%';
CREATE OR REPLACE USER '%[3]s'@'%%' IDENTIFIED BY '%[4]s';
GRANT ALL ON *.* TO '%[3]s'@'%%' WITH GRANT OPTION;
`
	text := fmt.Sprintf(grants, Database, User, Admin, p.Password)
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		return nil, err
	}
	account := "--user=" + os.Getenv("USER")
	if os.Getuid() == 0 {
		account = "--user=root"
	}
	cmd := exec.CommandContext(ctx, install, "--no-defaults", account, "--datadir="+data,
		"--auth-root-authentication-method=normal", "--skip-test-db")
	cmd.Env = append(cmd.Environ(), "TMPDIR="+p.Folder) // two installations at a time clash in one
	if printed, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w:\n%s", err, printed)
	}
	p.program = program
	p.args = []string{
		"--no-defaults", account, "--datadir=" + data, "--socket=" + filepath.Join(p.Folder, "socket"),
		"--port=" + p.Port(), "--bind-address=127.0.0.1", "--skip-name-resolve", "--init-file=" + script,
		"--performance-schema=OFF", "--innodb-buffer-pool-size=16M", "--max-connections=100",
	}
	if cert != nil {
		p.args = append(p.args, "--ssl-cert="+cert.CertFile, "--ssl-key="+cert.KeyFile)
	}
	p.args = append(p.args, options...)
	return p, nil
}

// Galera returns a MariaDB, not started yet, that is the only node of a cluster.
func Galera(ctx context.Context, folder string) (*Process, error) {
	var provider string
	for _, path := range []string{"/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so"} {
		if _, err := os.Stat(path); err == nil {
			provider = path
		}
	}
	if provider == "" {
		return nil, errors.New("libgalera_smm.so is not installed: apt-get install galera-4")
	}
	var ports [3]any
	for n := range ports {
		port, err := FreePort()
		if err != nil {
			return nil, err
		}
		ports[n] = port
	}
	const own = "gmcast.listen_addr=tcp://127.0.0.1:%d;ist.recv_addr=127.0.0.1:%d;gcache.size=1M;pc.wait_prim=no"
	return MariaDB(ctx, folder, nil, "--wsrep-on=ON", "--wsrep-provider="+provider, "--wsrep-cluster-address=gcomm://",
		"--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-node-incoming-address=127.0.0.1",
		fmt.Sprintf("--wsrep-node-address=127.0.0.1:%d", ports[2]),
		"--wsrep-provider-options="+fmt.Sprintf(own, ports[:2]...))
}

// MySQL returns a pool of so many connections, which are kept, to a MariaDB.
func (p *Process) MySQL(user string, size int) *sql.DB {
	cfg := driver.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd = "tcp", p.Addr, user, p.Password
	connector, err := driver.NewConnector(cfg)
	if err != nil {
		panic(err) // not with the driver's own defaults
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db
}
