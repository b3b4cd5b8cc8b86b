package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/internal/proctest"
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
	*proctest.Process
	url string
}

// serving runs the service with these arguments on these servers, until it serves.
func serving(t *testing.T, variables []string, args ...string) *program {
	t.Helper()
	p := launch(t, variables, args...)
	p.listening(t)
	p.Await(t, `msg=serving`)
	return p
}

// launch is serving without waiting. Backends that the variables say nothing of are embedded.
func launch(t *testing.T, variables []string, args ...string) *program {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-embedded", "-addr", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(slices.Clone(variables), "SERVICE_AS_PROGRAM=1", "HOME="+t.TempDir(), "TMPDIR="+t.TempDir())
	p := new(program)
	t.Cleanup(func() { // when it has ended
		if t.Failed() && p.Process != nil {
			t.Logf("the service wrote\n%s", p.Log())
		}
	})
	p.Process = proctest.Start(t, cmd, patience)
	return p
}

// listening waits until probes are answered.
func (p *program) listening(t *testing.T) {
	t.Helper()
	p.url = "http://" + p.Await(t, `msg=listening addr=(\S+)`)
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
