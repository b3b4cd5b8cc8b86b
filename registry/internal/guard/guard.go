// Package guard runs code that nobody can vouch for: code that may panic, that may end its goroutine, or that may
// never return.
package guard

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// ErrGoexit is the *PanicError of a function that called runtime.Goexit instead of returning.
var ErrGoexit error = &PanicError{"runtime.Goexit was called"}

// PanicError is the result of a function that panicked: what it panicked with, and where. It keeps a text and not the
// value, whose methods may panic again whenever somebody prints it.
type PanicError struct{ Text string }

func (e *PanicError) Error() string { return "panic: " + e.Text }

// Run calls f and returns its error, or a *PanicError if f panics. A runtime.Goexit in f ends the goroutine of the
// caller, which has to be prepared for that; see [Go].
func Run(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{printed(value) + origin()}
		}
	}()
	return f()
}

// printed returns the text of the value of a panic, whose own methods may panic as well.
func printed(value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a %T that cannot be printed", value)
		}
	}()
	return fmt.Sprint(value)
}

// origin returns " (file:line)" of the frame that panicked: the first one below those of the runtime. The deferred
// function that recovered must call it, while that frame is still on the stack.
func origin() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for raised, more := false, true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if raised && !inRuntime {
			return fmt.Sprintf(" (%s:%d)", path.Base(frame.File), frame.Line)
		}
		raised = raised || inRuntime
	}
	return ""
}

// Go calls f on a goroutine of its own, and then done with the error of f, also if f panics or calls runtime.Goexit:
// err is ErrGoexit until Run has returned, which it does not do when the goroutine is ending. done must not panic.
func Go(f func() error, done func(error)) {
	go func() {
		err := ErrGoexit
		defer func() { done(err) }()
		err = Run(f)
	}()
}
