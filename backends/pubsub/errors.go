package pubsub

import (
	"context"
	"errors"
	"strings"
	"syscall"

	driver "cloud.google.com/go/pubsub/v2"
	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/registry"
)

// Classify says what an error means that the client, a publisher or a subscriber has returned: registry.KindOf of
// the result is its kind, and the text may be shown and logged. It returns nil for nil.
func Classify(err error) error {
	answered, ok := status.FromError(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, driver.ErrFlowControllerMaxOutstandingMessages),
		errors.Is(err, driver.ErrFlowControllerMaxOutstandingBytes):
		return fault.New(registry.KindExhausted, "too many messages are on their way")
	case !ok:
		return fault.From(err)
	}
	code, message := answered.Code(), answered.Message()
	if known, ok := tokenAnswers[code]; ok && strings.Contains(message, noToken) {
		return fault.New(known.kind, "%s", known.text)
	}
	switch {
	case code == codes.DeadlineExceeded:
		return fault.From(context.DeadlineExceeded)
	case code == codes.Canceled && strings.Contains(message, "connection is closing"):
		return fault.New(registry.KindNotOpen, "%w: it was closed", registry.ErrNotOpen)
	case code == codes.Canceled && strings.HasSuffix(message, context.Canceled.Error()):
		return fault.From(context.Canceled)
	case code == codes.Unavailable:
		return unavailable(message)
	case mayNotLook(err):
		return fault.New(registry.KindPermission, "the credentials may not do this (PermissionDenied)")
	}
	why := reason(err)
	for _, known := range answers {
		if known.code == code && strings.Contains(why+" "+message, known.word) {
			return fault.New(known.kind, "%s", known.text)
		}
	}
	if code == codes.PermissionDenied {
		return fault.New(registry.KindPermission, "the service refuses this caller (PermissionDenied%s)", plain(why))
	}
	return fault.New(registry.KindUnknown, "the service answered with the error %s", code)
}

// answers are the codes of the service, of which some mean several things: the first counts whose word is in the
// reason or in the message. Neither is shown: they hold names, and what a token endpoint or a proxy has to say.
var answers = []struct {
	code codes.Code
	word string
	kind registry.Kind
	text string
}{
	{codes.Unauthenticated, "", registry.KindAuth, "the credentials were refused (Unauthenticated)"},

	{
		codes.PermissionDenied, "SERVICE_DISABLED", registry.KindConfig,
		"the Pub/Sub API is off (SERVICE_DISABLED): enable pubsub.googleapis.com in the project",
	},
	{
		codes.PermissionDenied, "BILLING_DISABLED", registry.KindConfig,
		"billing is off (BILLING_DISABLED): link the project to an active billing account",
	},
	{
		codes.PermissionDenied, "CONSUMER_INVALID", registry.KindConfig,
		"there is no such project (CONSUMER_INVALID): give the id of the project and not its display name",
	},
	{codes.PermissionDenied, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", registry.KindPermission, "the access token lacks a " +
		"scope (ACCESS_TOKEN_SCOPE_INSUFFICIENT): give the credentials or the machine the scope cloud-platform or pubsub"},
	{codes.PermissionDenied, "USER_PROJECT_DENIED", registry.KindPermission, "the credentials may not use the " +
		"project to bill (USER_PROJECT_DENIED): grant them serviceusage.services.use there, or name another quota project"},
	{codes.PermissionDenied, "SECURITY_POLICY_VIOLATED", registry.KindPermission, "a perimeter of VPC Service " +
		"Controls forbids it (SECURITY_POLICY_VIOLATED): call from inside, or add a rule that lets this caller in"},

	{codes.NotFound, noProject, registry.KindConfig, "there is no such project, or the credentials have no access to " +
		"it (NotFound): give its id, not its display name"},
	{codes.NotFound, "", registry.KindConfig, "there is no such topic, subscription or project (NotFound)"},
	{codes.InvalidArgument, "", registry.KindConfig, "a name or a value is refused (InvalidArgument)"},
	{codes.Unimplemented, "", registry.KindConfig, "the server does not speak Pub/Sub (Unimplemented)"},
	{codes.ResourceExhausted, "", registry.KindExhausted, "a quota is used up (ResourceExhausted)"},

	// Google's table of codes calls these transient.
	{codes.Internal, "invalid UTF-8", registry.KindUnknown, "a string of the message is not UTF-8 (Internal)"},
	{codes.Internal, "", registry.KindUnreachable, "the service has had a failure of its own (Internal)"},
	{codes.Aborted, "", registry.KindUnreachable, "the service has had a failure of its own (Aborted)"},
	{codes.Unknown, "", registry.KindUnreachable, "the service has had a failure of its own (Unknown)"},
	{codes.Canceled, "", registry.KindUnreachable, "the service has had a failure of its own (Canceled)"},
}

