package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the tests run this test binary as the program.
func TestMain(m *testing.M) {
	if os.Getenv("QUICKSTART_AS_PROGRAM") == "1" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = []string{"QUICKSTART_AS_PROGRAM=1", "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir()}
	return cmd
}

func TestOnceDoesEverythingAndExitsWith0(t *testing.T) {
	out, err := program(t, "-once", "-addr", "127.0.0.1:0").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"inserted {ID:1 Item:rope Amount:3} in a transaction and selected {ID:1 Item:rope Amount:3}",
		"inserted {ID:1 Item:anchor Amount:1} and found {ID:1 Item:anchor Amount:1}",
		`got "moored", which expires in`,
		`received "ahoy" and acknowledged it`,
		"GET /readyz: 200 OK",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	inOrder(t, string(out), "opened mysql", "opened mongo", "opened redis", "opened pubsub",
		"RESOURCE", "closed pubsub", "closed redis", "closed mongo", "closed mysql")
}

func TestSIGTERMTurnsReadinessRedBeforeAnythingIsClosed(t *testing.T) {
	cmd := program(t, "-addr", "127.0.0.1:0", "-drain", "2s")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	lines := bufio.NewScanner(io.TeeReader(stdout, &text))
	url := await(t, lines, regexp.MustCompile(`serving (http://\S+)/livez`))
	await(t, lines, regexp.MustCompile(`(press Ctrl-C)`))
	if code := get(t, url+"/readyz"); code != 200 {
		t.Errorf("/readyz answers %d", code)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await(t, lines, regexp.MustCompile(`(draining)`))
	if code := get(t, url+"/readyz"); code != 503 || strings.Contains(text.String(), "closed") {
		t.Errorf("while draining /readyz answers %d, after\n%s", code, text.String())
	}
	if code := get(t, url+"/livez"); code != 200 {
		t.Errorf("while draining /livez answers %d", code)
	}
	for lines.Scan() {
		continue
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	inOrder(t, text.String(), "draining", "closed pubsub", "closed redis", "closed mongo", "closed mysql")
}

func TestAWrongConfigurationExitsWith1AndOneLine(t *testing.T) {
	cmd := program(t, "-once")
	cmd.Env = append(cmd.Env, "MYSQL_URL=mysql://root:hunter2", "REDIS_HOST=h", "REDIS_PORT=hunter2")
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
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
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
