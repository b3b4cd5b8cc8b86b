// Package proctest runs programs as processes of their own, so that a test can send them signals and read their logs.
package proctest

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Process is a program that runs, and what it has written to stderr.
type Process struct {
	*exec.Cmd
	Done <-chan struct{} // closed when the log has ended

	patience time.Duration

	mu   sync.Mutex
	log  strings.Builder
	more chan struct{} // closed and replaced when the log has grown
}

// Start starts the program, and kills it when the test ends. patience bounds each wait for it.
func Start(t testing.TB, cmd *exec.Cmd, patience time.Duration) *Process {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	p := &Process{Cmd: cmd, Done: done, patience: patience, more: make(chan struct{})}
	go func() {
		defer close(done)
		p.read(stderr)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
	})
	return p
}

func (p *Process) read(stderr io.Reader) {
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		p.mu.Lock()
		p.log.WriteString(lines.Text() + "\n")
		close(p.more)
		p.more = make(chan struct{})
		p.mu.Unlock()
	}
}

// Log returns what the program has written so far.
func (p *Process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// Await waits until the log matches the pattern, and returns the last group of it.
func (p *Process) Await(t testing.TB, pattern string) string {
	t.Helper()
	late := time.After(p.patience)
	for {
		p.mu.Lock()
		match, more := regexp.MustCompile(pattern).FindStringSubmatch(p.log.String()), p.more
		p.mu.Unlock()
		if match != nil {
			return match[len(match)-1]
		}
		select {
		case <-more:
		case <-p.Done:
			t.Fatalf("the program ended before it wrote %s", pattern)
		case <-late:
			t.Fatalf("the program has not written %s in %v", pattern, p.patience)
		}
	}
}

// Signal sends a signal, and returns when that was.
func (p *Process) Signal(t testing.TB, s os.Signal) time.Time {
	t.Helper()
	at := time.Now()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	return at
}

// Ended waits until the program has ended, and returns what Wait returns.
func (p *Process) Ended(t testing.TB) error {
	t.Helper()
	select {
	case <-p.Done:
	case <-time.After(p.patience):
		t.Fatalf("the program does not end in %v", p.patience)
	}
	return p.Wait()
}
