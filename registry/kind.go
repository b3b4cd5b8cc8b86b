package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/vibework/mooring/registry/internal/flight"
	"github.com/vibework/mooring/registry/internal/guard"
)

// Kind says in one word what class of failure an error is: what to do about it, and whether to try again. Kinds are
// values of labels in metrics and of attributes in logs, and are what JSON shows of an error.
type Kind string

// The kinds of failure. [Kind.Advice] says what to do about each.
const (
	// KindConfig: the configuration is wrong. It is found before anything is opened, where that is possible.
	KindConfig Kind = "config"

	// KindAuth: the credentials were refused. They may be right and be those of another server.
	KindAuth Kind = "auth"

	// KindPermission: the server knows who asks, and does not allow it.
	KindPermission Kind = "permission"

	// KindTLS: no secure connection could be agreed on.
	KindTLS Kind = "tls"

	// KindUnreachable: no connection: refused, reset, no route, no such host.
	KindUnreachable Kind = "unreachable"

	// KindTimeout: no answer in time. The server may have got the question.
	KindTimeout Kind = "timeout"

	// KindHung: a method of the resource did not return when its context was done. The registry does not wait for it any
	// longer, and calls nothing of the resource that must not run beside it.
	KindHung Kind = "hung"

	// KindExhausted: the server has no connection to spare, a quota is used up, or the program's own pool has been empty
	// for so long that it will not recover.
	KindExhausted Kind = "exhausted"

	// KindDegraded: it serves, but slowly: all connections of its pool are in use. Also a required resource that is
	// degraded is a warning only.
	KindDegraded Kind = "degraded"

	// KindLoading: the server is up and not ready to serve yet.
	KindLoading Kind = "loading"

	// KindReadOnly: the server takes no writes, as it is with a replica, or for a while during a fail-over.
	KindReadOnly Kind = "read_only"

	// KindNotOpen: before OpenAll or after CloseAll, or when the resource is optional and has not opened.
	KindNotOpen Kind = "not_open"

	// KindCanceled: the caller gave up, and that says nothing about the resource. Where a resource says so by itself, it
	// is KindUnreachable.
	KindCanceled Kind = "canceled"

	// KindPanic: the resource's code panicked, ended its goroutine, or returned an error that nobody can use.
	KindPanic Kind = "panic"

	// KindUnknown: none of these, or nobody knows.
	KindUnknown Kind = "unknown"
)

// kindRow is what is known of a kind.
type kindRow struct {
	kind      Kind
	retryable bool   // time may mend it
	status    Status // of a required resource that has such a failure
	advice    string // what whoever is woken by it should do
}

// kinds is the one table of kinds: everything that is said of kinds, here and elsewhere, is read from it.
var kinds = []kindRow{
	{"", false, Pass, ""}, // no failure
	{KindConfig, false, Fail, "mend the variable that the error names, and restart"},
	{KindAuth, false, Fail, "compare the user and the password with those of the server"},
	{KindPermission, false, Fail, "grant the user what the error names"},
	{KindTLS, false, Fail, "compare the certificate, its authority and its names with what the TLS variables ask for"},
	{KindUnreachable, true, Fail, "see whether the server runs, and whether a network policy or a firewall is in between"},
	{KindTimeout, true, Fail, "see whether the server or the network is overloaded"},
	{KindHung, false, Fail, "see what the program's goroutines wait for; only a restart frees a call that never returns"},
	{KindExhausted, true, Fail, "see who holds the connections; raise the server's limit or lower the pools' sizes"},
	{KindDegraded, false, Warn, "see what holds the connections of the pool; raise its size if that is how it should be"},
	{KindLoading, true, Fail, "wait until the server has loaded its data"},
	{KindReadOnly, true, Fail, "see whether a fail-over is under way, and whether the address is the primary's"},
	{KindNotOpen, false, Fail, "see the reason behind it: OpenAll has not succeeded, or CloseAll was called"},
	{KindCanceled, false, Fail, "nothing: the caller gave up"},
	{KindPanic, false, Fail, "mend the code at the place that the error names"},
	{KindUnknown, false, Fail, "read the error; a backend could say more about it"},
}

