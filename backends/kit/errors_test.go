package kit_test

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
	"testing"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

func TestClassifySaysWhatIsWrongInItsOwnWords(t *testing.T) {
	dial := func(err error) error {
		return fmt.Errorf("driver: %w", &net.OpError{Op: "dial", Addr: &net.TCPAddr{Port: 1}, Err: err})
	}
	for _, test := range []struct {
		err  error
		kind registry.Kind
		text string
	}{
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), registry.KindUnreachable, "connection refused"},
		{dial(syscall.ENOENT), registry.KindUnreachable, "there is no such socket"},
		{&os.PathError{Op: "open", Path: "SECRET", Err: syscall.ENOENT}, registry.KindUnknown, "no such file or directory"},
		{dial(syscall.ECONNRESET), registry.KindUnreachable, "connection reset by peer"},
		{dial(syscall.ETIMEDOUT), registry.KindTimeout, "connection timed out"},
		{dial(os.ErrDeadlineExceeded), registry.KindTimeout, "no answer in time: context deadline exceeded"},
		{dial(&net.DNSError{Name: "SECRET", IsNotFound: true}), registry.KindUnreachable, "no such host"},
		{dial(&net.DNSError{Name: "SECRET", IsTimeout: true}), registry.KindTimeout, "the name server did not answer in time"},
		{dial(&net.DNSError{Name: "SECRET"}), registry.KindUnreachable, "the host name could not be looked up"},
		{dial(errors.New("SECRET")), registry.KindUnreachable, "the connection failed"},
		{context.DeadlineExceeded, registry.KindTimeout, "no answer in time: context deadline exceeded"},
		{fmt.Errorf("SECRET: %w", context.Canceled), registry.KindCanceled, "context canceled"},
		{io.EOF, registry.KindUnreachable, "the connection was closed"},
		{net.ErrClosed, registry.KindUnreachable, "the connection was closed"},
		{x509.UnknownAuthorityError{}, registry.KindTLS, "the server's certificate is signed by an unknown authority"},
		{x509.HostnameError{Certificate: new(x509.Certificate), Host: "SECRET"}, registry.KindTLS, "the server's certificate is for another host name"},
		{x509.CertificateInvalidError{Reason: x509.Expired}, registry.KindTLS, "the server's certificate has expired or is not valid yet"},
		{x509.CertificateInvalidError{Reason: x509.TooManyIntermediates}, registry.KindTLS, "the server's certificate is invalid (reason 3)"},
		{tls.RecordHeaderError{Msg: "SECRET"}, registry.KindTLS, "the server does not speak TLS on this port"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, registry.KindTLS, "the TLS handshake failed: tls: bad certificate"},
		{errors.New("SECRET"), registry.KindUnknown, "the driver failed with an error of type *errors.errorString"},
	} {
		got := kit.Classify(test.err)
		if got.Error() != test.text || registry.KindOf(got) != test.kind {
			t.Errorf("%v\ngot  %s: %v\nwant %s: %s", test.err, registry.KindOf(got), got, test.kind, test.text)
		}
	}
}

func TestClassifyFindsItsOwnErrorsAgainAndKeepsNoText(t *testing.T) {
	ours := kit.Errorf(registry.KindAuth, "access denied: %w", syscall.EACCES)
	got := kit.Classify(fmt.Errorf("driver: dial SECRET: %w", ours))
	if got.Error() != "access denied: permission denied" || registry.KindOf(got) != registry.KindAuth {
		t.Errorf("got %s: %v", registry.KindOf(got), got)
	}
	if !errors.Is(got, syscall.EACCES) {
		t.Error("the errno is lost")
	}
	if kit.Classify(nil) != nil {
		t.Error("nil is an error")
	}
}

func TestNoProblemsAreNoError(t *testing.T) {
	found := kit.Problems{nil}
	found.Add(false, "X_PORT: %s", "wrong")
	if err := found.Err(); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestEachProblemInAVariableIsNamedByIt(t *testing.T) {
	err := kit.In("X_URL", errors.Join(errors.New("one"), nil, errors.New("two")))
	if err == nil || err.Error() != "X_URL: one\nX_URL: two" {
		t.Errorf("got %v", err)
	}
	if kit.In("X_URL", nil) != nil {
		t.Error("nothing is a problem")
	}
}
