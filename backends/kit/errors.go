package kit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/vibework/mooring/registry"
)

// failure is an error in the backend's own words, whose kind is known.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// Errorf returns an error of kind k with this text, which may wrap one error that can be shown: it holds no secret,
// like an errno, or the error of a context. [Classify] finds it again inside of what a driver makes of it.
func Errorf(k registry.Kind, format string, args ...any) error {
	return failure{registry.Classify(k, fmt.Errorf(format, args...))}
}

// Problems are what is wrong with a configuration: all of it, since one who mends it wants to do so once.
type Problems []error

// Add adds a problem if wrong is true. Its text names the variable or the option, and quotes no value.
func (p *Problems) Add(wrong bool, format string, args ...any) {
	if wrong {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

// In returns err, which may be of several problems, with the name of the variable before each; and nil for nil.
func In(variable string, err error) error {
	if err == nil {
		return nil
	}
	return errors.New(variable + ": " + strings.ReplaceAll(err.Error(), "\n", "\n"+variable+": "))
}

// Err returns all problems as one error, and nil if there are none. A nil error among them is no problem.
func (p *Problems) Err() error { return errors.Join(*p...) }

// Classify returns what is to be shown for an error of a driver, the network, TLS or a context: its kind, and a text
// without a word of theirs, since they quote addresses, user names and now and then a password. What a server answered
// is for the backend to look up before, in a [Table]. It is nil for nil.
func Classify(err error) error {
	if err == nil {
		return nil
	}
	if ours, ok := errors.AsType[failure](err); ok {
		return ours
	}
	dns, isDNS := errors.AsType[*net.DNSError](err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	errno, isErrno := errors.AsType[syscall.Errno](err)
	network, isNetwork := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return Errorf(registry.KindCanceled, "%w", context.Canceled)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return Errorf(registry.KindTimeout, "no answer in time: %w", context.DeadlineExceeded)

	case isDNS && dns.IsTimeout:
		return Errorf(registry.KindTimeout, "the name server did not answer in time")
	case isDNS && dns.IsNotFound:
		return Errorf(registry.KindUnreachable, "no such host")
	case isDNS:
		return Errorf(registry.KindUnreachable, "the host name could not be looked up")

	case has[x509.UnknownAuthorityError](err):
		return Errorf(registry.KindTLS, "the server's certificate is signed by an unknown authority")
	case has[x509.HostnameError](err):
		return Errorf(registry.KindTLS, "the server's certificate is for another host name")
	case isInvalid && invalid.Reason == x509.Expired:
		return Errorf(registry.KindTLS, "the server's certificate has expired or is not valid yet")
	case isInvalid:
		return Errorf(registry.KindTLS, "the server's certificate is invalid (reason %d)", invalid.Reason)
	case isOp && (op.Op == "remote error" || op.Op == "local error"): // an alert of TLS
		return Errorf(registry.KindTLS, "the TLS handshake failed: %v", op.Err)
	case has[tls.RecordHeaderError](err):
		return Errorf(registry.KindTLS, "the server does not speak TLS on this port")

	case isErrno && isOp && errno == syscall.ENOENT:
		return Errorf(registry.KindUnreachable, "there is no such socket") // or not yet
	case isErrno:
		return Errorf(registry.KindOf(errno), "%w", errno)
	case isNetwork && network.Timeout():
		return Errorf(registry.KindTimeout, "no answer in time")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return Errorf(registry.KindUnreachable, "the connection was closed")
	case isOp:
		return Errorf(registry.KindUnreachable, "the connection failed")
	}
	return Errorf(registry.KindUnknown, "the driver failed with an error of type %T", err)
}

// has reports whether there is an E in err.
func has[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
