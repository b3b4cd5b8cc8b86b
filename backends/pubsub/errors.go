package pubsub

import (
	"context"
	"strings"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/registry"
)

// answer is what an error is called when it is shown.
type answer struct {
	kind registry.Kind
	text string
}

// answers are the codes of the service. Their messages are never shown: they hold names, and what a token
// endpoint or a proxy has to say.
var answers = map[codes.Code]answer{
	codes.Unauthenticated:   {registry.KindAuth, "the credentials were refused (Unauthenticated)"},
	codes.PermissionDenied:  {registry.KindPermission, "the credentials may not do this (PermissionDenied)"},
	codes.NotFound:          {registry.KindConfig, "there is no such topic or project (NotFound)"},
	codes.InvalidArgument:   {registry.KindConfig, "the name of the topic or the project is refused (InvalidArgument)"},
	codes.ResourceExhausted: {registry.KindExhausted, "a quota is used up (ResourceExhausted)"},
}

// tokenAnswers are the codes of calls that could not be made for want of a token.
var tokenAnswers = map[codes.Code]answer{
	codes.Unauthenticated:  {registry.KindAuth, "no access token: the credentials were refused or cannot be used"},
	codes.Unavailable:      {registry.KindUnreachable, "no access token: its server cannot be reached or is unwell"},
	codes.DeadlineExceeded: {registry.KindTimeout, "no access token: its server did not answer in time"},
}

// disconnected is what the message of an Unavailable may say, in the order in which to look for it: a handshake
// that took too long is no matter of TLS.
var disconnected = []struct {
	word string
	answer
}{
	{"no such host", answer{registry.KindUnreachable, "no such host"}},
	{"deadline exceeded", answer{registry.KindTimeout, "no answer in time"}},
	{"i/o timeout", answer{registry.KindTimeout, "no answer in time"}},
	{"unknown authority", answer{registry.KindTLS, "the server's certificate is signed by an unknown authority"}},
	{"certificate is valid for", answer{registry.KindTLS, "the server's certificate is for another host name"}},
	{"has expired", answer{registry.KindTLS, "the server's certificate has expired or is not valid yet"}},
	{"does not look like a TLS handshake", answer{registry.KindTLS, "the server does not speak TLS on this port"}},
	{"x509:", answer{registry.KindTLS, "the server's certificate is invalid"}},
	{"EOF", answer{registry.KindUnreachable, "the connection was closed"}},
	{"tls:", answer{registry.KindTLS, "the TLS handshake failed"}},
	{"server preface", answer{registry.KindUnreachable, "the server does not speak gRPC on this port"}},
}

// refusals are the errors of the network, which the message of an Unavailable holds as text.
var refusals = []syscall.Errno{
	syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
	syscall.ETIMEDOUT,
}

// classify returns the registry's error for what the driver returned.
func classify(err error) error {
	answered, ok := status.FromError(err)
	if !ok || err == nil {
		return fault.From(err)
	}
	code, message := answered.Code(), answered.Message()
	if known, ok := tokenAnswers[code]; ok && strings.Contains(message, noToken) {
		return fault.New(known.kind, "%s", known.text)
	}
	if known, ok := answers[code]; ok {
		return fault.New(known.kind, "%s", known.text)
	}
	switch {
	case code == codes.Unavailable:
		return unavailable(message)
	case code == codes.DeadlineExceeded:
		return fault.From(context.DeadlineExceeded)
	case code == codes.Canceled && strings.Contains(message, "connection is closing"):
		return fault.New(registry.KindNotOpen, "%w: it was closed", registry.ErrNotOpen)
	case code == codes.Canceled:
		return fault.From(context.Canceled)
	default:
		return fault.New(registry.KindUnknown, "the service answered with the error %s", code)
	}
}

func unavailable(message string) error {
	for _, errno := range refusals {
		if strings.Contains(message, errno.Error()) {
			return fault.From(errno)
		}
	}
	for _, known := range disconnected {
		if strings.Contains(message, known.word) {
			return fault.New(known.kind, "%s", known.text)
		}
	}
	return fault.New(registry.KindUnreachable, "the service is unavailable (Unavailable)")
}
