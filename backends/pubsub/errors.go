package pubsub

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	driver "cloud.google.com/go/pubsub/v2"
	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// Classify says what an error means that the client, a publisher or a subscriber has returned: registry.KindOf of
// the result is its kind, and the text may be shown and logged. It returns nil for nil.
func Classify(err error) error { return classify(err, strings.NewReplacer()) }

// classify is Classify with the names of the variables.
func classify(err error, names *strings.Replacer) error {
	if known := driverErrors.First(func(known error) bool { return errors.Is(err, known) }); known != nil {
		return known
	}
	if _, paused := errors.AsType[driver.ErrPublishingPaused](err); paused {
		return kit.Errorf(registry.KindUnknown, "an earlier message with this ordering key has failed: call ResumePublish")
	}
	answered, ok := status.FromError(err)
	if err == nil || !ok {
		return kit.Classify(err)
	}
	code, message, why := answered.Code().String(), answered.Message(), reason(err)
	switch {
	case answered.Code() == codes.DeadlineExceeded:
		return kit.Classify(context.DeadlineExceeded)
	case answered.Code() == codes.Canceled && strings.Contains(message, "connection is closing"):
		return kit.Errorf(registry.KindNotOpen, "%w: it was closed", registry.ErrNotOpen)
	case answered.Code() == codes.Canceled && strings.HasSuffix(message, context.Canceled.Error()):
		return kit.Classify(context.Canceled)
	case mayNotLook(err):
		return kit.Errorf(registry.KindPermission, "the credentials may not do this (PermissionDenied)")
	case strings.Contains(message, "per-RPC creds failed"): // says gRPC itself, with the code Unauthenticated
		code = "NoToken"
	}
	word := ""
	known := answers.First(func(answer string) bool {
		of, words, _ := strings.Cut(answer, ": ")
		all := strings.Split(words, "|")
		found := slices.IndexFunc(all, func(word string) bool { return strings.Contains(why+" "+message, word) })
		word = all[max(found, 0)]
		return found >= 0 && (of == "" || slices.Contains(strings.Fields(of), code))
	})
	if reasons.MatchString(why) {
		code += ", " + why
	}
	text := strings.NewReplacer("CODE", code, "WORD", word).Replace(known.Error())
	return kit.Errorf(registry.KindOf(known), "%s", names.Replace(text))
}

// driverErrors are what the driver says without asking the service.
var driverErrors = kit.Table[error]{
	{driver.ErrFlowControllerMaxOutstandingMessages, registry.KindExhausted, "too many messages are on their way"},
	{driver.ErrFlowControllerMaxOutstandingBytes, registry.KindExhausted, "too many messages are on their way"},
	{driver.ErrOversizedMessage, registry.KindConfig, "the message is bigger than 10 MB, the most that Pub/Sub takes"},
	{driver.ErrPublisherStopped, registry.KindNotOpen, "the publisher was stopped"},
}

// noProject is in the message of the NotFound that is not about the topic.
const noProject = "project not found"