const (
	// missingPermission is the reason of a PermissionDenied that says no more than that.
	missingPermission = "IAM_PERMISSION_DENIED"

	// noProject is in the message of the NotFound that is not about the topic.
	noProject = "project not found"

	// byProxy begins the message of a status that gRPC has made of an answer without one.
	byProxy = "unexpected HTTP status code"
)

// noTopic reports whether the service says that the topic is not there, and not that its project is not.
func noTopic(err error) bool {
	return status.Code(err) == codes.NotFound && !strings.Contains(status.Convert(err).Message(), noProject)
}

// mayNotLook reports whether the service is there, and a permission is missing to see the topic.
func mayNotLook(err error) bool {
	if status.Code(err) != codes.PermissionDenied || strings.Contains(status.Convert(err).Message(), byProxy) {
		return false
	}
	why := reason(err)
	return why == "" || why == missingPermission
}

// reason returns why the service says no, or nothing if its answer has no such detail.
func reason(err error) string {
	if detailed, ok := apierror.FromError(err); ok {
		return detailed.Reason()
	}
	return ""
}

// plain returns the reason as it is shown, or nothing if it does not have the form of one.
func plain(reason string) string {
	if reason == "" || strings.Trim(reason, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return ""
	}
	return ", " + reason
}

// tokenAnswers are the codes of calls that could not be made for want of a token.
var tokenAnswers = map[codes.Code]struct {
	kind registry.Kind
	text string
}{
	codes.Unauthenticated:  {registry.KindAuth, "no access token: the credentials were refused or cannot be used"},
	codes.Unavailable:      {registry.KindUnreachable, "no access token: its server cannot be reached or is unwell"},
	codes.DeadlineExceeded: {registry.KindTimeout, "no access token: its server did not answer in time"},
}

// disconnected is what the message of an Unavailable may say, in the order in which to look for it: a handshake
// that took too long is no matter of TLS.
var disconnected = []struct {
	word string
	kind registry.Kind
	text string
}{
	{"no such host", registry.KindUnreachable, "no such host"},
	{"deadline exceeded", registry.KindTimeout, "no answer in time"},
	{"i/o timeout", registry.KindTimeout, "no answer in time"},
	{"unknown authority", registry.KindTLS, "the server's certificate is signed by an unknown authority"},
	{"certificate is valid for", registry.KindTLS, "the server's certificate is for another host name"},
	{"has expired", registry.KindTLS, "the server's certificate has expired or is not valid yet"},
	{"does not look like a TLS handshake", registry.KindTLS, "the server does not speak TLS on this port"},
	{"x509:", registry.KindTLS, "the server's certificate is invalid"},
	{"EOF", registry.KindUnreachable, "the connection was closed"},
	{"tls:", registry.KindTLS, "the TLS handshake failed"},
	{"server preface", registry.KindUnreachable, "the server does not speak gRPC on this port"},
}

// refusals are the errors of the network, which the message of an Unavailable holds as text.
var refusals = []syscall.Errno{
	syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
	syscall.ETIMEDOUT,
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
