package registry_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestTheTextOfAnError(t *testing.T) {
	for _, test := range []struct {
		kind  registry.Kind
		cause error
		want  string
	}{
		{registry.KindAuth, errors.New("access denied (1045)"), "open mysql: auth: access denied (1045)"},
		{registry.KindUnknown, errors.New("odd"), "open mysql: odd"},
		{"", errors.New("odd"), "open mysql: odd"},
		{registry.KindTimeout, errors.New("timeout after 5s"), "open mysql: timeout after 5s"},
		{registry.KindTimeout, errors.New("a timeout"), "open mysql: timeout: a timeout"},
		{registry.KindNotOpen, registry.ErrNotOpen, "open mysql: not open"},
		{registry.KindReadOnly, errors.New("a replica"), "open mysql: read_only: a replica"},
		{registry.KindAuth, errors.New("first\nsecond\r\n\n  third\rfourth\n"), "open mysql: auth: first; second; third; fourth"},
		{registry.KindAuth, errors.New("a\x1b[2Jb\x00c\u2028d\ve\u0085f\u202eg\u00e4"), "open mysql: auth: a [2Jb c d e f g\u00e4"},
		{registry.KindAuth, errors.Join(errLost, errDenied), "open mysql: auth: two messages were lost; access denied"},
		{registry.KindAuth, nil, "open mysql: auth: <nil>"},
	} {
		err := &registry.Error{Op: registry.OpOpen, Name: "mysql", Kind: test.kind, Err: test.cause}
		if got := err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
		if !errors.Is(err, test.cause) && test.cause != nil {
			t.Errorf("%v does not wrap its cause", err)
		}
	}
}

func TestTheTextOfAnErrorHidesTheUserinfoOfURLs(t *testing.T) {
	for text, want := range map[string]string{
		"dial mysql://root:pw@db:3306/app":         "dial mysql://***@db:3306/app",
		"mysql://root:p@w@db, redis://:pw@cache:1": "mysql://***@db, redis://***@cache:1",
		`parse "mongodb://u:pw@h": bad`:            `parse "mongodb://***@h": bad`,
		"https://example.com/path is fine":         "https://example.com/path is fine",
		"mail a@b about http://host":               "mail a@b about http://host",
	} {
		err := &registry.Error{Op: registry.OpOpen, Name: "a", Err: errors.New(text)}
		if got := err.Error(); got != "open a: "+want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAnErrorInJSONShowsOpNameAndKind(t *testing.T) {
	err := &registry.Error{Op: registry.OpOpen, Name: "mysql", Kind: registry.KindAuth, Err: errDenied}
	const want = `{"op":"open","name":"mysql","kind":"auth"}`
	for _, value := range []any{err, *err} {
		if text, failed := json.Marshal(value); failed != nil || string(text) != want {
			t.Errorf("%s (%v), want %s", text, failed, want)
		}
	}
}

func TestTheTextOfAnAggregateIsOneLine(t *testing.T) {
	r := opened(t, &fake{name: "a", close: failing(errors.New("one\ntwo"))}, &fake{name: "b", close: failing(errRefused)})
	err := r.CloseAll(t.Context())
	if got := err.Error(); got != "close b: unreachable: connection refused; close a: one; two" {
		t.Error(got)
	}
}

// classifiedTwice has two kinds; the outer one counts.
var classifiedTwice = registry.Classify(registry.KindTLS, fmt.Errorf("outer: %w", errDenied))

func TestKindOf(t *testing.T) {
	openError := func(cause error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: cause} }
	for _, test := range []struct {
		err  error
		want registry.Kind
	}{
		{nil, ""},
		{errors.New("odd"), registry.KindUnknown},
		{errDenied, registry.KindAuth},
		{fmt.Errorf("wrapped: %w", errDenied), registry.KindAuth},
		{classifiedTwice, registry.KindTLS},
		{&registry.Error{Kind: registry.KindHung, Err: errDenied}, registry.KindHung},
		{errors.Join(errLost, errDenied, errRefused), registry.KindAuth},
		{registry.Classify(registry.KindAuth, context.Canceled), registry.KindAuth},
		{registry.ErrNotOpen, registry.KindNotOpen},
		{context.Canceled, registry.KindCanceled},
		{fmt.Errorf("query: %w", context.DeadlineExceeded), registry.KindTimeout},
		{os.ErrDeadlineExceeded, registry.KindTimeout},
		{syscall.ETIMEDOUT, registry.KindTimeout},
		{openError(os.ErrDeadlineExceeded), registry.KindTimeout},
		{&net.DNSError{IsTimeout: true}, registry.KindTimeout},
		{&net.DNSError{IsNotFound: true}, registry.KindUnreachable},
		{openError(syscall.ECONNREFUSED), registry.KindUnreachable},
		{syscall.ECONNRESET, registry.KindUnreachable},
		{syscall.EPIPE, registry.KindUnreachable},
		{syscall.EHOSTUNREACH, registry.KindUnreachable},
		{syscall.ENETUNREACH, registry.KindUnreachable},
		{io.EOF, registry.KindUnreachable},
		{io.ErrUnexpectedEOF, registry.KindUnreachable},
		{net.ErrClosed, registry.KindUnreachable},
		{openError(errors.New("odd")), registry.KindUnreachable},
		{openError(x509.UnknownAuthorityError{}), registry.KindTLS},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "db"}, registry.KindTLS},
		{x509.CertificateInvalidError{Reason: x509.Expired}, registry.KindTLS},
		{x509.SystemRootsError{Err: errRefused}, registry.KindUnreachable},
		{x509.SystemRootsError{Err: errors.New("none")}, registry.KindTLS},
	} {
		if got := registry.KindOf(test.err); got != test.want {
			t.Errorf("KindOf(%v) is %q, want %q", test.err, got, test.want)
		}
	}
}

