package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/go-multierror"

	"github.com/vibework/mooring/registry/internal/guard"
)

// ErrNotOpen says that a resource is not open: OpenAll has not opened it yet, or CloseAll was called. The error of a
// check that finds this wraps the reason besides, if there is one.
var ErrNotOpen = errors.New("not open")

// ErrNotRegistered says that no resource of that name is registered. The text of the error lists those that are, since
// a forgotten import is as likely as a misspelt name.
var ErrNotRegistered = errors.New("not registered")

// Op names what was being done to a resource, in errors, events and records.
type Op string

// What can be done to a resource.
const (
	OpConfigure Op = "configure"
	OpOpen      Op = "open"
	OpCheck     Op = "check"
	OpClose     Op = "close"
	OpGet       Op = "get"
)

// all is the name in an Error that belongs to no resource.
const all = "all"

// Error is a failure of one resource. Its text is one line, such as
//
//	open mysql: auth: access denied (1045)
//
// of printable characters, and no longer than 4 kB. Marshaled to JSON it shows op, name and kind, never the text.
//
// What a resource returned is read once, by the call that it came from: kind and text stay as they were then. The
// resource's own error can be found with errors.Is and errors.As, unless its methods panicked, or it says canceled and
// nobody has cancelled: then the text says so.
type Error struct {
	Op   Op     `json:"op"`
	Name string `json:"name"` // the resource's name, or "all" for a failure of no resource in particular
	Kind Kind   `json:"kind"`

	// Err is the cause, or what wraps it. It is never nil in an error that this package returns. To tell causes apart use
	// errors.Is and errors.As, or better the Kind: what a driver returns may change with its version.
	Err error `json:"-"`
}

// newError makes the error of one operation on one resource; nil of nil. err is returned as it is if it already is this
// Error, so that nothing is said twice in one line.
func newError(op Op, name string, err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Op == op && e.Name == name && e.Error() == err.Error() {
		return e
	}
	return &Error{Op: op, Name: name, Kind: KindOf(err), Err: err}
}

// Error leaves the kind out when it is unknown or when the cause begins with it.
func (e *Error) Error() string {
	cause, kind := fmt.Sprint(e.Err), string(e.Kind)+": "
	words := strings.ReplaceAll(string(e.Kind), "_", " ")
	if e.Kind == "" || e.Kind == KindUnknown || strings.HasPrefix(cause, words) {
		kind = ""
	}
	return oneLine(fmt.Sprintf("%s %s: %s%s", e.Op, e.Name, kind, cause)) // the name may be one that a stranger asked for
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// MarshalJSON shows op, name and kind. Without it log/slog would show the text of an error in JSON.
func (e Error) MarshalJSON() ([]byte, error) {
	type shown Error // without this method
	return json.Marshal(shown(e))
}

// kind makes Error answer KindOf.
func (e *Error) kind() Kind { return e.Kind }

// join makes one error of many: nil, or a *multierror.Error whose text is one line.
func join[E error](errs []E) error {
	joined := &multierror.Error{ErrorFormat: joinText}
	for _, err := range errs {
		joined.Errors = append(joined.Errors, err)
	}
	return joined.ErrorOrNil()
}

// joinAll makes the error of an OpenAll or CloseAll that came to nothing.
func joinAll(op Op, err error) error { return join([]*Error{newError(op, all, err)}) }

// Errors returns every *Error in what OpenAll, CloseAll or Report.Err has returned, in order, and none for nil.
func Errors(err error) (found []*Error) {
	if e, ok := err.(*Error); ok { //nolint:errorlint // each level by itself
		return []*Error{e}
	}
	for _, part := range guard.Causes(err) {
		found = append(found, Errors(part)...)
	}
	return found
}

// joinText is the text of what OpenAll, CloseAll and Report.Err return: one line, for a log that is read by lines.
func joinText(errs []error) string {
	return strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; ")
}

// An error's text is the last thing that leaves the program, whoever has written it. A backend must not put a secret
// into one; this is the second line of defence, for one that does.

// mostText is how many bytes of a cause are shown: with op, name and kind the text of an Error stays below 4 kB.
const mostText = 4000

// oneLine folds a text of several lines, as errors.Join makes it, cuts what is too long, and hides what stands before
// the @ of a URL: a resource should never show it, but a log is no place to find out that one does. It looks for the @
// in the whole word, however much of that is going to be shown. Other characters that cannot be printed become blanks:
// a terminal would obey them, or they end a line for somebody else's eyes.
func oneLine(text string) string {
	lines := strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(c rune) bool { return c == '\n' || c == '\r' })
	words := strings.FieldsFunc(strings.Join(lines, "; "), func(c rune) bool { return c == ' ' || !unicode.IsPrint(c) })
	for i, word := range words {
		scheme, rest, _ := strings.Cut(word, "://")
		if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			words[i] = scheme + "://***" + rest[at:]
		}
	}
	if text = strings.Join(words, " "); len(text) <= mostText {
		return text
	}
	return strings.ToValidUTF8(text[:mostText-len("...")], "") + "..." // between two characters
}

