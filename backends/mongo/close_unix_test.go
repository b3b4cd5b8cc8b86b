//go:build unix

package mongo_test

import (
	"context"
	"syscall"
	"testing"
	"time"
)

func TestCloseDoesNotSpinWhileAConnectionIsInUse(t *testing.T) {
	hook, hold := holding()
	r, res := open(t, at(server(t)), hook)
	defer hold(t, res, 1)()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	start, before := time.Now(), processorTime(t)
	if err := r.CloseAll(ctx); err == nil {
		t.Error("the connection was not cut")
	}
	took, used := time.Since(start), processorTime(t)-before
	if used > took/5 {
		t.Errorf("it used %v of a processor in %v", used, took)
	}
}

// processorTime is what this process has used so far.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