func TestKindOfARefusedConnectionIsUnreachable(t *testing.T) {
	dialer := net.Dialer{Timeout: time.Second}
	_, err := dialer.DialContext(t.Context(), "tcp", "127.0.0.1:1")
	wantKind(t, err, registry.KindUnreachable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = dialer.DialContext(ctx, "tcp", "127.0.0.1:1")
	wantKind(t, err, registry.KindCanceled)
}

func TestClassifyKeepsTheTextAndTheCause(t *testing.T) {
	err := registry.Classify(registry.KindLoading, io.EOF)
	if err.Error() != "EOF" || !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
	if err := registry.Classify(registry.KindLoading, nil); err != nil {
		t.Errorf("of nil: %v", err)
	}
}

func TestAnErrorOfTheSameOperationIsNotWrappedTwice(t *testing.T) {
	own := &registry.Error{Op: registry.OpCheck, Name: "a", Kind: registry.KindAuth, Err: errDenied}
	r := opened(t, &fake{name: "a", check: inTurn(failing(own), failing(fmt.Errorf("primary: %w", own)))})
	if err := r.Check(t.Context(), "a").Err; err.Error() != "check a: auth: access denied" {
		t.Error(err)
	}
	if err := r.Check(t.Context(), "a").Err; err.Error() != "check a: auth: primary: check a: auth: access denied" {
		t.Error(err)
	}
	mustClose(t, r)
}

// A person who reads one of these should learn in one line what to do, or what has happened to what.
func TestErrorsThatPeopleSeeAreOnePlainLine(t *testing.T) {
	r := quiet(&fake{name: "mysql", configure: func() error { return errors.New("MYSQL_HOST: is not set") }})
	_, stranger := registry.GetFrom[*fake](r, "redis")
	_, mismatch := registry.GetFrom[unconfigured](r, "mysql")
	r2 := quiet(&fake{name: "mysql"})
	r2.SetOrder("mysq")
	for _, err := range []error{
		r.OpenAll(t.Context()), stranger, mismatch, r2.OpenAll(t.Context()), r.Check(t.Context(), "mysql").Err,
		r.Check(t.Context(), "redis").Err,
	} {
		text := err.Error()
		for _, bad := range []string{"\n", "failed to", "error occurred", "occurred:", "  ", "%!", "<nil>", "nil pointer"} {
			if strings.Contains(text, bad) {
				t.Errorf("%q contains %q", text, bad)
			}
		}
		if text[0] < 'a' || text[0] > 'z' || strings.HasSuffix(text, ".") {
			t.Errorf("%q is not in lower case, or ends with a full stop", text)
		}
	}
}

func TestTheTextOfAnErrorIsOnePrintableLineWhateverTheName(t *testing.T) {
	r := quiet(&fake{name: "a"})
	asked := "evil\nlevel=INFO\x1b[31m" + strings.Repeat("x", 10_000)
	if text := r.Check(t.Context(), asked).Err.Error(); strings.ContainsAny(text, "\n\x1b") || len(text) > 4096 {
		t.Errorf("%d bytes: %.100q", len(text), text)
	}
}
