package command

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestWaitGoesOnUntilAllAreWell(t *testing.T) {
	stack := start(t, "mysql", "redis")
	stack.stop["mysql"]()
	stack.stop["redis"]()
	cmd := exec.CommandContext(t.Context(), program, "wait", "60s")
	cmd.Env = stack.Env
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for _, next := range []struct{ line, start string }{
		{"waiting for mysql, redis: 0s of 1m0s", ""}, // before the first round has ended
		{"waiting for mysql (unreachable), redis (unreachable): ", "mysql"},
		{"waiting for redis (unreachable): ", "redis"},
	} {
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), next.line) {
			t.Fatalf("it says %q, want %q", lines.Text(), next.line)
		}
		if next.start != "" {
			stack.restart[next.start]()
		}
	}
	for lines.Scan() { // it may see Redis on its way up
	}
	if err := cmd.Wait(); err != nil || strings.Count(plain(stdout.String()), "  pass  ") != 2 {
		t.Errorf("%v after\n%s", err, &stdout)
	}
}

func TestWaitEndsWithItsTimeAndAtOnceForWhatTimeDoesNotMend(t *testing.T) {
	stack := start(t, "redis")
	env := stack.Env
	stack.stop["redis"]()
	status, _, stderr := mooring(t, env, "wait", "500ms")
	if status != statusUnwell || !strings.HasPrefix(stderr, "waiting for redis: 0s of 500ms\n") {
		t.Errorf("it exits with %d and says %s", status, stderr)
	}
	status, _, stderr = mooring(t, append(env, "MYSQL_PASSWORD=hunter2-and-more"), "wait", "1h")
	if status != statusWrong || stderr != "waiting for mysql, redis: 0s of 1h0m0s\n" {
		t.Errorf("it exits with %d and says %s", status, stderr)
	}
}

func TestWaitBoundsEveryRoundAlsoWhenTheServerIsSilent(t *testing.T) {
	for _, wait := range []time.Duration{2 * time.Second, 6 * time.Second, 8 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			rep := reportOn("fake", silent)
			rep.Findings = append(rep.Findings, reportOn("other", silent).Findings...)
			var out strings.Builder
			start := time.Now()
			rep.examine(t.Context(), wait, &progress{screen: screen{Writer: &out}})
			if took := time.Since(start); took < wait || took > wait+time.Second/2 {
				t.Errorf("wait %v takes %v", wait, took)
			}
			if s := rep.Findings[1].last(); s.Kind != registry.KindTimeout || rep.exit() != statusUnwell {
				t.Errorf("wait %v ends with %+v", wait, s)
			}
		})
	}
}

func TestWhatTheEndOfTheTimeCutsOffDoesNotHideWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		rep := reportOn("fake", func(ctx context.Context) error {
			if attempts++; attempts > 1 {
				return silent(ctx)
			}
			return registry.Classify(registry.KindLoading, errors.New("the server is loading its data"))
		})
		rep.examine(t.Context(), 3*time.Second, &progress{screen: screen{Writer: &strings.Builder{}}})
		if s := rep.Findings[0].last(); attempts < 2 || s.Kind != registry.KindLoading {
			t.Errorf("after %d attempts it ends with %+v", attempts, s)
		}
	})
}

func TestOnATerminalTheProgressIsOneLineThatIsWrittenOverAndGoneAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		rep := reportOn("redis", func(context.Context) error {
			return registry.Classify(registry.KindLoading, errors.New("the server is loading its data"))
		})
		var out strings.Builder
		time.AfterFunc(1500*time.Millisecond, interrupt)
		rep.examine(ctx, time.Minute, &progress{screen: screen{&out, true}})
		const clear, loading = "\r\x1b[K", "\r\x1b[Kwaiting for redis (loading): "
		if want := clear + "waiting for redis: 0s of 1m0s" +
			loading + "0s of 1m0s" + loading + "1s of 1m0s" + clear; out.String() != want {
			t.Errorf("got %q", out.String())
		}
	})
}
