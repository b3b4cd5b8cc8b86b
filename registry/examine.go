package registry

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// An error is code, too: its methods may panic, block, or call the registry, and they may say something else each time
// that they are asked. So what a resource returned is examined once, by the goroutine that the resource ran on, where
// it can do no harm: a panic there is contained, and one that blocks is a call that hangs. After that the registry, and
// whoever logs or marshals the error, gets the same kind and the same text without asking the resource's error again.

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
	text := "no cause" // of an Error that a resource has made by itself
	if e.Err != nil {
		text = cmp.Or(oneLine(e.Err.Error()), "an error without a text")
	}
	return &Error{op, name, kind, &marked{e.Err, kind, text}}
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
	_ = errors.Is(err, probe{errors.New("probe")})
	_, _ = errors.AsType[probe](err)
	return ""
}

// probe is an error that no resource returns, for every Is and As in the tree to be asked for. It has a text, since an
// Is may compare texts.
type probe struct{ error }

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

// isNil reports whether v is nil, or nil inside, as a variable of a concrete type is that nothing was assigned to.
func isNil(v any) bool {
	nilable := []reflect.Kind{reflect.Invalid, reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan}
	value := reflect.ValueOf(v)
	return slices.Contains(nilable, value.Kind()) && (v == nil || value.IsNil())
}
