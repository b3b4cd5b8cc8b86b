package mongo

import (
	"errors"
	"slices"
	"strings"

	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

const (
	codeUnauthorized = 13
	// codeUnknownCommand is also what a proxy answers that does not let a command pass.
	codeUnknownCommand = 59
)

// serverErrors are the codes of MongoDB, and of what speaks its protocol.
var serverErrors = kit.Table[int]{
	{6, registry.KindUnreachable, "the router cannot reach a server"},
	{7, registry.KindUnreachable, "the router finds no such host"},
	{11, registry.KindAuth, "there is no such user"},
	{13, registry.KindPermission, "the user may not do this"},
	{18, registry.KindAuth, "wrong user name or password, or the user is of another database (MONGO_URI: authSource)"},
	{50, registry.KindTimeout, "the server took too long"},
	{89, registry.KindTimeout, "the router got no answer in time"},
	{91, registry.KindLoading, "the server is shutting down"},
	{133, registry.KindLoading, "the router finds no server to read from"},
	{189, registry.KindLoading, "the primary is stepping down"},
	{202, registry.KindUnreachable, "the router gave up waiting for a connection to a server"},
	{262, registry.KindTimeout, "the server took too long"},
	{334, registry.KindAuth, "the server does not offer this way to log in"},
	{391, registry.KindAuth, "the login has expired"},
	{462, registry.KindExhausted, "the server is overloaded"},
	{8000, registry.KindAuth, "Atlas refuses the user name or the password"},
	{9001, registry.KindUnreachable, "the router's connection to a server broke"},
	{10058, registry.KindReadOnly, "the server is not the primary"},
	{10107, registry.KindReadOnly, "the server is not the primary"},
	{11600, registry.KindLoading, "the server is shutting down"},
	{11602, registry.KindLoading, "the replica set is changing"},
	{13435, registry.KindLoading, "the server is not the primary"},
	{13436, registry.KindLoading, "the server is recovering"},
	{16500, registry.KindExhausted, "the account has used up its throughput"},
}

// Classify returns what an error that a handle has returned means: its kind is registry.KindOf of the result, and its
// text can be shown. It is nil for nil.
func Classify(err error) error { return classify(err, "MONGO_", nil) }

// classify is Classify with the prefix of the variables. If the driver has found no server to go to, cause is why.
func classify(err error, prefix string, cause error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, driver.ErrClientDisconnected) {
		return kit.Errorf(registry.KindNotOpen, "%w: the program has disconnected the client", registry.ErrNotOpen)
	}
	inLogin := strings.Contains(err.Error(), "auth error: ") // the type that says so is not exported
	switch code := codeOf(err); {
	case code == codeUnauthorized && inLogin:
		return kit.Errorf(registry.KindAuth, "the server refuses the login (%d)", code)
	case code != 0:
		answer := serverErrors.Of(code)
		return kit.Errorf(registry.KindOf(answer), "%s", strings.Replace(answer.Error(), "MONGO_", prefix, 1))
	}
	known := kit.Classify(err)
	kind := registry.KindOf(known)
	labeled, _ := errors.AsType[driver.LabeledError](err)
	switch {
	case kind != registry.KindTimeout && kind != registry.KindUnknown:
		return known
	case cause != nil:
		return cause
	case kind == registry.KindUnknown && driver.IsTimeout(err):
		return kit.Errorf(registry.KindTimeout, "no answer in time")
	case inLogin:
		return kit.Errorf(registry.KindAuth, "the driver could not log in: it found no credentials or no token "+
			"(%sURI: authMechanism)", prefix)
	case driver.IsNetworkError(err), labeled != nil && labeled.HasErrorLabel("TransientTransactionError"):
		return fromNetwork(err) // time, or another connection, may mend it
	}
	return known
}

// codeOf returns the code of a command, of a write or of its write concern that the server refused, or 0.
func codeOf(err error) int {
	server, ok := errors.AsType[driver.ServerError](err)
	if !ok {
		return 0
	}
	codes := append(server.ErrorCodes(), 0)
	known := func(code int) bool { return registry.KindOf(serverErrors.Of(code)) != registry.KindUnknown }
	return codes[max(slices.IndexFunc(codes, known), 0)]
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

// refusal returns what may be shown of an error: that of the name server or the network, or that the connection string
// is at fault, in the words of text unless the driver tells more.
func (s *settings) refusal(err error, text string) error {
	if known := kit.Classify(err); registry.KindOf(known) != registry.KindUnknown {
		return known
	}
	switch words := err.Error(); {
	case strings.Contains(words, "SRV record"), strings.Contains(words, "parent URI"):
		text = "its SRV records lead out of its host's domain"
	case strings.Contains(words, "TXT"):
		text = "its TXT record does not fit: want one, of the form authSource=admin&replicaSet=rs0"
	}
	return kit.Errorf(registry.KindConfig, "%s: %s", s.vars.Name("URI"), text)
}
