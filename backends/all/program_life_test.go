package all_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/internal/mysqltest"
	"github.com/vibework/mooring/internal/tcptest"
)

func TestTheProgramOfTheREADMEClosesAllWhenItIsTold(t *testing.T) {
	t.Parallel()
	binary, addr := buildProgram(t)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := startProgram(t, binary, addr)
		p.await(t, "/livez", http.StatusOK, "pass") // while MySQL is away
		p.await(t, "/startupz", http.StatusServiceUnavailable, "not open")
		p.await(t, "/readyz", http.StatusServiceUnavailable, "not open")
		p.mysql.Restart()
		p.await(t, "/readyz", http.StatusOK, "pass")
		if err := p.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		p.await(t, "/readyz", http.StatusServiceUnavailable, "draining")
		p.await(t, "/livez", http.StatusOK, "pass")
		if err := p.wait(); err != nil {
			t.Errorf("after %v it ended with %v\n%s", sig, err, p.log())
		}
		for _, name := range []string{"mysql", "redis"} {
			if !strings.Contains(p.log(), "resource="+name+" op=close") {
				t.Errorf("after %v %s was not closed:\n%s", sig, name, p.log())
			}
		}
	}
}

func TestTheProgramOfTheREADMEFailsWhenItsPortIsTaken(t *testing.T) {
	t.Parallel()
	binary, addr := buildProgram(t)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := startProgram(t, binary, addr)
	exit, ok := errors.AsType[*exec.ExitError](p.wait())
	if !ok || exit.ExitCode() != 1 || !strings.Contains(p.log(), "address already in use") {
		t.Errorf("it ended with %v\n%s", exit, p.log())
	}
}

// buildProgram builds the program of the README, but for its port, which is free.
func buildProgram(t *testing.T) (binary, addr string) {
	t.Helper()
	free := tcptest.Start(t, nil)
	free.Stop()
	source := strings.Replace(program(t), `":8080"`, `"`+free.Addr()+`"`, 1)
	folder := t.TempDir()
	file, binary := filepath.Join(folder, "main.go"), filepath.Join(folder, "program")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary, free.Addr()
}

// running is the program as a process of its own, with a MySQL that is away at first.
type running struct {
	url   string
	mysql *mysqltest.Server
	cmd   *exec.Cmd
	wait  func() error

	mu   sync.Mutex
	text bytes.Buffer
}

func startProgram(t *testing.T, binary, addr string) *running {
	t.Helper()
	p := &running{url: "http://" + addr, mysql: mysqltest.Start(t, mysqltest.Options{User: "app", Password: "secret"})}
	p.mysql.Stop()
	p.cmd = exec.CommandContext(t.Context(), binary)
	p.cmd.Env = []string{
		"MYSQL_URL=mysql://app:secret@" + p.mysql.Addr() + "/shop", "MYSQL_TLS=off",
		"REDIS_URL=redis://" + tcptest.Start(t, answerPings).Addr(),
	}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.wait = sync.OnceValue(p.cmd.Wait)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.wait()
	})
	return p
}

// answerPings is a Redis that is good for nothing else.
func answerPings(c net.Conn) {
	for in := bufio.NewReader(c); ; {
		command, err := readCommand(in)
		if err != nil {
			return
		}
		answer := "+OK\r\n"
		if command[0] == "PING" {
			answer = "+PONG\r\n"
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

func (p *running) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(text)
}

func (p *running) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// await waits until path answers this.
func (p *running) await(t *testing.T, path string, code int, part string) {
	t.Helper()
	var last string
	for limit := time.After(30 * time.Second); ; {
		if response, err := http.Get(p.url + path); err == nil {
			text, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			last = response.Status + " " + string(text)
			if response.StatusCode == code && strings.Contains(last, part) {
				return
			}
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-limit:
			t.Fatalf("%s did not answer %d %s but %s\n%s", path, code, part, last, p.log())
		}
	}
}
