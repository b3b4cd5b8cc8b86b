package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// asDevstack, as its first argument, makes the test binary the command under test.
const asDevstack = "as-devstack"

// patience ends a command that does not end by itself.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == asDevstack {
		os.Args = slices.Delete(os.Args, 1, 2)
		main()
	}
	os.Exit(m.Run())
}

func TestDevstackRunsACommandBesideTheServersItNeeds(t *testing.T) {
	cmd := newCommand(t, "-only", "mysql,redis,pubsub", "--", "sh", "-c", "env; exit 7")
	cmd.Env = append(cmd.Env, "INHERITED=yes", "MYSQL_HOST=db.test", "PUBSUB_PROJECT_ID=mine")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != 7 {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	for _, want := range []string{
		"INHERITED=yes\n", "REDIS_URL=redis://app:", "PUBSUB_EMULATOR_HOST=127.0.0.1:", "PUBSUB_PROJECT_ID=mine\n",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the command does not have %q", want)
		}
	}
	for _, unwanted := range []string{"MYSQL_URL=", "MONGO_URI=", "PUBSUB_PROJECT_ID=devstack"} {
		if strings.Contains(stdout.String(), unwanted) {
			t.Errorf("the command has %q", unwanted)
		}
	}
	if want := "devstack: no mysql server: MYSQL_HOST is set\n"; stderr.String() != want {
		t.Errorf("stderr is %q, want %q", &stderr, want)
	}
}

func TestDevstackWithoutACommandServesUntilASignal(t *testing.T) {
	folder := t.TempDir()
	cmd := newCommand(t)
	cmd.Env = append(cmd.Env, "TMPDIR="+folder, "REDIS_URL=redis://elsewhere")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	// The user's REDIS_URL makes no difference: there is no command that would miss it.
	for _, want := range []string{
		"export MYSQL_URL='mysql://app:", "export MONGO_URI='mongodb://app:", "export REDIS_URL='redis://app:",
		"export PUBSUB_EMULATOR_HOST='127.0.0.1:", "export PUBSUB_PROJECT_ID='devstack'",
	} {
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), want) {
			t.Errorf("got %q, want %s", lines.Text(), want)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*")); len(left) != 0 {
		t.Errorf("%v left behind", left)
	}
}

func TestDevstackEndsAtOnceWhenItIsUsedBadly(t *testing.T) {
	for args, want := range map[string]int{"-h": 0, "-all": statusUsage, "-only redis,mysq -- true": statusUsage} {
		if got := run(strings.Fields(args), nil); got != want {
			t.Errorf("%s: status %d, want %d", args, got, want)
		}
	}
}

func TestParseSplitsTheArguments(t *testing.T) {
	for _, test := range []struct{ args, names, command string }{
		{"", "mysql mongo redis pubsub", ""},
		{"-- env -i", "mysql mongo redis pubsub", "env -i"},
		{"-only redis,mongo -- sh -c true", "redis mongo", "sh -c true"},
		{"-only redis sh -only", "redis", "sh -only"},
	} {
		names, command, err := parse(strings.Fields(test.args))
		if err != nil || strings.Join(names, " ") != test.names || strings.Join(command, " ") != test.command {
			t.Errorf("%q: got %v, %v, %v", test.args, names, command, err)
		}
	}
	for _, only := range []string{"", "redis,", "mysq"} {
		if _, _, err := parse([]string{"-only", only}); err == nil || !strings.Contains(err.Error(), "-only: ") {
			t.Errorf("-only %q: got %v", only, err)
		}
	}
}

// newCommand returns the command under test with nothing of the caller's environment but PATH.
func newCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{asDevstack}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	return cmd
}
