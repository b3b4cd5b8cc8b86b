package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds what takes a moment on an idle machine. On a busy one the service, with the servers in it, takes a
// minute to start under the race detector.
const patience = 3 * time.Minute

// TestMain lets the tests run this test binary as the program.
func TestMain(m *testing.M) {
	if os.Getenv("SERVICE_AS_PROGRAM") == "1" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program is the service, running as a process of its own.
type program struct {
	url  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the last line of the log is read

	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed and replaced when there is more text
}

// serving runs the service with these arguments on these servers, until it serves.
func serving(t *testing.T, variables []string, args ...string) *program {
	t.Helper()
	p := launch(t, variables, args...)
	p.listening(t)
	p.await(t, `msg=serving`)
	return p
}

// launch is serving without waiting. Backends that the variables say nothing of are embedded.
func launch(t *testing.T, variables []string, args ...string) *program {
	t.Helper()
	p := &program{done: make(chan struct{}), more: make(chan struct{})}
	p.cmd = exec.CommandContext(t.Context(), os.Args[0], append([]string{"-embedded", "-addr", "127.0.0.1:0"}, args...)...)
	p.cmd.Env = append(slices.Clone(variables),
		"SERVICE_AS_PROGRAM=1", "HOME="+t.TempDir(), "TMPDIR="+t.TempDir())
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(stderr)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("the service wrote\n%s", p.log())
		}
	})
	return p
}

func (p *program) read(stderr io.Reader) {
	defer close(p.done)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		p.mu.Lock()
		p.text.WriteString(lines.Text() + "\n")
		close(p.more)
		p.more = make(chan struct{})
		p.mu.Unlock()
	}
}

func (p *program) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// await waits for a line of the log and returns its first group.
func (p *program) await(t *testing.T, pattern string) string {
	t.Helper()
	late := time.After(patience)
	for {
		p.mu.Lock()
		match, more := regexp.MustCompile(pattern).FindStringSubmatch(p.text.String()), p.more
		p.mu.Unlock()
		if match != nil {
			return match[len(match)-1]
		}
		select {
		case <-more:
		case <-p.done:
			t.Fatalf("the service ended before it wrote %s", pattern)
		case <-late:
			t.Fatalf("the service did not write %s", pattern)
		}
	}
}

// listening waits until probes are answered.
func (p *program) listening(t *testing.T) {
	t.Helper()
	p.url = "http://" + p.await(t, `msg=listening addr=(\S+)`)
}

func (p *program) signal(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// wait returns how the program ended.
func (p *program) wait(t *testing.T) error {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatal("the service does not end")
	}
	return p.cmd.Wait()
}

// request returns the code and the body of an answer.
func (p *program) request(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultTransport.RoundTrip(req) // follows no redirects
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func (p *program) get(t *testing.T, path string) (int, string) {
	t.Helper()
	return p.request(t, http.MethodGet, path, "")
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// eventually waits until is returns true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for !is() {
		if time.Now().After(end) {
			t.Fatalf("%s has not come true", what)
		}
		<-pause.C
	}
}
