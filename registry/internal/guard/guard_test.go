package guard_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-multierror"

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

// several wraps others, of which some are nil.
type several []error

func (several) Error() string     { return "several" }
func (s several) Unwrap() []error { return s }

func TestCausesAreTheNextLevelAlone(t *testing.T) {
	inner := fmt.Errorf("inner: %w", errFound)
	kept := several{nil, inner, nil}
	for _, test := range []struct {
		err  error
		want []error
	}{
		{errFound, nil},
		{fmt.Errorf("outer: %w", inner), []error{inner}},
		{errors.Join(errFound, inner), []error{errFound, inner}},
		{&multierror.Error{Errors: []error{errFound, inner}}, []error{errFound, inner}},
		{kept, []error{inner}},
	} {
		if got := guard.Causes(test.err); !slices.Equal(got, test.want) {
			t.Errorf("%T: got %v, want %v", test.err, got, test.want)
		}
	}
	if kept[1] == nil {
		t.Error("the slice of Unwrap was changed")
	}
}

func TestTryOutlivesAPanicAndAGoexit(t *testing.T) {
	calls := 0
	guard.Try(func() { calls++; panic("boom") })
	guard.Try(func() { calls++; runtime.Goexit() })
	if calls != 2 {
		t.Errorf("%d calls", calls)
	}
}
