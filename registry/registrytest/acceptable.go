package registrytest

import (
	"errors"
	"fmt"
	"reflect"
)

const (
	longestText = 4 << 10 // of an error; the registry cuts what is longer
	mostWrapped = 1_000   // errors in one: more are taken for a circle
)

// acceptable returns err, or the breach that it is. It calls all methods that programs and package errors call on an
// error: what panics or blocks does so here.
func acceptable(name string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := []error{err}
	for n := 0; len(wrapped) > 0; n++ {
		next := wrapped[0]
		wrapped = wrapped[1:]
		switch {
		case isNil(next) && n == 0:
			return &breach{fmt.Sprintf("%s returned a nil %T as an error", name, next)}
		case isNil(next):
			return &breach{fmt.Sprintf("%s returned an error that wraps a nil %T", name, next)}
		case n == mostWrapped:
			return &breach{fmt.Sprintf("%s returned a %T that wraps itself, or far too many others", name, err)}
		}
		wrapped = append(wrapped, causesOf(next)...)
	}
	_ = errors.Is(err, errUnlike)
	_, _ = errors.AsType[*unlike](err)
	if n := len(err.Error()); n > longestText && !isBreach(err) {
		return &breach{fmt.Sprintf("%s returned an error whose text has %d bytes", name, n)}
	}
	return err
}

// causesOf returns what err itself wraps.
func causesOf(err error) []error {
	switch wrapper := any(err).(type) {
	case interface{ Unwrap() error }:
		if cause := wrapper.Unwrap(); cause != nil {
			return []error{cause}
		}
	case interface{ Unwrap() []error }:
		return wrapper.Unwrap()
	}
	return nil
}

// unlike is an error that no resource returns. It has a text, since an Is may compare texts.
type unlike struct{ error }

var errUnlike error = &unlike{errors.New("unlike any other")}

// isNil reports whether err is nil inside, as a variable of a concrete type is that nothing was assigned to. It panics
// in the hands of whoever looks at it.
func isNil(err error) bool {
	switch v := reflect.ValueOf(err); v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return v.IsNil()
	default:
		return false
	}
}