// cause is for contexts that somebody has ended with a reason. It returns the error of a context that is done, with its
// cause where that says more. No lock may be held: the context may be the program's own.
func cause(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// An error is code, too: its methods may panic, block, or call the registry, and they may say something else each time
// that they are asked. So what a resource returned is examined once, by the goroutine that the resource ran on, where
// it can do no harm: a panic there is contained, and one that blocks is a call that hangs. After that the registry, and
// whoever logs or marshals the error, gets the same kind and the same text without asking the resource's error again.

// examine makes an *Error of what a resource has returned, or nil of nil. It calls the methods of err and of all that
// it wraps. An error that would panic or never end in the hands of whoever looks for its cause is left out.
//
// What says canceled while nobody has cancelled was broken off by the driver itself, which has found out elsewhere that
// its server has gone, say. That can be tried again, and is no context.Canceled for whoever asks: a program that was
// not told to end must not end as if it had been.
func examine(ctx context.Context, op Op, name string, err error) error {
	if err == nil {
		return nil
	}
	if flaw := flawOf(err); flaw != "" {
		return &Error{op, name, KindPanic, errors.New("panic: returned " + flaw)}
	}
	e := newError(op, name, err)
	kind, cause, text := KindOf(e), e.Err, "no cause" // of an Error that a resource has made by itself
	if cause != nil {
		text = cmp.Or(oneLine(cause.Error()), "an error without a text")
	}
	if class := classOf(err); op == OpConfigure && (class == "" || class == KindUnknown) {
		kind = KindConfig // whatever Configure has met, it is about the configuration
	}
	if kind == KindCanceled && ctx.Err() == nil {
		kind, cause, text = KindUnreachable, nil, "broken off, and not by the caller: "+text
	}
	return &Error{op, name, kind, &marked{cause, kind, text}}
}

// flawOf describes what makes err unusable, or returns "". It calls every Unwrap, and lets the errors package call
// every Is and As, so that what panics or blocks does so here.
func flawOf(err error) string {
	wrapped := []error{err}
	for n := 0; n < len(wrapped); n++ {
		next := wrapped[n]
		switch {
		case isNil(next):
			return fmt.Sprintf("a nil %T as an error, or within one", next)
		case n == guard.MostWrapped:
			return fmt.Sprintf("a %T that wraps itself, or far too many others", err)
		}
		wrapped = append(wrapped, guard.Causes(next)...)
	}
	_ = errors.Is(err, probe{errors.New("probe")})
	_, _ = errors.AsType[probe](err)
	return ""
}

// probe is an error that no resource returns, for every Is and As in the tree to be asked for. It has a text, since an
// Is may compare texts.
type probe struct{ error }

// isNil reports whether v is nil, or nil inside, as a variable of a concrete type is that nothing was assigned to.
func isNil(v any) bool {
	nilable := []reflect.Kind{reflect.Invalid, reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan}
	value := reflect.ValueOf(v)
	return slices.Contains(nilable, value.Kind()) && (v == nil || value.IsNil())
}