// Kinds returns every kind that this package knows, for documents and for tests that nothing is left out. A program may
// meet others, which a backend has made up: they are final failures.
func Kinds() (all []Kind) {
	for _, row := range kinds[1:] {
		all = append(all, row.kind)
	}
	return all
}

// row returns what is known of k. A kind that is not in the table is a final failure.
func (k Kind) row() kindRow {
	if i := slices.IndexFunc(kinds, func(row kindRow) bool { return row.kind == k }); i >= 0 {
		return kinds[i]
	}
	return kindRow{kind: k, status: Fail}
}

// Retryable reports whether time may mend a failure of this kind: KindUnreachable, KindTimeout, KindLoading,
// KindExhausted and KindReadOnly. OpenAll tries these again, and no others.
func (k Kind) Retryable() bool { return k.row().retryable }

// Status returns the status of a required resource with a failure of this kind: Warn for KindDegraded, Pass for "",
// which is no failure, and Fail for all others.
func (k Kind) Status() Status { return k.row().status }

// Advice returns what to do about a failure of this kind, as one clause; "" for a kind that this package does not
// know.
func (k Kind) Advice() string { return k.row().advice }

// Classify marks err as a failure of kind k and leaves its text as it is. It is what a backend wraps its
// driver's errors with. A nil err stays nil. The outermost mark counts: whoever knows more marks the error again.
func Classify(k Kind, err error) error {
	if err == nil {
		return nil
	}
	return &marked{err: err, k: k}
}

// marked is an error whose kind is known. It has no text of its own, so that marking an error twice shows once, unless
// an examination has read the text: nobody calls a method of err for it again.
type marked struct {
	err  error
	k    Kind
	text string
}

func (m *marked) Unwrap() error { return m.err }
func (m *marked) kind() Kind    { return m.k }

func (m *marked) Error() string {
	if m.text != "" {
		return m.text
	}
	return m.err.Error()
}

// KindOf works for any error, also one that a program got from a handle. It returns the kind of err: the outermost that
// [Classify] or an [*Error] gives it (the first, in an aggregate), or else what the standard library's errors tell. It
// is "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if kind := classOf(err); kind != "" {
		return kind
	}
	for _, class := range standard {
		if class.has(err) {
			return class.kind
		}
	}
	return KindUnknown
}

// classOf returns the kind that err was given, by Classify, by an Error or by an examination, or "".
func classOf(err error) Kind {
	var known interface{ kind() Kind }
	if errors.As(err, &known) {
		return known.kind()
	}
	return ""
}

// standard is tried in this order: a time-out wins over the network error that reports it, and what the registry itself
// has found out wins over what it wraps.
var standard = []struct {
	kind Kind
	has  func(error) bool
}{
	{KindPanic, isA[*guard.PanicError]},
	{KindHung, isAny(flight.ErrHung)},
	{KindNotOpen, isAny(ErrNotOpen)},
	{KindCanceled, isAny(context.Canceled)},
	{KindTimeout, isAny(context.DeadlineExceeded, os.ErrDeadlineExceeded, syscall.ETIMEDOUT)},
	{KindTimeout, isNetTimeout},
	{KindTLS, isCertificate},
	{KindUnreachable, isAny(io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNREFUSED, syscall.ECONNRESET,
		syscall.ECONNABORTED, syscall.EPIPE, syscall.EHOSTUNREACH, syscall.ENETUNREACH)},
	{KindUnreachable, isA[*net.OpError]},
	{KindUnreachable, isA[*net.DNSError]},
}

// isA reports whether err is an E, or wraps one.
func isA[E error](err error) bool {
	_, found := errors.AsType[E](err)
	return found
}

// isAny returns a function that reports whether an error is one of the targets, or wraps one.
func isAny(targets ...error) func(error) bool {
	return func(err error) bool {
		return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
	}
}

// isNetTimeout knows the time-outs of connections and of drivers, of which many implement net.Error.
func isNetTimeout(err error) bool {
	timeout, found := errors.AsType[net.Error](err)
	return found && timeout.Timeout()
}

// isCertificate knows the errors of crypto/x509 by the name that each begins with: to import the package would
// double what a program inherits from this one.
func isCertificate(err error) bool { return strings.Contains(fmt.Sprint(err), "x509: ") }
