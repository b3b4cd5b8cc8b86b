package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-multierror"

	"github.com/vibework/mooring/registry"
)

// manyErrors is an error that may be nil without being a pointer.
type manyErrors []error

func (m manyErrors) Error() string { return m[0].Error() }

// hostileError is an error whose methods do as a test says.
type hostileError struct {
	text   func() string
	is     func() bool
	as     func() bool
	unwrap func() error
}

func (h *hostileError) Error() string {
	if h.text == nil {
		return "hostile"
	}
	return h.text()
}

func (h *hostileError) Is(error) bool { return h.is != nil && h.is() }
func (h *hostileError) As(any) bool   { return h.as != nil && h.as() }

func (h *hostileError) Unwrap() error {
	if h.unwrap == nil {
		return nil
	}
	return h.unwrap()
}

// hostile returns an error for each method that the errors package may call; each calls f.
func hostile(f func()) map[string]error {
	inner := &hostileError{is: func() bool { f(); return false }}
	return map[string]error{
		"Error":          &hostileError{text: func() string { f(); return "late" }},
		"Is":             inner,
		"As":             &hostileError{as: func() bool { f(); return false }},
		"Unwrap":         &hostileError{unwrap: func() error { f(); return nil }},
		"Is of a cause":  registry.Classify(registry.KindAuth, fmt.Errorf("outer: %w", inner)),
		"Is of a second": errors.Join(errDenied, inner),
	}
}

// everywhere has each method of a resource return err, and gives use what the registry makes of that.
func everywhere(t *testing.T, err error, use func(t *testing.T, op registry.Op, got error)) {
	t.Helper()
	fail := failing(err)
	try := func(op registry.Op, res *fake, get func(t *testing.T, r *registry.Registry) error) {
		t.Run(string(op), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := quiet(res)
				r.Register(&fake{name: "b"})
				got := get(t, r)
				if cause, ok := errors.AsType[*registry.Error](got); !ok || cause.Op != op || cause.Name != "a" {
					t.Fatalf("%v is a %T", got, got)
				}
				use(t, op, got)
				mustClose(t, r)
			})
		})
	}
	try(registry.OpConfigure, &fake{name: "a", configure: func() error { return err }}, func(t *testing.T, r *registry.Registry) error {
		return causes(t, r.OpenAll(t.Context()))[0]
	})
	try(registry.OpOpen, &fake{name: "a", open: fail}, func(t *testing.T, r *registry.Registry) error {
		return causes(t, r.OpenAll(t.Context()))[0]
	})
	try(registry.OpCheck, &fake{name: "a", check: fail}, func(t *testing.T, r *registry.Registry) error {
		mustOpen(t, r)
		return r.CheckAll(t.Context()).Results[0].Err
	})
	try(registry.OpClose, &fake{name: "a", close: fail}, func(t *testing.T, r *registry.Registry) error {
		mustOpen(t, r)
		return causes(t, r.CloseAll(t.Context()))[0]
	})
}

func TestATypedNilIsAPanicOfTheResource(t *testing.T) {
	var op *net.OpError
	for _, test := range []struct {
		err  error
		want string
	}{
		{op, "returned a nil *net.OpError as an error, or within one"},
		{(*registry.Error)(nil), "returned a nil *registry.Error as an error, or within one"},
		{(*multierror.Error)(nil), "returned a nil *multierror.Error as an error, or within one"},
		{manyErrors(nil), "returned a nil registry_test.manyErrors as an error, or within one"},
		{fmt.Errorf("dial: %w", op), "returned a nil *net.OpError as an error, or within one"},
		{registry.Classify(registry.KindAuth, op), "returned a nil *net.OpError as an error, or within one"},
		{errors.Join(errLost, op), "returned a nil *net.OpError as an error, or within one"},
	} {
		t.Run(fmt.Sprintf("%T", test.err), func(t *testing.T) {
			everywhere(t, test.err, func(t *testing.T, op registry.Op, err error) {
				wantKind(t, err, registry.KindPanic)
				if want := fmt.Sprintf("%s a: panic: %s", op, test.want); err.Error() != want {
					t.Errorf("%q, want %q", err, want)
				}
			})
		})
	}
}

func TestATypedNilInTheBackgroundIsAPanicOfTheResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet(&fake{name: "a", open: inTurn(failing(errRefused), failing((*net.OpError)(nil)))})
		r.SetOptional("a")
		mustOpen(t, r)
		<-time.After(time.Second)
		if got, want := r.Check(t.Context(), "a").Err.Error(), "returned a nil *net.OpError as an error, or within one"; !strings.HasSuffix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		mustClose(t, r)
	})
}

