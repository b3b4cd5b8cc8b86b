package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	sqldriver "github.com/go-sql-driver/mysql"
	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/registry"
)

// A state is one that a server can be in while its network is well.
type state struct {
	enter, leave func(context.Context, *server.Process) error
	primary      bool // the resource wants a server that takes writes
	cut          bool // it concerns new connections, so that the others are cut
}

// inState puts the server into a state, with nothing but a port in front of it.
func inState(name string) func(context.Context, *world, *backend) (*scene, error) {
	return func(_ context.Context, _ *world, b *backend) (*scene, error) {
		s, port, err := led(b.server.Addr, b.server.Addr)
		if err != nil {
			return nil, err
		}
		st := b.states[name]
		s.target.password, s.target.primary = b.server.Password, st.primary
		s.begin = func(ctx context.Context) error {
			err := st.enter(ctx, b.server)
			if st.cut {
				port.Cut()
			}
			return err
		}
		s.end = func(ctx context.Context) error { return st.leave(ctx, b.server) }
		return s, nil
	}
}

// failOver is a fail-over behind one address: the primary is demoted and lives on, and so do its connections; then the
// address leads to another server, which takes writes.
func failOver(ctx context.Context, _ *world, b *backend) (*scene, error) {
	s, port, err := led(b.server.Addr, b.server.Addr)
	if err != nil {
		return nil, err
	}
	if err := b.admit(ctx, true); err != nil {
		return nil, errors.Join(err, port.Close())
	}
	primary, other, demoted := b.server, b.secure.process, b.states[demoted]
	s.target.password, s.target.primary = b.server.Password, true
	s.begin = func(ctx context.Context) error { return demoted.enter(ctx, primary) }
	s.end = func(ctx context.Context) error {
		err := demoted.leave(ctx, other)
		port.Turn(other.Addr)
		primary, other = other, primary
		return err
	}
	s.close = func() error {
		ctx := context.WithoutCancel(ctx)
		return errors.Join(
			port.Close(), demoted.leave(ctx, b.server), demoted.leave(ctx, b.secure.process), b.admit(ctx, false))
	}
	return s, nil
}

// refuseStrangers leads to a server that says what a Redis without a password says to clients of other machines.
func refuseStrangers(ctx context.Context, _ *world, b *backend) (*scene, error) {
	stranger, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := stranger.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "-DENIED Redis is running in protected mode because protected mode is enabled\r\n")
			_ = conn.Close()
		}
	}()
	s, port, err := led(b.server.Addr, stranger.Addr().String())
	if err != nil {
		return nil, errors.Join(err, stranger.Close())
	}
	s.target.password = b.server.Password
	s.close = func() error { return errors.Join(port.Close(), stranger.Close()) }
	return s, nil
}

// cannotSay is why a backend cannot be shown in the states of a real server.
func cannotSay(why string) map[string]string {
	cannot := make(map[string]string)
	for _, name := range []string{readOnly, demoted, diskFull, protected, expired} {
		cannot[name] = why
	}
	return cannot
}

func statesOfMySQL() map[string]state {
	run := func(statements ...string) func(context.Context, *server.Process) error {
		return func(ctx context.Context, p *server.Process) error {
			admin := p.MySQL(server.Admin, 1)
			defer admin.Close()
			for _, statement := range statements {
				if _, err := admin.ExecContext(ctx, statement); err != nil {
					return err
				}
			}
			return nil
		}
	}
	writes, full := run("SET GLOBAL read_only = 0"), new(tablespace)
	return map[string]state{
		readOnly: {enter: run("SET GLOBAL read_only = 1"), leave: writes, primary: true},
		demoted:  {enter: run("SET GLOBAL read_only = 1"), leave: writes},
		expired: {
			enter: run(fmt.Sprintf("ALTER USER '%s'@'%%' PASSWORD EXPIRE", server.User)),
			leave: func(ctx context.Context, p *server.Process) error {
				return run(fmt.Sprintf("ALTER USER '%s'@'%%' IDENTIFIED BY '%s'", server.User, p.Password))(ctx, p)
			},
			cut: true,
		},
		diskFull: {enter: full.fill, leave: full.empty},
	}
}

// tablespace is that of a MariaDB, which has a greatest size.
type tablespace struct {
	admin   *sql.DB
	writing *sql.Tx
}

