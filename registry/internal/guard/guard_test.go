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

// called returns what done gets for f.
func called(f func() error) error {
	got := make(chan error, 1)
	go guard.Call(f, func(err error) { got <- err })
	return <-got
}

func TestAPanicIsAnErrorThatNamesItsPlace(t *testing.T) {
	err := called(func() error { panic("boom") })
	if text := err.Error(); !strings.HasPrefix(text, "panic: boom (guard_test.go:") {
		t.Error(text)
	}
	if err := called(func() error { panic(unprintable{}) }); !strings.Contains(err.Error(), "PANIC") {
		t.Error(err) // fmt contains the panic of a String method
	}
	if err := called(func() error { return errFound }); !errors.Is(err, errFound) {
		t.Error(err)
	}
}

func TestAPanicThatIsPassedOnKeepsItsPlace(t *testing.T) {
	err := called(func() error { panic("boom") })
	if again := called(func() error { panic(err) }); !errors.Is(again, err) {
		t.Errorf("%v has become %v", err, again)
	}
}

func TestACallThatEndsItsGoroutineHasAnError(t *testing.T) {
	err := called(func() error {
		runtime.Goexit()
		return nil
	})
	failed, ok := errors.AsType[*guard.PanicError](err)
	if !ok || err.Error() != "panic: runtime.Goexit was called" || !strings.HasPrefix(failed.Place, "guard_test.go:") {
		t.Error(err)
	}
}

func TestWhatIsTriedEndsItselfOnly(t *testing.T) {
	calls := 0
	for _, end := range []func(){func() {}, func() { panic("disk full") }, runtime.Goexit} {
		guard.Try(func() { calls++; end() })
	}
	if calls != 3 {
		t.Errorf("%d calls", calls)
	}
}