func TestACloseThatReturnsATypedNilLeavesNothingOpen(t *testing.T) {
	var calls journal
	r := opened(t, &fake{name: "a", calls: &calls}, &fake{name: "b", close: failing((*net.OpError)(nil))})
	calls.take()
	wantKind(t, r.CloseAll(t.Context()), registry.KindPanic)
	calls.want(t, "close a")
}

// sameText is an error that knows others by their texts.
type sameText string

func (e sameText) Error() string        { return string(e) }
func (e sameText) Is(target error) bool { return target.Error() == string(e) }

func TestAnErrorMayCompareTexts(t *testing.T) {
	everywhere(t, registry.Classify(registry.KindAuth, sameText("sold out")), func(t *testing.T, _ registry.Op, got error) {
		wantKind(t, got, registry.KindAuth)
		if !errors.Is(got, errors.New("sold out")) {
			t.Errorf("%v is not known by its text", got)
		}
	})
}

func TestAnErrorWhoseMethodsPanicIsAPanicOfTheResource(t *testing.T) {
	for _, value := range []any{"boom", &hostileError{text: func() string { panic("again") }}} {
		for method, err := range hostile(func() { panic(value) }) {
			t.Run(method, func(t *testing.T) {
				everywhere(t, err, func(t *testing.T, _ registry.Op, got error) {
					wantKind(t, got, registry.KindPanic)
					if errors.Is(got, context.Canceled) || !strings.Contains(got.Error(), "panic: ") {
						t.Errorf("%q", got)
					}
				})
			})
		}
	}
}

func TestAnErrorWhoseMethodsEndTheGoroutineIsAPanicOfTheResource(t *testing.T) {
	for method, err := range hostile(runtime.Goexit) {
		t.Run(method, func(t *testing.T) {
			everywhere(t, err, func(t *testing.T, _ registry.Op, got error) {
				wantKind(t, got, registry.KindPanic)
				if errors.Is(got, context.Canceled) || !strings.Contains(got.Error(), "panic: runtime.Goexit was called") {
					t.Errorf("%q", got)
				}
			})
		})
	}
}

func TestAPanicWithAValueThatCannotBePrintedIsContained(t *testing.T) {
	for what, value := range map[string]error{
		"panics": &hostileError{text: func() string { panic(&hostileError{text: func() string { panic("again") }}) }},
		"exits":  &hostileError{text: func() string { runtime.Goexit(); return "" }},
	} {
		t.Run(what, func(t *testing.T) {
			r := opened(t, &fake{name: "a", check: func(context.Context) error { panic(value) }})
			wantKind(t, r.CheckAll(t.Context()).Err(), registry.KindPanic)
			mustClose(t, r)
		})
	}
}

func TestAnErrorWhoseMethodsBlockIsACallThatHangs(t *testing.T) {
	for method := range hostile(nil) {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hung := newValve()
				defer hung.release()
				err := hostile(func() { <-hung })[method]
				r := opened(t, &fake{name: "a", check: failing(err)}, &fake{name: "b", close: failing(err)}, &fake{name: "c"})
				r.Register(&fake{name: "d", open: failing(err)})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				results := r.CheckAll(ctx).Results
				tookAtMost(t, start, time.Second)
				wantKind(t, results[0].Err, registry.KindTimeout)
				wantKind(t, results[2].Err, "")
				wantKind(t, r.Check(t.Context(), "a").Err, registry.KindHung)
				wantKind(t, r.OpenAll(t.Context()), registry.KindHung)
				wantKind(t, r.CloseAll(t.Context()), registry.KindHung)
			})
		})
	}
}

func TestAnErrorWhoseMethodsUseTheRegistryDoesNotLockItUp(t *testing.T) {
	for method := range hostile(nil) {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r *registry.Registry
				use := func() {
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
					defer cancel()
					r.CheckAll(ctx)
					r.Check(ctx, "a")
					_ = r.OpenAll(ctx)
					r.Unregister("a")
					r.Names()
				}
				fail := failing(hostile(use)[method])
				r = quiet(&fake{name: "a", open: inTurn(fail, failing(nil)), check: fail, close: fail}, &fake{name: "b"})
				wantFailed := func(err error) {
					t.Helper()
					if kind := registry.KindOf(err); kind != registry.KindUnknown && kind != registry.KindAuth {
						t.Errorf("%v is of kind %q", err, kind)
					}
				}
				wantFailed(r.OpenAll(t.Context()))
				mustOpen(t, r)
				wantFailed(r.CheckAll(t.Context()).Err())
				wantFailed(r.CloseAll(t.Context()))
			})
		})
	}
}

