package mongo

import (
	"errors"
	"strings"

	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// answers are the error codes of a server. The text that comes with a code is never shown.
var answers = []struct {
	code int32
	kind registry.Kind
	text string
}{
	{6, registry.KindUnreachable, "the router cannot reach a server (6)"},
	{13, registry.KindPermission, "the user may not do this (13)"},
	{50, registry.KindTimeout, "the server took too long (50)"},
	{89, registry.KindTimeout, "the router got no answer in time (89)"},
	{91, registry.KindLoading, "the server is shutting down (91)"},
	{133, registry.KindLoading, "the router finds no server to read from (133)"},
	{189, registry.KindLoading, "the primary is stepping down (189)"},
	{262, registry.KindTimeout, "the server took too long (262)"},
	{334, registry.KindAuth, "the server does not offer this way to log in (334)"},
	{8000, registry.KindAuth, "Atlas refuses the user name or the password (8000)"},
	{10058, registry.KindLoading, "the server is not the primary (10058)"},
	{10107, registry.KindLoading, "the server is not the primary (10107)"},
	{11600, registry.KindLoading, "the server is shutting down (11600)"},
	{11602, registry.KindLoading, "the replica set is changing (11602)"},
	{13435, registry.KindLoading, "the server is not the primary (13435)"},
	{13436, registry.KindLoading, "the server is recovering (13436)"},
}

// authFailed is the code for a wrong password, an unknown user, and a user of another database.
const authFailed = 18

// classify returns the registry's error for what the driver returned. If the driver has found no server to go to,
// cause is why.
func classify(err error, prefix string, cause error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, driver.ErrClientDisconnected) {
		return kit.Errorf(registry.KindNotOpen, "%w: the program has disconnected the client", registry.ErrNotOpen)
	}
	if answer, ok := errors.AsType[driver.CommandError](err); ok && answer.Code != 0 {
		return byCode(answer.Code, prefix)
	}
	known := kit.Classify(err)
	kind := registry.KindOf(known)
	switch {
	case kind != registry.KindTimeout && kind != registry.KindUnknown:
		return known
	case cause != nil:
		return cause
	case kind == registry.KindUnknown && driver.IsTimeout(err):
		return kit.Errorf(registry.KindTimeout, "no answer in time")
	case strings.Contains(err.Error(), "auth error: "):
		return kit.Errorf(registry.KindAuth, "the driver could not log in: it found no credentials or no token "+
			"(%sURI: authMechanism)", prefix)
	case isBroken(err):
		return fromNetwork(err)
	}
	return known
}

// fromNetwork returns the error for what has ended a connection. What the network does not explain is the fault of
// what was said there.
func fromNetwork(err error) error {
	known := kit.Classify(err)
	if registry.KindOf(known) == registry.KindUnknown {
		return kit.Errorf(registry.KindUnreachable, "the connection broke, or what listens there is no MongoDB server")
	}
	return known
}

func byCode(code int32, prefix string) error {
	if code == authFailed {
		return kit.Errorf(registry.KindAuth,
			"wrong user name or password, or the user is of another database (%sURI: authSource) (18)", prefix)
	}
	for _, known := range answers {
		if code == known.code {
			return kit.Errorf(known.kind, "%s", known.text)
		}
	}
	return kit.Errorf(registry.KindUnknown, "the server answered with the error %d", code)
}

// isBroken recognizes the end of a connection, or of all of them, which time or another one may mend.
func isBroken(err error) bool {
	labeled, ok := errors.AsType[driver.LabeledError](err)
	return ok && (labeled.HasErrorLabel("NetworkError") || labeled.HasErrorLabel("TransientTransactionError"))
}
