package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	driver "cloud.google.com/go/pubsub/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/registry"
)

func TestEveryAnswerHasAKindAndAnHonestText(t *testing.T) {
	const dialling = `connection error: desc = "transport: Error while dialing: dial tcp 10.9.8.7:443: SECRET: `
	const handshake = `connection error: desc = "transport: authentication handshake failed: `
	const noToken = "transport: per-RPC creds failed due to error: "
	for _, test := range []struct {
		code    codes.Code
		message string
		kind    registry.Kind
		text    string
	}{
		{codes.Unauthenticated, "Request had invalid authentication credentials. SECRET", registry.KindAuth, "the credentials were refused (Unauthenticated): renew those of PUBSUB_CREDENTIALS_FILE, or the machine's"},
		{codes.PermissionDenied, "User SECRET not authorized to perform this action.", registry.KindPermission, "the credentials may not do this (PermissionDenied)"},
		{codes.PermissionDenied, "unexpected HTTP status code received from server: 403 (SECRET)", registry.KindPermission, "the service refuses this caller (PermissionDenied)"},
		{codes.NotFound, "Resource not found (resource=SECRET).", registry.KindConfig, "there is no such topic, subscription or project (NotFound)"},
		{codes.NotFound, "Requested project not found or SECRET", registry.KindConfig, "there is no such project, or the credentials have no access to it (NotFound): PUBSUB_PROJECT_ID wants its id, not its display name"},
		{codes.InvalidArgument, "You have passed an invalid argument SECRET", registry.KindConfig, "a name or a value is refused (InvalidArgument)"},
		{codes.FailedPrecondition, "Subscription SECRET is detached.", registry.KindConfig, "the state of the topic or subscription forbids it (FailedPrecondition): it may be detached, pushed to an endpoint, or encrypted with a key that is off"},
		{codes.ResourceExhausted, "Quota exceeded SECRET", registry.KindExhausted, "a quota is used up (ResourceExhausted)"},
		{codes.DeadlineExceeded, "context deadline exceeded while waiting", registry.KindTimeout, "no answer in time: context deadline exceeded"},
		{codes.Canceled, "context canceled", registry.KindCanceled, "context canceled"},
		{codes.Canceled, "grpc: the client connection is closing", registry.KindNotOpen, "not open: it was closed"},
		{codes.Canceled, "SECRET", registry.KindUnreachable, "the service has had a failure of its own (Canceled)"},
		{codes.Internal, "SECRET", registry.KindUnreachable, "the service has had a failure of its own (Internal)"},
		{codes.Aborted, "SECRET", registry.KindUnreachable, "the service has had a failure of its own (Aborted)"},
		{codes.Unknown, "SECRET", registry.KindUnreachable, "the service has had a failure of its own (Unknown)"},
		{codes.Internal, "grpc: error while marshaling: string field contains invalid UTF-8", registry.KindUnknown, "a string of the message is not UTF-8 (Internal)"},
		{codes.Unimplemented, "unknown service google.pubsub.v1.Publisher", registry.KindConfig, "the server does not speak Pub/Sub (Unimplemented)"},
		{codes.Code(99), "SECRET", registry.KindUnknown, "the service answered with the error Code(99)"},
		{codes.Unavailable, "SECRET", registry.KindUnreachable, "the service is unavailable (Unavailable)"},
		{codes.Unavailable, dialling + `connect: connection refused"`, registry.KindUnreachable, "connection refused"},
		{codes.Unavailable, `connection error: desc = "transport: Error while dialing: failed to do connect handshake, response: \"HTTP/1.1 407 SECRET EOF`, registry.KindUnreachable, "the proxy of HTTPS_PROXY lets nobody through"},
		{codes.Unavailable, dialling + `connect: no route to host"`, registry.KindUnreachable, "no route to host"},
		{codes.Unavailable, dialling + `lookup SECRET: no such host"`, registry.KindUnreachable, "no such host"},
		{codes.Unavailable, dialling + `i/o timeout"`, registry.KindTimeout, "no answer in time"},
		{codes.Unavailable, "error reading from server: read tcp: connection reset by peer", registry.KindUnreachable, "connection reset by peer"},
		{codes.Unavailable, "error reading from server: EOF", registry.KindUnreachable, "the connection was closed"},
		{codes.Unavailable, handshake + `context deadline exceeded"`, registry.KindTimeout, "no answer in time"},
		{codes.Unavailable, handshake + `EOF"`, registry.KindUnreachable, "the connection was closed"},
		{codes.Unavailable, handshake + `tls: first record does not look like a TLS handshake"`, registry.KindTLS, "the server does not speak TLS on this port"},
		{codes.Unavailable, handshake + `tls: failed to verify certificate: x509: certificate signed by unknown authority"`, registry.KindTLS, "the server's certificate is signed by an unknown authority"},
		{codes.Unavailable, handshake + `tls: failed to verify certificate: x509: certificate is valid for SECRET, not x"`, registry.KindTLS, "the server's certificate is for another host name"},
		{codes.Unavailable, handshake + `tls: failed to verify certificate: x509: certificate has expired or is not yet valid"`, registry.KindTLS, "the server's certificate has expired or is not valid yet"},
		{codes.Unavailable, handshake + `remote error: tls: handshake failure"`, registry.KindTLS, "the TLS handshake failed"},
		{codes.Unauthenticated, noToken + "credentials: status code 400: SECRET", registry.KindAuth, "no access token: the credentials of PUBSUB_CREDENTIALS_FILE, or the machine's, were refused or are unusable"},
		{codes.Unauthenticated, noToken + "credentials: status code 503: SECRET", registry.KindUnreachable, "no access token: its server cannot be reached or is unwell"},
		{codes.Unauthenticated, noToken + "Post SECRET: dial tcp 10.9.8.7:443: connect: connection refused", registry.KindUnreachable, "no access token: its server cannot be reached or is unwell"},
		{codes.Unauthenticated, noToken + "credentials: status code 429: SECRET", registry.KindUnreachable, "no access token: its server cannot be reached or is unwell"},
		{codes.Unauthenticated, noToken + "Post SECRET: http2: client connection lost", registry.KindUnreachable, "no access token: its server cannot be reached or is unwell"},
		{codes.Unauthenticated, noToken + "Post SECRET: net/http: TLS handshake timeout", registry.KindTimeout, "no access token: its server did not answer in time"},
		{codes.Unauthenticated, noToken + "Post SECRET: tls: failed to verify certificate: x509: certificate signed by unknown authority", registry.KindTLS, "no access token: its server's certificate is not trusted: the machine may lack authorities, or a proxy has its own"},
		{codes.Unauthenticated, noToken + "Post SECRET: context deadline exceeded", registry.KindTimeout, "no access token: its server did not answer in time"},
	} {
		err := status.Error(test.code, test.message)
		for _, err := range []error{err, fmt.Errorf("wrapped: %w", err)} {
			got := pubsub.Classify(err)
			if got.Error() != test.text || registry.KindOf(got) != test.kind {
				t.Errorf("%v\ngot  %s: %v\nwant %s: %s", err, registry.KindOf(got), got, test.kind, test.text)
			}
		}
	}
}

func TestAnErrorWithoutACodeIsClassifiedToo(t *testing.T) {
	for err, want := range map[error]registry.Kind{
		context.DeadlineExceeded: registry.KindTimeout, // what is left after the driver's retries
		context.Canceled:         registry.KindCanceled,
		io.EOF:                   registry.KindUnreachable,
		errors.New("SECRET"):     registry.KindUnknown,
		driver.ErrFlowControllerMaxOutstandingBytes:       registry.KindExhausted,
		driver.ErrOversizedMessage:                        registry.KindConfig,
		driver.ErrPublisherStopped:                        registry.KindNotOpen,
		driver.ErrPublishingPaused{OrderingKey: "SECRET"}: registry.KindUnknown,
	} {
		got := pubsub.Classify(err)
		stranger := err.Error() == "SECRET"
		if kind := registry.KindOf(got); kind != want || strings.Contains(got.Error(), "SECRET") ||
			strings.Contains(got.Error(), "error of type") != stranger {
			t.Errorf("%v is %s: %v, want %s", err, kind, got, want)
		}
	}
	if pubsub.Classify(nil) != nil {
		t.Error("nil is an error")
	}
}
