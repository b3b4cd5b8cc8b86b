package registry

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// An error is code, too: its methods may panic, block, or call the registry, and they may say something else each time
// that they are asked. So what a resource returned is examined once, by the goroutine that the resource ran on, where
// it can do no harm: a panic there is contained, and one that blocks is a call that hangs. After that the registry, and
// whoever logs or marshals the error, gets the same kind and the same text without asking the resource's error again.

// examined is a cause that a resource has returned. Its kind and its text are those of the examination: nobody calls
// its methods for them again.
type examined struct {
	err  error
	k    Kind
	text string
}

func (e *examined) Error() string { return e.text }
func (e *examined) Unwrap() error { return e.err }
func (e *examined) kind() Kind    { return e.k }

// examine makes an *Error of what a resource has returned, or nil of nil. It calls the methods of err and of all that
// it wraps. An error that would panic or never end in the hands of whoever looks for its cause is left out.
func examine(op Op, name string, err error) error {
	if err == nil {
		return nil
	}
	if flaw := flawOf(err); flaw != "" {
		return &Error{op, name, KindPanic, errors.New("panic: returned " + flaw)}
	}
	e := newError(op, name, err)
	kind := e.Kind
	if class := classOf(err); op == OpConfigure && (class == "" || class == KindUnknown) {
		kind = KindConfig // whatever Configure has met, it is about the configuration
	}
	return &Error{op, name, kind, &examined{e.Err, kind, oneLine(textOf(e.Err))}}
}

// textOf returns the text of err, which is nil in an Error that a resource has made by itself.
func textOf(err error) string {
	if err == nil {
		return fmt.Sprint(err)
	}
	return err.Error()
}

// A circle would keep errors.Is busy for ever, in whatever hands the error came into.
//
// mostWrapped is how many errors one error may wrap, directly or not: more are taken for a circle.
const mostWrapped = 10_000

// flawOf describes what makes err unusable, or returns "". It calls every Unwrap, and lets the errors package call
// every Is and As, so that what panics or blocks does so here.
func flawOf(err error) string {
	wrapped := []error{err}
	for n := 0; len(wrapped) > 0; n++ {
		last := len(wrapped) - 1
		next := wrapped[last]
		wrapped = wrapped[:last]
		switch {
		case isNil(next) && n == 0:
			return fmt.Sprintf("a nil %T as an error", next)
		case isNil(next):
			return fmt.Sprintf("an error that wraps a nil %T", next)
		case n == mostWrapped:
			return fmt.Sprintf("a %T that wraps itself, or far too many others", err)
		}
		wrapped = append(wrapped, causesOf(next)...)
	}
	_ = errors.Is(err, errProbe)
	_, _ = errors.AsType[*probe](err)
	return ""
}

// probe is an error that no resource returns. It has a text, since an Is may compare texts.
type probe struct{ error }

// errProbe is what every Is in the tree is asked for.
var errProbe error = &probe{errors.New("probe")}

// causesOf returns what err itself wraps, and not what that wraps. The nil ones, which errors.Join leaves out but which
// an Unwrap of one's own may return, are no causes. The slice is a copy: an Unwrap may return the one that it keeps.
func causesOf(err error) (causes []error) {
	switch wrapper := any(err).(type) {
	case interface{ Unwrap() error }:
		causes = []error{wrapper.Unwrap()}
	case interface{ Unwrap() []error }:
		causes = slices.Clone(wrapper.Unwrap())
	}
	return slices.DeleteFunc(causes, func(cause error) bool { return cause == nil })
}

// isNil reports whether err is nil inside, as a variable of a concrete type is that nothing was assigned to.
func isNil(err error) bool {
	switch v := reflect.ValueOf(err); v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return v.IsNil()
	default:
		return false
	}
}