// fill writes until not one row fits. It does not commit: a tablespace that is full has no room for what makes some.
func (t *tablespace) fill(ctx context.Context, p *server.Process) (err error) {
	const filler, tableFull = server.Database + ".filler", 1114
	t.admin = p.MySQL(server.Admin, 1)
	if _, err = t.admin.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+filler+" (v VARCHAR(7000))"); err != nil {
		return err
	}
	if t.writing, err = t.admin.BeginTx(context.WithoutCancel(ctx), nil); err != nil {
		return err
	}
	for rows := 256; err == nil && rows > 0; {
		_, err = t.writing.ExecContext(ctx,
			fmt.Sprintf("INSERT INTO %s SELECT REPEAT('x', 7000) FROM %s.seq_1_to_%d", filler, server.Database, rows))
		if full, ok := errors.AsType[*sqldriver.MySQLError](err); ok && full.Number == tableFull {
			if registry.KindOf(mysql.Classify(err)) != registry.KindExhausted {
				return fmt.Errorf("it is not of the kind exhausted: %w", err)
			}
			rows, err = rows/2, nil
		}
	}
	return err
}

func (t *tablespace) empty(context.Context, *server.Process) error {
	return errors.Join(t.writing.Rollback(), t.admin.Close())
}

func statesOfRedis() map[string]state {
	return map[string]state{
		demoted: {
			enter: func(ctx context.Context, p *server.Process) error {
				return askRedis(ctx, p, "REPLICAOF", "127.0.0.1", 1) // whom it will not find
			},
			leave: func(ctx context.Context, p *server.Process) error { return askRedis(ctx, p, "REPLICAOF", "NO", "ONE") },
		},
		diskFull: {enter: fillDisk, leave: func(ctx context.Context, p *server.Process) error {
			return askRedis(ctx, p, "CONFIG", "SET", "save", "", "dir", p.Folder)
		}},
	}
}

// fillDisk makes the server fail to save: its folder is gone, which is to it as a disk that is full.
func fillDisk(ctx context.Context, p *server.Process) error {
	gone := filepath.Join(p.Folder, "gone")
	err := os.Mkdir(gone, 0o700)
	if err == nil {
		err = askRedis(ctx, p, "CONFIG", "SET", "dir", gone, "save", "3600 1")
	}
	if err := errors.Join(err, os.Remove(gone)); err != nil {
		return err
	}
	conn, err := dialRedis(ctx, p)
	if err != nil {
		return err
	}
	defer conn.Close()
	for start := time.Now(); time.Since(start) < patience; pause(ctx, 10*time.Millisecond) {
		_, _ = driver.DoContext(conn, ctx, "BGSAVE") // it fails while one is in progress
		info, err := driver.String(driver.DoContext(conn, ctx, "INFO", "persistence"))
		if err != nil || strings.Contains(info, "rdb_last_bgsave_status:err") {
			return err
		}
	}
	return errors.New("it has not failed to save")
}

// admitMySQL lets the user of the first server in at the second one, beside its own, or no longer.
func admitMySQL(ctx context.Context, second *server.Process, password string, in bool) error {
	admin := second.MySQL(server.Admin, 1)
	defer admin.Close()
	user := fmt.Sprintf("'%s'@'127.0.0.1'", server.User) // which is nearer than any other
	if !in {
		_, err := admin.ExecContext(ctx, "DROP USER IF EXISTS "+user)
		return err
	}
	_, err := admin.ExecContext(ctx, fmt.Sprintf("CREATE OR REPLACE USER %s IDENTIFIED BY '%s'", user, password))
	if err == nil {
		_, err = admin.ExecContext(ctx, fmt.Sprintf("GRANT ALL ON %s.* TO %s", server.Database, user))
	}
	return err
}

func admitRedis(ctx context.Context, second *server.Process, password string, in bool) error {
	sign := "<"
	if in {
		sign = ">"
	}
	err := askRedis(ctx, second, "ACL", "SETUSER", server.User, sign+password)
	if _, refused := errors.AsType[driver.Error](err); refused && !in {
		return nil // it was not in
	}
	return err
}

// role is what the resource of a scene wants.
func (t target) role() string {
	if t.primary {
		return "primary"
	}
	return ""
}
