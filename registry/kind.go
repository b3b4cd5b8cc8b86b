package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// Kind says in one word what class of failure an error is: what to do about it, and whether to try again.
type Kind string

// The kinds of failure.
const (
	KindConfig      Kind = "config"      // the configuration is wrong; mend it and restart
	KindAuth        Kind = "auth"        // the credentials were refused
	KindPermission  Kind = "permission"  // authenticated, but not allowed
	KindTLS         Kind = "tls"         // no secure connection could be agreed on
	KindUnreachable Kind = "unreachable" // no connection: refused, reset, no route, no such host
	KindTimeout     Kind = "timeout"     // no answer in time
	KindHung        Kind = "hung"        // a call did not return when its context was done
	KindExhausted   Kind = "exhausted"   // the server has no connection to spare, or a quota is used up
	KindDegraded    Kind = "degraded"    // it serves, but slowly: all connections of its pool are in use
	KindLoading     Kind = "loading"     // the server is up and not ready to serve yet
	KindReadOnly    Kind = "read_only"   // the server takes no writes
	KindNotOpen     Kind = "not_open"    // before OpenAll or after CloseAll
	KindCanceled    Kind = "canceled"    // the caller gave up
	KindPanic       Kind = "panic"       // the resource's code panicked
	KindUnknown     Kind = "unknown"     // none of these
)

// Retryable says whether time may mend a failure of this kind: KindUnreachable, KindTimeout, KindLoading, KindExhausted
// and KindReadOnly. OpenAll tries these again, and no others.
func (k Kind) Retryable() bool {
	switch k {
	case KindUnreachable, KindTimeout, KindLoading, KindExhausted, KindReadOnly:
		return true
	default:
		return false
	}
}

// Classify marks err as a failure of kind k and leaves its text as it is. It is what a backend wraps its
// driver's errors with. A nil err stays nil.
func Classify(k Kind, err error) error {
	if err == nil {
		return nil
	}
	return &classified{k, err}
}

type classified struct {
	k   Kind
	err error
}

func (c *classified) Error() string { return c.err.Error() }
func (c *classified) Unwrap() error { return c.err }
func (c *classified) kind() Kind    { return c.k }

// KindOf returns the kind of err: the outermost that [Classify] or an [*Error] gives it (the first, in an
// aggregate), or else what the standard library's errors tell. It is "" for nil.
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

// classOf returns the kind that err was given, or "".
func classOf(err error) Kind {
	known, ok := errors.AsType[interface {
		error
		kind() Kind
	}](err)
	if !ok {
		return ""
	}
	return known.kind()
}

// standard is tried in this order: a time-out wins over the network error that reports it.
var standard = []struct {
	kind Kind
	has  func(error) bool
}{
	{KindNotOpen, isAny(ErrNotOpen)},
	{KindCanceled, isAny(context.Canceled)},
	{KindTimeout, isAny(context.DeadlineExceeded, os.ErrDeadlineExceeded, syscall.ETIMEDOUT)},
	{KindTimeout, isNetTimeout},
	{KindTLS, isCertificate},
	{KindUnreachable, isAny(io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNREFUSED, syscall.ECONNRESET,
		syscall.ECONNABORTED, syscall.EPIPE, syscall.EHOSTUNREACH, syscall.ENETUNREACH)},
	{KindUnreachable, isNetwork},
}

func isAny(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
}

func isNetTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// isCertificate knows the errors of crypto/x509 by the name that each begins with: to import the package would
// double what a program inherits from this one.
func isCertificate(err error) bool { return strings.Contains(fmt.Sprint(err), "x509: ") }

func isNetwork(err error) bool {
	_, op := errors.AsType[*net.OpError](err)
	_, dns := errors.AsType[*net.DNSError](err)
	return op || dns
}