func TestAnErrorThatWrapsItselfIsAPanicOfTheResource(t *testing.T) {
	circle := new(net.OpError)
	circle.Err = circle // its Error never ends, either
	var twice manyCauses
	twice = append(twice, &twice, &twice)
	var endless hostileError
	endless.unwrap = func() error { return &hostileError{unwrap: endless.unwrap} }
	for _, err := range []error{circle, &twice, &endless, fmt.Errorf("outer: %w", &endless)} {
		t.Run(fmt.Sprintf("%T", err), func(t *testing.T) {
			everywhere(t, err, func(t *testing.T, _ registry.Op, got error) {
				wantKind(t, got, registry.KindPanic)
				if errors.Is(got, context.Canceled) || !strings.Contains(got.Error(), "that wraps itself") {
					t.Errorf("%q", got)
				}
			})
		})
	}
}

type manyCauses []error

func (*manyCauses) Error() string     { return "many" }
func (m *manyCauses) Unwrap() []error { return *m }

func TestTheTextOfAnErrorIsKnownWhenItIsReported(t *testing.T) {
	var reported atomic.Bool
	err := &hostileError{text: func() string {
		if reported.Load() {
			panic("it is read again")
		}
		return "read"
	}}
	everywhere(t, err, func(t *testing.T, op registry.Op, got error) {
		reported.Store(true)
		defer reported.Store(false)
		for range 2 {
			if !strings.Contains(got.Error(), "read") || strings.Contains(got.Error(), "again") {
				t.Errorf("%q", got)
			}
		}
		_ = registry.KindOf(got)
	})
}

func TestNoMethodOfAnErrorRunsForWhoAsksLater(t *testing.T) {
	reported := false
	err := &hostileError{is: func() bool {
		if reported {
			panic("it is looked at again")
		}
		return false
	}}
	r := opened(t, &fake{name: "a", check: failing(err)})
	r.CheckAll(t.Context())
	reported = true
	if rep := r.Last(); rep.Status() != registry.Fail {
		t.Errorf("got %v", rep)
	}
	mustClose(t, r)
}

func TestTheCauseOfAnErrorCanBeFound(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	everywhere(t, fmt.Errorf("outer: %w", refused), func(t *testing.T, _ registry.Op, err error) {
		if found, ok := errors.AsType[*net.OpError](err); !ok || found != refused || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%v does not wrap its cause", err)
		}
	})
}

func TestALongTextOfAnErrorIsCut(t *testing.T) {
	const secret = "hunter2"
	for text, isCut := range map[string]bool{
		strings.Repeat("a://", 75_000):                                                         true,
		strings.Repeat("a://"+secret+"@", 30_000):                                              false, // all but the last @ belongs to the userinfo
		strings.Repeat("a://"+secret+"@b ", 30_000):                                            true,
		strings.Repeat("x", 3_990) + " mysql://root:" + strings.Repeat(secret, 30_000) + "@db": true,
		strings.Repeat("line\n", 60_000):                                                       true,
		strings.Repeat("\u00e4", 150_000):                                                      true,
	} {
		everywhere(t, errors.New(text), func(t *testing.T, _ registry.Op, err error) {
			got := err.Error()
			if len(got) > 4096 || isCut && (len(got) < 3900 || !strings.HasSuffix(got, "...")) || !utf8.ValidString(got) {
				t.Errorf("%d bytes: %.100s ... %s", len(got), got, got[max(0, len(got)-100):])
			}
			for i := range len(secret) - 3 {
				if strings.Contains(got, secret[i:i+4]) {
					t.Fatalf("it shows %q", secret[i:i+4])
				}
			}
		})
	}
}

func TestAnErrorThatAResourceHasMadeItselfHasAKind(t *testing.T) {
	for _, op := range []registry.Op{registry.OpConfigure, registry.OpOpen, registry.OpCheck, registry.OpClose} {
		own := &registry.Error{Op: op, Name: "a", Err: errLost}
		everywhere(t, own, func(t *testing.T, _ registry.Op, err error) {
			if got, _ := errors.AsType[*registry.Error](err); got.Kind != registry.KindOf(got) {
				t.Errorf("%v is of kind %q, want %q", got, got.Kind, registry.KindOf(got))
			}
		})
	}
}
