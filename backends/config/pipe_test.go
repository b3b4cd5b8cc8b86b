//go:build unix

package config_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
)

func TestAPipeIsRefusedAndNotWaitedFor(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FILES_PASSWORD_FILE", pipe)
	done := make(chan error, 1)
	go func() {
		_, err := config.Load[fileConfig]("files")
		done <- err
	}()
	select {
	case err := <-done:
		assertError(t, err, "FILES_PASSWORD_FILE: not a readable file")
	case <-time.After(30 * time.Second):
		t.Fatal("it waits for somebody to write")
	}
}
