package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRunCommandReturnsTheStatusThatAShellWould(t *testing.T) {
	locked := filepath.Join(t.TempDir(), "locked")
	if err := os.WriteFile(locked, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		command []string
		want    int
	}{
		{[]string{"true"}, 0},
		{[]string{"sh", "-c", "exit 7"}, 7},
		{[]string{"sh", "-c", "kill -TERM $$"}, 128 + 15},
		{[]string{locked}, statusNotRun},
		{[]string{"no-such-command"}, statusNotFound},
		{[]string{"./no-such-command"}, statusNotFound},
	} {
		cmd := exec.CommandContext(t.Context(), test.command[0], test.command[1:]...)
		if got := runCommand(cmd, nil); got != test.want {
			t.Errorf("%q: status %d, want %d", test.command, got, test.want)
		}
	}
}

func TestRunCommandPassesSignalsOn(t *testing.T) {
	for _, test := range []struct {
		name   string
		signal os.Signal
	}{{"INT", os.Interrupt}, {"TERM", syscall.SIGTERM}, {"HUP", syscall.SIGHUP}} {
		t.Run(test.name, func(t *testing.T) {
			// A shell cannot trap what its parent ignores, as a job in the background does with INT.
			handled := make(chan os.Signal, 1)
			signal.Notify(handled, test.signal)
			defer signal.Stop(handled)
			script := `trap 'exit 9' ` + test.name + `; echo ready; while :; do sleep 0.05; done`
			cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
			stdout, ready := io.Pipe()
			cmd.Stdout = ready

			signals := make(chan os.Signal, 1)
			go func() {
				if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
					t.Errorf("the first line is %q, %v", line, err)
				}
				signals <- test.signal
			}()
			if got := runCommand(cmd, signals); got != 9 {
				t.Errorf("status %d, want the 9 of the command's handler", got)
			}
		})
	}
}

func TestRunCommandLeavesTheStreamsToTheCommand(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "cat; echo loud >&2")
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("quiet"), &stdout, &stderr
	if got := runCommand(cmd, nil); got != 0 || stdout.String() != "quiet" || stderr.String() != "loud\n" {
		t.Errorf("status %d, stdout %q, stderr %q", got, &stdout, &stderr)
	}
}
