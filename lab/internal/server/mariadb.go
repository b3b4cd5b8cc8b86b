package server

import (
	"context"
	"database/sql"
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
func MariaDB(ctx context.Context, folder string, cert *wire.Certificate) (*Process, error) {
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
	const grants = `CREATE DATABASE IF NOT EXISTS %[1]s;
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
	return p, nil
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
