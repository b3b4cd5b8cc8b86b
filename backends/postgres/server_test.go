package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is for what is not the subject of a test.
const patience = 30 * time.Second

// password is that of every user of every server.
const password = "p@ss/w:rd"

// A postmaster is a server of these tests' own. It wants a password over TCP, and none over its socket.
type postmaster struct {
	folder string // of the socket, and the data below
	port   int
	cmd    *exec.Cmd
	log    *bytes.Buffer
	exited chan struct{}
}

// postmasters are those that have been started, for the end of the tests.
var postmasters struct {
	sync.Mutex
	all            []*postmaster
	main, template *postmaster
}

// server is the one that most tests share. They leave no trace in it.
func server(t *testing.T) *postmaster {
	t.Helper()
	postmasters.Lock()
	shared := postmasters.main
	postmasters.Unlock()
	if shared == nil {
		shared = start(t)
		postmasters.Lock()
		postmasters.main = shared
		postmasters.Unlock()
	}
	return shared
}

// start makes a cluster and starts a server on it, with these settings.
func start(t *testing.T, settings ...string) *postmaster {
	t.Helper()
	s := cluster(t)
	run := s.command(t, "cp", "-R", template(t).data(), s.data())
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	s.launch(t, settings...)
	return s
}

// template is a cluster that is copied for every server: making one takes seconds.
func template(t *testing.T) *postmaster {
	t.Helper()
	postmasters.Lock()
	made := postmasters.template
	postmasters.Unlock()
	if made != nil {
		return made
	}
	s := cluster(t)
	file := filepath.Join(s.folder, "password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	s.own(t, file)
	run := s.command(t, filepath.Join(binaries(t), "initdb"), "-D", s.data(), "-U", "app", "--pwfile", file, "--no-sync",
		"--locale=C", "-E", "UTF8", "--wal-segsize=1", "--auth-host=scram-sha-256", "--auth-local=trust")
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	postmasters.Lock()
	defer postmasters.Unlock()
	postmasters.template = s
	return s
}

// cluster makes the folder of a server.
func cluster(t *testing.T) *postmaster {
	t.Helper()
	folder, err := os.MkdirTemp("", "mooring-postgres-") //nolint:usetesting // it outlives the test
	if err != nil {
		t.Fatal(err)
	}
	s := &postmaster{folder: folder}
	s.own(t, folder)
	postmasters.Lock()
	defer postmasters.Unlock()
	postmasters.all = append(postmasters.all, s)
	return s
}

func (s *postmaster) data() string { return filepath.Join(s.folder, "data") }

// launch starts the server, on a new port the first time, and waits until it answers.
func (s *postmaster) launch(t *testing.T, settings ...string) {
	t.Helper()
	if s.port == 0 {
		s.port = freePort(t)
	}
	args := []string{"-D", s.data(), "-k", s.folder, "-h", "127.0.0.1", "-p", strconv.Itoa(s.port)}
	for _, setting := range append([]string{"fsync=off", "lc_messages=C", "shared_buffers=1MB"}, settings...) {
		args = append(args, "-c", setting)
	}
	s.cmd, s.log = s.command(t, filepath.Join(binaries(t), "postgres"), args...), new(bytes.Buffer)
	s.exited = make(chan struct{})
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.socket())
		if err == nil {
			_ = conn.Close(ctx)
			return
		}
		select {
		case <-s.exited:
			t.Fatalf("the server does not start:\n%s", s.log)
		case <-ctx.Done():
			t.Fatalf("the server does not answer: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop shuts the server down, which breaks all connections.
func (s *postmaster) stop() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGINT) // to the postmaster, which ends the others
	<-s.exited
}

// stopAll ends all servers and removes what they have written.
func stopAll() {
	postmasters.Lock()
	defer postmasters.Unlock()
	for _, s := range postmasters.all {
		s.stop()
		_ = os.RemoveAll(s.folder)
	}
}

// socket is the connection string of a superuser who needs no password.
func (s *postmaster) socket() string {
	return fmt.Sprintf("host=%s port=%d user=app dbname=postgres sslmode=disable", s.folder, s.port)
}

func (s *postmaster) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// url is for the user app over TCP.
func (s *postmaster) url() string { return "postgres://app:p%40ss%2Fw%3Ard@" + s.addr() + "/postgres" }

// exec runs statements as the superuser.
func (s *postmaster) exec(t *testing.T, statements ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.socket())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// number asks the superuser's question.
func (s *postmaster) number(t *testing.T, question string) (n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.socket())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, question).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// command is a program that is not run as root, which PostgreSQL refuses.
func (s *postmaster) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = s.folder, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	if uid, gid := whoRuns(t); uid >= 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	return cmd
}

// own gives a path to the user whom the server runs as.
func (s *postmaster) own(t *testing.T, path string) {
	t.Helper()
	if uid, gid := whoRuns(t); uid >= 0 {
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
}

// whoRuns returns who runs the server if the tests run as root, and else -1.
func whoRuns(t *testing.T) (uid, gid int) {
	t.Helper()
	if os.Getuid() != 0 {
		return -1, -1
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, err1 := strconv.Atoi(u.Uid)
			gid, err2 := strconv.Atoi(u.Gid)
			if errors.Join(err1, err2) == nil {
				return uid, gid
			}
		}
	}
	t.Fatal("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
	return 0, 0
}

// binaries returns the folder of initdb and postgres: the latest version that is installed.
func binaries(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		t.Fatal("these tests start PostgreSQL: want initdb and postgres in PATH or in /usr/lib/postgresql/*/bin " +
			"(apt-get install postgresql)")
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }))
}

func version(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
