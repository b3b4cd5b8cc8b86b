package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/vibework/mooring/lab/internal/wire"
)

// PostgreSQL returns a server, not started yet. Since PostgreSQL does not run as root, its folder is not in that of
// another server. With a certificate it offers TLS, too: with what is in the files of tls, which are its own.
func PostgreSQL(ctx context.Context, cert *wire.Certificate) (p *Process, tls *wire.Certificate, err error) {
	initdb, err := findPostgres("initdb")
	if err != nil {
		return nil, nil, err
	}
	if p, err = newProcess("", "postgres"); err != nil {
		return nil, nil, err
	}
	data, secret := filepath.Join(p.Folder, "data"), filepath.Join(p.Folder, "password")
	if err := os.WriteFile(secret, []byte(p.Password), 0o600); err != nil {
		return nil, nil, err
	}
	p.program = filepath.Join(filepath.Dir(initdb), "postgres")
	p.args = []string{
		"-D", data, "-k", p.Folder, "-h", "127.0.0.1", "-p", p.Port(), "-c", "fsync=off", "-c", "shared_buffers=1MB",
		"-c", "max_connections=" + strconv.Itoa(PostgreSQLConnections),
	}
	if cert != nil {
		tls = &wire.Certificate{
			CertFile: filepath.Join(p.Folder, "current.crt"), KeyFile: filepath.Join(p.Folder, "current.key"),
		}
		if err := tls.Replace(cert); err != nil {
			return nil, nil, err
		}
		p.args = append(p.args, "-c", "ssl=on", "-c", "ssl_cert_file="+tls.CertFile, "-c", "ssl_key_file="+tls.KeyFile)
	}
	if err := p.yield(); err != nil {
		return nil, nil, err
	}
	if err := p.once(ctx, "", initdb, "-D", data, "-U", Admin, "--pwfile", secret, "--no-sync", "--locale=C",
		"-E", "UTF8", "--auth-host=scram-sha-256", "--auth-local=trust"); err != nil {
		return nil, nil, err
	}
	return p, tls, p.once(ctx, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'\nCREATE DATABASE %s OWNER %[1]s\n",
		User, p.Password, Database), p.program, "--single", "-D", data, "postgres")
}

// PostgreSQLConnections is how many connections a PostgreSQL takes, less three for its administrators.
const PostgreSQLConnections = 40

// findPostgres returns the path of a program of the latest PostgreSQL that is installed.
func findPostgres(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	if len(found) == 0 {
		return "", fmt.Errorf("%s is not installed: apt-get install postgresql", program)
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }), nil
}

// yield gives the folder, and the process, to a user who is not root.
func (p *Process) yield() error {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 31)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 31)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		p.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		return filepath.WalkDir(p.Folder, func(path string, _ os.DirEntry, err error) error {
			return errors.Join(err, os.Chown(path, int(uid), int(gid)))
		})
	}
	return errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

// once runs a program to its end, as whom the server runs.
func (p *Process) once(ctx context.Context, input, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.SysProcAttr, cmd.Stdin = p.Folder, p.attr, strings.NewReader(input)
	if printed, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w:\n%s", filepath.Base(program), err, printed)
	}
	return nil
}
