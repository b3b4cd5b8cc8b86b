// Package tree takes errors apart that wrap others.
package tree

import (
	"errors"
	"slices"
)

// Most is how many errors one error may wrap, directly or not: more are taken for a circle, which would keep errors.Is
// busy for ever, in whatever hands the error came into.
const Most = 10_000

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
