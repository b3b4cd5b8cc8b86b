package redis_test

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	driver "github.com/gomodule/redigo/redis"
)

// process is a Redis server that a test may bring into any state.
type process struct {
	t         *testing.T
	addr, url string
	conn      driver.Conn
}

// redisServer starts a server with these options. Where none is installed it says so and returns nil.
func redisServer(t *testing.T, options ...string) *process {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Log("no Redis is installed: this test has not been run")
		return nil
	}
	free := listen(t)
	p := &process{t: t, addr: free.Addr().String()}
	p.url = "redis://" + p.addr
	_, port, _ := net.SplitHostPort(p.addr)
	free.Close()
	cmd := exec.Command(binary, append([]string{
		"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir(), "--loglevel", "warning",
	}, options...)...)
	if len(options) > 0 && !strings.HasPrefix(options[0], "--") { // a file of options comes first
		cmd.Args = append([]string{binary, options[0], "--port", port}, options[1:]...)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for p.conn == nil {
		if p.conn, err = driver.DialContext(ctx, "tcp", p.addr); err != nil && ctx.Err() != nil {
			t.Fatalf("redis-server does not answer: %v", err)
		}
		if err != nil {
			p.conn = nil
			<-time.After(10 * time.Millisecond)
		}
	}
	t.Cleanup(func() { p.conn.Close() })
	return p
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