// answers have codes, and after them what is in the reason or in the message; the first one counts. Neither is shown:
// they hold names, and what a token endpoint or a proxy has to say. WORD stands for what has matched, and CODE for the
// code and the reason. Google calls Internal, Aborted and Unknown transient.
var answers = kit.Table[string]{
	{"Unauthenticated", registry.KindAuth, "the credentials were refused (Unauthenticated): " +
		"renew those of PUBSUB_CREDENTIALS_FILE, or the machine's"},
	{"NoToken: deadline exceeded|timeout", registry.KindTimeout, "no access token: its server did not answer in time"},
	{
		"NoToken: status code 5|status code 429|dial tcp|EOF|connection|broken pipe", registry.KindUnreachable,
		"no access token: its server cannot be reached or is unwell",
	},
	{"NoToken: x509:|tls:", registry.KindTLS, "no access token: its server's certificate is not trusted: " +
		"the machine may lack authorities, or a proxy has its own"},
	{"NoToken", registry.KindAuth, "no access token: " +
		"the credentials of PUBSUB_CREDENTIALS_FILE, or the machine's, were refused or are unusable"},

	{"PermissionDenied: SERVICE_DISABLED", registry.KindConfig, "the Pub/Sub API is off (WORD): " +
		"enable pubsub.googleapis.com in the project"},
	{"PermissionDenied: BILLING_DISABLED", registry.KindConfig, "billing is off (WORD): " +
		"link the project to an active billing account"},
	{"PermissionDenied: ACCESS_TOKEN_SCOPE_INSUFFICIENT", registry.KindPermission, "the access token lacks a scope " +
		"(WORD): give the credentials or the machine the scope cloud-platform or pubsub"},
	{"PermissionDenied: USER_PROJECT_DENIED", registry.KindPermission, "the credentials may not use the project " +
		"to bill (WORD): grant them serviceusage.services.use there, or name another quota project"},
	{"PermissionDenied: SECURITY_POLICY_VIOLATED", registry.KindPermission, "a perimeter of VPC Service Controls " +
		"forbids it (WORD): call from inside, or add a rule that lets this caller in"},
	{"PermissionDenied NotFound: CONSUMER_INVALID|" + noProject, registry.KindConfig, "there is no such project, or the " +
		"credentials have no access to it (CODE): PUBSUB_PROJECT_ID wants its id, not its display name"},
	{"PermissionDenied", registry.KindPermission, "the service refuses this caller (CODE)"},

	{"NotFound", registry.KindConfig, "there is no such topic, subscription or project (NotFound)"},
	{"InvalidArgument", registry.KindConfig, "a name or a value is refused (InvalidArgument)"},
	{"Unimplemented", registry.KindConfig, "the server does not speak Pub/Sub (Unimplemented)"},
	{"FailedPrecondition", registry.KindConfig, "the state of the topic or subscription forbids it (CODE): " +
		"it may be detached, pushed to an endpoint, or encrypted with a key that is off"},
	{"ResourceExhausted", registry.KindExhausted, "a quota is used up (ResourceExhausted)"},
	{"Internal: invalid UTF-8", registry.KindUnknown, "a string of the message is not UTF-8 (Internal)"},
	{"Internal Aborted Unknown Canceled", registry.KindUnreachable, "the service has had a failure of its own (CODE)"},

	{"Unavailable: connect handshake", registry.KindUnreachable, "the proxy of HTTPS_PROXY lets nobody through"},
	{"Unavailable: connection refused|connection reset by peer|broken pipe|no route to host|network is unreachable|" +
		"no such host", registry.KindUnreachable, "WORD"},
	{"Unavailable: connection timed out|deadline exceeded|i/o timeout", registry.KindTimeout, "no answer in time"},
	{"Unavailable: unknown authority", registry.KindTLS, "the server's certificate is signed by an unknown authority"},
	{"Unavailable: certificate is valid for", registry.KindTLS, "the server's certificate is for another host name"},
	{"Unavailable: has expired", registry.KindTLS, "the server's certificate has expired or is not valid yet"},
	{"Unavailable: does not look like a TLS handshake", registry.KindTLS, "the server does not speak TLS on this port"},
	{"Unavailable: x509:", registry.KindTLS, "the server's certificate is invalid"},
	{"Unavailable: EOF", registry.KindUnreachable, "the connection was closed"},
	{"Unavailable: tls:", registry.KindTLS, "the TLS handshake failed"},
	{"Unavailable: server preface", registry.KindUnreachable, "the server does not speak gRPC on this port"},
	{"Unavailable", registry.KindUnreachable, "the service is unavailable (Unavailable)"},

	{"", registry.KindUnknown, "the service answered with the error CODE"}, // any code
}

// noTopic reports whether the service says that the topic is not there, and not that its project is not.
func noTopic(err error) bool {
	return status.Code(err) == codes.NotFound && !strings.Contains(status.Convert(err).Message(), noProject)
}

// mayNotLook reports whether the service is there, and a permission is missing to see the topic. A proxy's answer,
// which gRPC makes a status of, says nothing of the service.
func mayNotLook(err error) bool {
	why := reason(err)
	return status.Code(err) == codes.PermissionDenied && (why == "" || why == "IAM_PERMISSION_DENIED") &&
		!strings.Contains(status.Convert(err).Message(), "unexpected HTTP status code")
}

// reason returns why the service says no, or nothing if its answer has no such detail.
func reason(err error) string {
	if detailed, ok := apierror.FromError(err); ok {
		return detailed.Reason()
	}
	return ""
}

// reasons have this form; what has another one is not shown.
var reasons = regexp.MustCompile(`^[A-Z0-9_]+$`)
