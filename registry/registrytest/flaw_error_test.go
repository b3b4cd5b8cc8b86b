package registrytest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vibework/mooring/registry"
)

// hostile is an error whose methods do what those of an error should not. Nil ones behave.
type hostile struct {
	text   func() string
	unwrap func() error
	is     func() bool
	as     func() bool
}

func (h *hostile) Error() string {
	if h.text == nil {
		return "hostile"
	}
	return h.text()
}

func (h *hostile) Unwrap() error {
	if h.unwrap == nil {
		return nil
	}
	return h.unwrap()
}

func (h *hostile) Is(error) bool { return h.is != nil && h.is() }
func (h *hostile) As(any) bool   { return h.as != nil && h.as() }

// problems is an error that is a slice, as those of validators are.
type problems []string

func (p problems) Error() string { return strings.Join(p, ", ") }

func TestEveryErrorThatNobodyCanLookAtIsFound(t *testing.T) {
	circle := new(hostile)
	circle.unwrap = func() error { return circle }
	var lost *net.OpError
	panics := func() bool { panic("not today") }
	const rule = "close before open is nil"
	var flaws []flaw
	for _, test := range []struct {
		name, says string
		err        error
	}{
		{"a nil pointer", "Close returned a nil *net.OpError as an error", lost},
		{"a nil slice", "Close returned a nil registrytest_test.problems as an error", problems(nil)},
		{"one that wraps a nil pointer", "an error that wraps a nil *net.OpError", fmt.Errorf("lost: %w", lost)},
		{"one of two is a nil pointer", "an error that wraps a nil *net.OpError", errors.Join(errFlaw, lost)},
		{"one that wraps itself", "Close returned a *registrytest_test.hostile that wraps itself", circle},
		{"its Error panics", "the error of Close panicked: not today", &hostile{text: func() string { panic("not today") }}},
		{"its Is panics", "the error of Close panicked: not today", &hostile{is: panics}},
		{"its As panics", "the error of Close panicked: not today", fmt.Errorf("w: %w", &hostile{as: panics})},
		{"its Unwrap panics", "the error of Close panicked: not today", &hostile{unwrap: func() error { panic("not today") }}},
		{"its Error blocks", "Close has not returned", &hostile{text: func() string { <-t.Context().Done(); return "" }}},
		{"a long text", "Close returned an error whose text has 300000 bytes", errors.New(strings.Repeat("a", 300_000))},
	} {
		flaws = append(flaws, flaw{rule, test.name, test.says, func(_ *testing.T, f *fake) registry.Resource {
			var opened atomic.Bool
			return &flawed{fake: f, open: opens(f, &opened), close: func(ctx context.Context) error {
				if !opened.Load() {
					return test.err
				}
				return f.Close(ctx)
			}}
		}})
	}
	lookAtEvery(t, flaws, rule)
}
