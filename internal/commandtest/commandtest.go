// Package commandtest is for tests of a main: it builds the command that they run.
package commandtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Run builds the command in the folder, sets program to its path, and runs the tests. It returns what TestMain exits
// with.
func Run(m *testing.M, folder string, program *string) int {
	dir, err := os.MkdirTemp("", "mooring")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	*program = filepath.Join(dir, "mooring")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", *program, folder)
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}
