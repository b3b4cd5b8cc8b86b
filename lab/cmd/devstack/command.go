package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/term"
)

// runCommand runs cmd, passes signals on to it, and returns the status to exit with.
func runCommand(cmd *exec.Cmd, signals <-chan os.Signal) int {
	if err := cmd.Start(); err != nil {
		complain(err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return statusNotFound
		}
		return statusNotRun
	}

	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			if sig == os.Interrupt && onTerminal(cmd.Stdin, cmd.Stdout, cmd.Stderr) {
				continue
			}
			_ = cmd.Process.Signal(sig) // it may have ended a moment ago
		case err := <-ended:
			return statusOf(err)
		}
	}
}

// onTerminal is true for a command that a terminal's Ctrl-C reaches, as it reaches this process.
// Many programs take a second interrupt for an order to quit without cleaning up.
func onTerminal(streams ...any) bool {
	for _, stream := range streams {
		if f, ok := stream.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return true
		}
	}
	return false
}

// statusOf translates what [exec.Cmd.Wait] returns, in the manner of shells.
func statusOf(err error) int {
	if err == nil {
		return 0
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		complain(err)
		return statusFailed
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return statusSignal + int(status.Signal())
	}
	return exit.ExitCode()
}
