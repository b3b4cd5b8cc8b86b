// Package fault says what went wrong on the way to a server, without a word of what a driver or the network
// made of it: their texts hold addresses, user names and now and then a password.
package fault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/vibework/mooring/registry"
)

// Error is a failure in words of our own. It unwraps to what it was made of if that can be shown: an errno, or
// the error of a context.
type Error struct {
	kind  registry.Kind
	text  string
	cause error
}

func (e *Error) Error() string { return e.text }

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// New returns an error of kind k with this text, which may wrap one error that can be shown.
func New(k registry.Kind, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return registry.Classify(k, &Error{k, err.Error(), errors.Unwrap(err)})
}

// Exhausted says that a pool is full. All of its Max connections are in use.
func Exhausted(pool registry.PoolStats) error {
	waits := ""
	if pool.WaitCount > 0 {
		waits = fmt.Sprintf(" (waits: %d)", pool.WaitCount)
	}
	return New(registry.KindExhausted, "all %d connections of the pool are in use%s", pool.Max, waits)
}

// From returns the classified error for what a driver, the network or TLS returned, nil for nil. What this
// package has made is found again inside of what a driver made of it.
func From(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return registry.Classify(e.kind, e)
	}
	for _, known := range []func(error) error{ended, lookup, certificate, handshake, network} {
		if fault := known(err); fault != nil {
			return fault
		}
	}
	return New(registry.KindUnknown, "the driver failed with an error of type %T", err)
}

// ended recognizes the end of a context or a deadline.
func ended(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return New(registry.KindCanceled, "%w", context.Canceled)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return New(registry.KindTimeout, "no answer in time: %w", context.DeadlineExceeded)
	}
	return nil
}

func lookup(err error) error {
	dns, ok := errors.AsType[*net.DNSError](err)
	switch {
	case !ok:
		return nil
	case dns.IsTimeout:
		return New(registry.KindTimeout, "the name server did not answer in time")
	case dns.IsNotFound:
		return New(registry.KindUnreachable, "no such host")
	default:
		return New(registry.KindUnreachable, "the host name could not be looked up")
	}
}

func certificate(err error) error {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return New(registry.KindTLS, "the server's certificate is signed by an unknown authority")
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return New(registry.KindTLS, "the server's certificate is for another host name")
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return New(registry.KindTLS, "the server's certificate has expired or is not valid yet")
		}
		return New(registry.KindTLS, "the server's certificate is invalid (reason %d)", invalid.Reason)
	}
	return nil
}

// handshake recognizes a TLS alert, which crypto/tls reports as a network error, and the lack of TLS.
func handshake(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return New(registry.KindTLS, "the TLS handshake failed: %v", op.Err)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return New(registry.KindTLS, "the server does not speak TLS on this port")
	}
	return nil
}

// network recognizes a connection that was refused, timed out or broke.
func network(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return New(registry.KindOf(errno), "%w", errno)
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return New(registry.KindTimeout, "no answer in time")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return New(registry.KindUnreachable, "the connection was closed")
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return New(registry.KindUnreachable, "the connection failed")
	}
	return nil
}
