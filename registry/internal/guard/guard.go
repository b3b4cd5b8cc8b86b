// Package guard runs code that nobody can vouch for: code that may panic, that may end its goroutine, or that may
// never return.
package guard

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
	"sync"
	"time"
)

// ErrGoexit is the result of a function that called runtime.Goexit instead of returning.
var ErrGoexit = errors.New("panic: runtime.Goexit was called")

// PanicError is the result of a function that panicked: what it panicked with, and where.
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

// origin returns " (file:line)" of the frame that panicked. The deferred function that recovered must call it, while
// that frame is still on the stack.
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

// Call is a function that runs on a goroutine of its own.
type Call struct {
	done chan struct{} // closed when f has returned, unless the call was abandoned before

	mu   sync.Mutex
	err  error       // what f returned
	late func(error) // set when the call is abandoned
}

// Go starts f. Its panic or runtime.Goexit is the error of the call.
func Go(f func() error) *Call {
	c := &Call{done: make(chan struct{})}
	go c.run(f)
	return c
}

func (c *Call) run(f func() error) {
	err := ErrGoexit
	defer func() {
		if late := c.finish(err); late != nil {
			late(err)
		}
	}()
	err = Run(f)
}

func (c *Call) finish(err error) (late func(error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.late == nil {
		c.err = err
		close(c.done)
	}
	return c.late
}

// Wait waits until f has returned, or until ctx is done and patience has passed after that. It reports whether f has
// returned.
func (c *Call) Wait(ctx context.Context, patience time.Duration) bool {
	select {
	case <-c.done:
		return true
	case <-ctx.Done():
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
		return false
	}
}

// Err returns the error of f. It may be called once Wait has returned true.
func (c *Call) Err() error {
	<-c.done
	return c.err
}

// Abandon makes late the receiver of the error of f, on the goroutine of f, and returns true. When f has returned
// already it returns false, and late is never called.
func (c *Call) Abandon(late func(error)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.done:
		return false
	default:
		c.late = late
		return true
	}
}
