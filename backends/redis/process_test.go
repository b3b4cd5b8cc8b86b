package redis_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	driver "github.com/gomodule/redigo/redis"
)

// process is a Redis server that a test may bring into any state.
type process struct {
	t         *testing.T
	addr, url string
	secure    string // the address for TLS, if it has one
	conn      driver.Conn
	cmd       *exec.Cmd
	input     io.Closer // of cmd
}

// tlsPort stands among the options of a server for a free port.
const tlsPort = "TLS-PORT"

// redisServer starts a server with these options.
func redisServer(t *testing.T, options ...string) *process {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("this test starts Redis: want redis-server in PATH (apt-get install redis-server)")
	}
	port := freePort(t)
	p := &process{t: t, addr: "127.0.0.1:" + port}
	p.url = "redis://" + p.addr
	args := append([]string{
		"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir(), "--loglevel", "warning",
	}, options...)
	if len(options) > 0 && !strings.HasPrefix(options[0], "--") { // a file of options comes first
		args = append([]string{options[0], "--port", port}, options[1:]...)
	}
	if i := slices.Index(args, tlsPort); i >= 0 {
		args[i] = freePort(t)
		p.secure = "127.0.0.1:" + args[i]
	}
	// The shell kills the server when its input ends: with the test, also if that panics.
	const script = `"$@" </dev/null & cat >/dev/null; kill -9 $!; wait $!`
	p.cmd = exec.Command("sh", append([]string{"-c", script, "sh", binary}, args...)...)
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for p.conn == nil {
		if p.conn, err = driver.DialContext(ctx, "tcp", p.addr); ctx.Err() != nil {
			t.Fatalf("redis-server does not answer: %v", err)
		}
		if err == nil { // it listens before it is ready: the socket of a path comes later, say
			_, err = p.conn.Do("PING")
			if _, answered := errors.AsType[driver.Error](err); answered {
				err = nil
			}
		}
		if err != nil {
			p.conn = nil
			<-time.After(10 * time.Millisecond)
		}
	}
	t.Cleanup(func() { p.conn.Close() })
	return p
}

// freePort returns a port below those of outgoing connections, as is the one of a cluster's bus, which is 10000 above it.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := 12000 + rand.IntN(10000)
		server, err1 := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
		bus, err2 := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port+10000))
		if err1 == nil {
			server.Close()
		}
		if err2 == nil {
			bus.Close()
		}
		if err1 == nil && err2 == nil {
			return fmt.Sprint(port)
		}
	}
	t.Fatal("no free port between 12000 and 22000")
	return ""
}

// kill ends the server with SIGKILL.
func (p *process) kill() {
	_ = p.input.Close()
	_ = p.cmd.Wait()
}

// place is where clients and other servers find the server.
func (p *process) place() string { return cmp.Or(p.secure, p.addr) }

// freeze stops the server: its machine still takes connections, and nobody answers.
func (p *process) freeze() {
	p.t.Helper()
	_, text, _ := strings.Cut(string(p.do("INFO", "server").([]byte)), "process_id:")
	pid, _, _ := strings.Cut(text, "\r\n")
	if out, err := exec.Command("kill", "-STOP", pid).CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
}

// do sends a command to the server, past the resource.
func (p *process) do(command string, args ...any) any {
	p.t.Helper()
	reply, err := p.conn.Do(command, args...)
	if err != nil {
		p.t.Fatalf("%s: %v", command, err)
	}
	return reply
}
