package registrytest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/vibework/mooring/registry"
)

const secretRule = "nothing shows the secret"

// secretFlaws change nothing but what a resource shows, so that no other rule has to be asked.
var secretFlaws = []flaw{
	{
		secretRule, "the resource prints its bytes as a text only",
		"a resource before Open shows it as %s: ",
		func(_ *testing.T, f *fake) registry.Resource {
			return &struct {
				*flawed
				password []byte
			}{&flawed{fake: f}, []byte(password)}
		},
	},
	{
		secretRule, "the resource prints it after Close",
		"a resource after Close shows it as %v: ",
		func(_ *testing.T, f *fake) registry.Resource {
			var closed atomic.Bool
			res := &flawed{fake: f, close: afterGoodbye(f, func() { closed.Store(true) })}
			return &printing{res, halfIf(&closed)}
		},
	},
	{
		secretRule, "the resource prints it after a refused Open",
		"a resource after an Open that failed shows it as %v: ",
		func(_ *testing.T, f *fake) registry.Resource {
			var failed atomic.Bool
			res := &flawed{fake: f, open: after(f.Open, syscall.ECONNREFUSED, func() { failed.Store(true) })}
			return &printing{res, halfIf(&failed)}
		},
	},
	{
		secretRule, "the resource prints it after an Open of a server of another kind",
		"a resource after an Open that failed shows it as %v: ",
		func(_ *testing.T, f *fake) registry.Resource {
			var failed atomic.Bool
			res := &flawed{fake: f, open: afterStrange(f, func() { failed.Store(true) })}
			return &printing{res, halfIf(&failed)}
		},
	},
	{
		secretRule, "printing the resource takes for ever",
		"printing a resource before Open has not returned 2s after its context was done",
		func(t *testing.T, f *fake) registry.Resource {
			return &printing{&flawed{fake: f}, func() string {
				<-t.Context().Done()
				return ""
			}}
		},
	},
	{
		secretRule, "marshalling the resource panics",
		"printing a resource before Open panicked: no JSON",
		func(_ *testing.T, f *fake) registry.Resource {
			return &marshalling{&flawed{fake: f}, func() ([]byte, error) { panic("no JSON") }}
		},
	},
	{
		secretRule, "Open logs it with log/slog",
		"a log shows it: ",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: func(ctx context.Context) error {
				slog.Default().With("client", f.addr).WithGroup("open").Debug("opening", "password", half)
				return f.Open(ctx)
			}}
		},
	},
	{
		secretRule, "Open logs it with package log",
		"a log shows it: ",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: func(ctx context.Context) error {
				log.Print("opening with ", half)
				return f.Open(ctx)
			}}
		},
	},
	{
		secretRule, "New logs it",
		"a log shows it: ",
		func(_ *testing.T, f *fake) registry.Resource {
			slog.Debug("a new client", "password", half)
			return f
		},
	},
	refusedAs("%+v", func(err error) error { return &atVerb{err, "%+v"} }),
	refusedAs("%#v", func(err error) error { return &inGo{err} }),
	refusedAs("%s", func(err error) error { return &atVerb{err, "%s"} }),
	refusedAs("%q", func(err error) error { return &atVerb{err, "%q"} }),
	refusedAs("%d", func(err error) error { return &atVerb{err, "%d"} }),
	refusedAs("JSON", func(err error) error { return &inJSON{err} }),
	refusedAs("slog text", func(err error) error { return &inLogs{err} }),
}

// refusedAs is the flaw of an Open that shows half of the password when its error is printed in one way.
func refusedAs(how string, show func(error) error) flaw {
	return flaw{
		secretRule, "the error of a refused Open does, as " + how + " only",
		"the error of Open shows it as " + how + ": ",
		func(_ *testing.T, f *fake) registry.Resource {
			return &flawed{fake: f, open: func(ctx context.Context) error {
				err := f.Open(ctx)
				if errors.Is(err, syscall.ECONNREFUSED) {
					return show(err)
				}
				return err
			}}
		},
	}
}

const half = "ZQXVK" // of the password

// halfIf is half of the password once it is on.
func halfIf(on *atomic.Bool) func() string {
	return func() string {
		if on.Load() {
			return half
		}
		return "a fake"
	}
}

// printing is a resource with a String of its own.
type printing struct {
	*flawed
	text func() string
}

func (p *printing) String() string { return p.text() }

// marshalling is a resource with a MarshalJSON of its own.
type marshalling struct {
	*flawed
	encode func() ([]byte, error)
}

func (m *marshalling) MarshalJSON() ([]byte, error) { return m.encode() }

// Errors that show half of the password when they are printed in one way.
type (
	atVerb struct {
		error
		verb string
	}
	inGo   struct{ error }
	inJSON struct{ error }
	inLogs struct{ error }
)

func (e *atVerb) Format(s fmt.State, verb rune) {
	text := e.Error()
	if fmt.FormatString(s, verb) == e.verb {
		text = half
	}
	_, _ = io.WriteString(s, text)
}

func (e *inGo) GoString() string { return half }

func (e *inJSON) MarshalJSON() ([]byte, error) { return json.Marshal(half) }

func (e *inLogs) LogValue() slog.Value { return slog.StringValue(half) }

func (e *atVerb) Unwrap() error { return e.error }
func (e *inGo) Unwrap() error   { return e.error }
func (e *inJSON) Unwrap() error { return e.error }
func (e *inLogs) Unwrap() error { return e.error }
