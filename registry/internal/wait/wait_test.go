package wait_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry/internal/wait"
)

// after returns a channel that is closed after d.
func after(d time.Duration) <-chan struct{} {
	done := make(chan struct{})
	time.AfterFunc(d, func() { close(done) })
	return done
}

func timed(t *testing.T, name string, want bool, took time.Duration, f func(context.Context) bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if got := f(ctx); got != want || time.Since(start) != took {
			t.Errorf("%s: %v after %v, want %v after %v", name, got, time.Since(start), want, took)
		}
	})
}

func TestEveryWaitEndsWhenItShould(t *testing.T) {
	const s = time.Second
	timed(t, "what comes is waited for", true, s/2, func(ctx context.Context) bool { return wait.For(ctx, after(s/2)) })
	timed(t, "ctx ends the wait", false, s, func(ctx context.Context) bool { return wait.For(ctx, after(2*s)) })
	timed(t, "all are waited for", true, 3*s, func(context.Context) bool { return wait.All(4*s, nil, after(3*s), after(s)) })
	timed(t, "all together have one time", false, 4*s, func(context.Context) bool {
		return wait.All(4*s, after(3*s), after(5*s))
	})
}

func TestWhatHasComeWinsAgainstAContextThatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan struct{})
	close(done)
	for range 100 {
		if !wait.For(ctx, done) {
			t.Fatal("it is called late")
		}
	}
}

func TestAllCallsRunAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		failed := wait.AtOnce([]time.Duration{3, 1, 2}, func(d time.Duration) *time.Duration {
			<-time.After(d * time.Second)
			if d == 1 {
				return nil
			}
			return &d
		})
		if time.Since(start) != 3*time.Second || len(failed) != 2 || *failed[0] != 3 || *failed[1] != 2 {
			t.Errorf("after %v: %d failures", time.Since(start), len(failed))
		}
	})
}
