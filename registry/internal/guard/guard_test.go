package guard_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

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
	got := make(chan error, 1)
	guard.Go(func() error {
		runtime.Goexit()
		return nil
	}, func(err error) { got <- err })
	if err := <-got; !errors.Is(err, guard.ErrGoexit) {
		t.Error(err)
	}
}
