package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/lab/devstack"
)

// TestMain lets the tests run this test binary as the program.
func TestMain(m *testing.M) {
	if os.Getenv("QUICKSTART_AS_PROGRAM") == "1" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program is the program with servers beside it, whose readiness can be asked for at url.
func program(t *testing.T, args ...string) (cmd *exec.Cmd, url string) {
	t.Helper()
	stack, err := devstack.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stack.Stop() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), os.Args[0], append(args, "-addr", addr)...)
	cmd.Env = append(stack.Env(), "QUICKSTART_AS_PROGRAM=1", "HOME="+t.TempDir(), "TMPDIR="+t.TempDir())
	return cmd, "http://" + addr
}

func TestOnceDoesEverythingAndExitsWith0(t *testing.T) {
	cmd, _ := program(t, "-once")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	inOrder(t, string(out), "opened resource=mysql", "opened resource=mongo", "opened resource=redis",
		"opened resource=pubsub", "40 + 2 is 42", "kept {Item:anchor}", `kept "moored"`, `delivered "ahoy"`,
		"mysql  pass in", "pubsub pass in", "closed resource=pubsub", "closed resource=redis", "closed resource=mongo",
		"closed resource=mysql")
}

func TestSIGTERMTurnsReadinessRedBeforeAnythingIsClosed(t *testing.T) {
	cmd, url := program(t, "-drain", "2s")
	output, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	lines := bufio.NewScanner(io.TeeReader(output, &text))
	await(t, lines, regexp.MustCompile(`INFO (serving)`))
	if code := get(t, url+"/readyz"); code != 200 {
		t.Errorf("/readyz answers %d", code)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await(t, lines, regexp.MustCompile(`INFO (stopping)`))
	if code := get(t, url+"/readyz"); code != 503 || strings.Contains(text.String(), "closed") {
		t.Errorf("while draining /readyz answers %d, after\n%s", code, text.String())
	}
	for lines.Scan() {
		continue
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	inOrder(t, text.String(), "closed resource=pubsub", "closed resource=redis", "closed resource=mongo",
		"closed resource=mysql")
}

func TestAWrongConfigurationExitsWith1AndShowsNoValue(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-once", "-addr", "127.0.0.1:0")
	cmd.Env = []string{
		"QUICKSTART_AS_PROGRAM=1", "MYSQL_URL=mysql://root:hunter2", "REDIS_HOST=h", "REDIS_PORT=hunter2",
	}
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	if !strings.Contains(string(out), "MYSQL_URL: ") || !strings.Contains(string(out), "REDIS_PORT: ") ||
		strings.Contains(string(out), "hunter2") {
		t.Errorf("it prints\n%s", out)
	}
}

func await(t *testing.T, lines *bufio.Scanner, pattern *regexp.Regexp) string {
	t.Helper()
	for lines.Scan() {
		if match := pattern.FindStringSubmatch(lines.Text()); match != nil {
			return match[1]
		}
	}
	t.Fatalf("the program never printed %v", pattern)
	return ""
}

func get(t *testing.T, url string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func inOrder(t *testing.T, text string, wants ...string) {
	t.Helper()
	at := 0
	for _, want := range wants {
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Errorf("%q is missing, or not in order, in\n%s", want, text)
			return
		}
		at += i
	}
}
