// Package guard runs code that nobody can vouch for: code that may panic, that may end its goroutine, or that may
// never return. It also takes errors apart, of which nobody knows how many others they wrap.
package guard

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
)

// PanicError is the result of a function that panicked or called runtime.Goexit. It keeps texts and not the value of
// the panic, whose methods may panic again whenever somebody prints it.
type PanicError struct {
	Text  string // what it panicked with, and where
	Place string // where, as file:line
}

func (e *PanicError) Error() string { return "panic: " + e.Text }

// Call calls f, and then done with the error of f, or with a *PanicError if f panics or calls runtime.Goexit. After
// a Goexit Call does not return: the goroutine ends when done has returned. done must not panic.
func Call(f func() error, done func(error)) {
	var err error
	finished := false
	defer func() {
		_ = recover() // the value of a panic may panic again when it is printed
		done(err)
	}()
	defer func() {
		if finished {
			return
		}
		failed := &PanicError{"runtime.Goexit was called", path.Base(Outside("runtime."))}
		err = failed // also if the value of a panic calls Goexit when it is printed
		switch value := recover().(type) {
		case nil:
		case *PanicError: // of a call on another goroutine, passed on
			err = value
		default:
			failed.Text = "a value that cannot be printed, at " + failed.Place
			failed.Text = fmt.Sprintf("%v (%s)", value, failed.Place)
		}
	}()
	err = f()
	finished = true
}

// Try calls f and waits for its end. A panic or runtime.Goexit in f ends f and nothing else, and nobody is told: it is
// for loggers, who are the ones to tell.
func Try(f func()) {
	ended := make(chan struct{})
	go Call(func() error { f(); return nil }, func(error) { close(ended) })
	<-ended
}

// Outside returns the nearest place on the stack, as file:line, that is neither in this package nor in the one whose
// functions begin with the prefix. What is outside of "runtime." is where a panic began, for the deferred function that
// recovers.
func Outside(prefix string) string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		frame, more := frames.Next()
		inside := strings.HasPrefix(frame.Function, prefix) || strings.Contains(frame.Function, "/internal/guard.")
		if !inside || !more {
			return fmt.Sprintf("%s:%d", frame.File, frame.Line)
		}
	}
}

// MostWrapped is how many errors one error may wrap, directly or not: more are taken for a circle, which would keep
// errors.Is busy for ever, in whatever hands the error came into.
const MostWrapped = 10_000

// Causes returns what err itself wraps, and not what that wraps. The nil ones, which errors.Join leaves out but which
// an Unwrap of one's own may return, are no causes. The slice is a copy: an Unwrap may return the one that it keeps.
func Causes(err error) (causes []error) {
	switch wrapper := err.(type) { //nolint:errorlint // each level by itself
	case interface{ WrappedErrors() []error }: // go-multierror's, whose Unwrap would return them as a chain
		causes = wrapper.WrappedErrors()
	case interface{ Unwrap() []error }:
		causes = wrapper.Unwrap()
	default:
		causes = []error{errors.Unwrap(err)}
	}
	return slices.DeleteFunc(slices.Clone(causes), func(cause error) bool { return cause == nil })
}
