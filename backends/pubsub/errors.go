package pubsub

import (
	"context"
	"strings"
	"syscall"

	"github.com/googleapis/gax-go/v2/apierror"
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
	codes.NotFound:          {registry.KindConfig, "there is no such topic or project (NotFound)"},
	codes.InvalidArgument:   {registry.KindConfig, "the name of the topic or the project is refused (InvalidArgument)"},
	codes.ResourceExhausted: {registry.KindExhausted, "a quota is used up (ResourceExhausted)"},
}

// reasons are those for which the service says PermissionDenied, other than that a permission is missing.
var reasons = map[string]answer{
	"SERVICE_DISABLED": {registry.KindConfig,
		"the Pub/Sub API is off (SERVICE_DISABLED): enable pubsub.googleapis.com in the project"},
	"BILLING_DISABLED": {registry.KindConfig,
		"billing is off (BILLING_DISABLED): link the project to an active billing account"},
	"CONSUMER_INVALID": {registry.KindConfig,
		"there is no such project (CONSUMER_INVALID): give the id of the project and not its display name"},
	"ACCESS_TOKEN_SCOPE_INSUFFICIENT": {registry.KindPermission, "the access token lacks a scope " +
		"(ACCESS_TOKEN_SCOPE_INSUFFICIENT): give the credentials or the machine the scope cloud-platform or pubsub"},
	"USER_PROJECT_DENIED": {registry.KindPermission, "the credentials may not use the project to bill " +
		"(USER_PROJECT_DENIED): grant them serviceusage.services.use there, or name another quota project"},
	"SECURITY_POLICY_VIOLATED": {registry.KindPermission, "a perimeter of VPC Service Controls forbids it " +
		"(SECURITY_POLICY_VIOLATED): call from inside, or add a rule that lets this caller in"},
}

const (
	// missingPermission is the reason of a PermissionDenied that says no more than that.
	missingPermission = "IAM_PERMISSION_DENIED"

	// noProject is in the message of the NotFound that is not about the topic.
	noProject = "project not found"
)

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
	switch known, ok := answers[code]; {
	case code == codes.NotFound && strings.Contains(message, noProject):
		return fault.New(registry.KindConfig,
			"there is no such project, or the credentials have no access to it (NotFound): give its id, not its display name")
	case ok:
		return fault.New(known.kind, "%s", known.text)
	case code == codes.PermissionDenied:
		return denied(reason(err))
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

// noTopic reports whether the service says that the topic is not there, and not that its project is not.
func noTopic(err error) bool {
	return status.Code(err) == codes.NotFound && !strings.Contains(status.Convert(err).Message(), noProject)
}

// mayNotLook reports whether the service is there and a permission is missing to see the topic.
func mayNotLook(err error) bool {
	why := reason(err)
	return status.Code(err) == codes.PermissionDenied && (why == "" || why == missingPermission)
}

// reason returns why the service said no, or nothing if its answer has no such detail.
func reason(err error) string {
	if detailed, ok := apierror.FromError(err); ok {
		return detailed.Reason()
	}
	return ""
}

func denied(reason string) error {
	if known, ok := reasons[reason]; ok {
		return fault.New(known.kind, "%s", known.text)
	}
	switch {
	case reason == "", reason == missingPermission:
		return fault.New(registry.KindPermission, "the credentials may not do this (PermissionDenied)")
	case strings.Trim(reason, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "": // not of the form of a reason
		return fault.New(registry.KindPermission, "the service refuses this caller (PermissionDenied)")
	default:
		return fault.New(registry.KindPermission, "the service refuses this caller (PermissionDenied, %s)", reason)
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
