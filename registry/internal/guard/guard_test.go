package guard_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry/internal/guard"
)

var errFound = errors.New("found")

type unprintable struct{}

func (unprintable) String() string { panic("again") }

func TestAPanicIsAnErrorThatNamesItsPlace(t *testing.T) {
	err := guard.Run(func() error { panic("boom") })
	if text := err.Error(); !strings.HasPrefix(text, "panic: boom (guard_test.go:") {
		t.Error(text)
	}
	if err := guard.Run(func() error { panic(unprintable{}) }); !strings.Contains(err.Error(), "PANIC") {
		t.Error(err) // fmt contains the panic of a String method
	}
	if err := guard.Run(func() error { return errFound }); !errors.Is(err, errFound) {
		t.Error(err)
	}
}

func TestACallThatEndsItsGoroutineHasAnError(t *testing.T) {
	call := guard.Go(func() error {
		runtime.Goexit()
		return nil
	})
	if !call.Wait(t.Context(), 0) || !errors.Is(call.Err(), guard.ErrGoexit) {
		t.Error(call.Err())
	}
}

func TestACallIsWaitedForUntilItsContextAndThePatienceEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		call := guard.Go(func() error {
			<-release
			return errFound
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if call.Wait(ctx, time.Second) || time.Since(start) != 2*time.Second {
			t.Errorf("it waited %v", time.Since(start))
		}
		late := make(chan error, 1)
		if !call.Abandon(func(err error) { late <- err }) {
			t.Fatal("a call in flight cannot be abandoned")
		}
		close(release)
		if err := <-late; !errors.Is(err, errFound) {
			t.Error(err)
		}
	})
}

func TestACallThatHasReturnedCannotBeAbandoned(t *testing.T) {
	call := guard.Go(func() error { return nil })
	if err := call.Err(); err != nil {
		t.Error(err)
	}
	if call.Abandon(func(error) { t.Error("it is told of") }) {
		t.Error("it is abandoned")
	}
}
