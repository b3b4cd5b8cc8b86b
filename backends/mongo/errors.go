package mongo

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// codeUnknownCommand is also what a proxy answers that does not let a command pass.
const codeUnknownCommand = 59

// serverErrors are the codes of MongoDB, and of what speaks its protocol.
var serverErrors = kit.Table[string]{
	{"6 202 9001", registry.KindUnreachable, "the router cannot reach a server, or its connection broke"},
	{"7", registry.KindUnreachable, "the router finds no such host"},
	{"11", registry.KindAuth, "there is no such user"},
	{"13", registry.KindPermission, "the user may not do this"},
	{"18", registry.KindAuth, "wrong user name or password, or the user is of another database (MONGO_URI: authSource)"},
	{"50 262", registry.KindTimeout, "the server took too long"},
	{"64", registry.KindTimeout, "too few servers have confirmed the write in time"},
	{"79", registry.KindConfig, "the replica set does not know this write concern (MONGO_URI: w)"},
	{"89", registry.KindTimeout, "the router got no answer in time"},
	{"91 11600", registry.KindLoading, "the server is shutting down"},
	{"94", registry.KindLoading, "the replica set is not initiated, or the server is only just starting"},
	{"100", registry.KindConfig, "the replica set has too few servers for this write concern (MONGO_URI: w)"},
	{"133", registry.KindLoading, "the router finds no server to read from"},
	{"189", registry.KindLoading, "the primary is stepping down"},
	{"301", registry.KindConfig, noRetries},
	{"334", registry.KindAuth, "the server does not offer this way to log in"},
	{"391", registry.KindAuth, "the login has expired"},
	{"462", registry.KindExhausted, "the server is overloaded"},
	{"8000", registry.KindPermission, "Atlas refuses it: the user lacks a role, or the cluster's space is used up"},
	{"10058 10107", registry.KindReadOnly, "the server is not the primary"},
	{"11602", registry.KindLoading, "the replica set is changing"},
	{"13435", registry.KindLoading, "the server is not the primary"},
	{"13436", registry.KindLoading, "the server is recovering"},
	{"14031", registry.KindExhausted, "the server's disk is full"},
	{"16500", registry.KindExhausted, "the account has used up its throughput"},
}

// driverErrors are parts of what the driver says in errors whose types are not exported.
var driverErrors = kit.Table[string]{
	{"was cleared because another operation failed", registry.KindUnreachable, dropped},
	{"closed connection pool", registry.KindUnreachable, left},
	{"server is closed", registry.KindUnreachable, left},
	{"in load balancing mode", registry.KindConfig, "there is no load balancer (MONGO_URI: loadBalanced)"},
	{"not support retryable writes", registry.KindConfig, noRetries},
}

const (
	noRetries = "the server has no retryable writes (MONGO_URI: retryWrites=false)"
	left      = "the server has left the replica set, or the client is being closed"
	dropped   = "the driver has dropped its connections: another operation found the server gone"
	broke     = "the connection broke, or what listens there is no MongoDB server"
)

// Classify returns what an error that a handle has returned means: its kind is registry.KindOf of the result, and its
// text can be shown. It is nil for nil.
func Classify(err error) error { return classify(err, "MONGO_URI", nil) }

// classify is Classify with what is called uri in the place of MONGO_URI. If the driver has found no server to go to,
// cause is why.
func classify(err error, uri string, cause error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, driver.ErrClientDisconnected) {
		return kit.Errorf(registry.KindNotOpen, "%w: Close or the program has disconnected the client", registry.ErrNotOpen)
	}
	text := err.Error()
	inLogin := strings.Contains(text, "auth error: ") // the type that says so is not exported
	answer := driverErrors.First(func(part string) bool { return strings.Contains(text, part) })
	if code := codeOf(err); code != 0 {
		answer = serverErrors.Of(strconv.Itoa(code))
		if inLogin && registry.KindOf(answer) == registry.KindPermission {
			const text = "the server refuses the login: wrong user name, password or certificate (%d)"
			return kit.Errorf(registry.KindAuth, text, code)
		}
	}
	if answer != nil {
		return kit.Errorf(registry.KindOf(answer), "%s", strings.Replace(answer.Error(), "MONGO_URI", uri, 1))
	}
	known := kit.Classify(err)
	kind := registry.KindOf(known)
	labeled, _ := errors.AsType[driver.LabeledError](err)
	switch {
	case kind == registry.KindCanceled && strings.Contains(text, "during connection handshake"):
		return kit.Errorf(registry.KindUnreachable, dropped) // the driver, and no caller, cancels what goes on there
	case cause != nil && (kind == registry.KindTimeout || kind == registry.KindUnknown):
		return cause
	case kind != registry.KindUnknown:
		return known
	case driver.IsTimeout(err):
		return kit.Errorf(registry.KindTimeout, "no answer in time")
	case inLogin:
		return kit.Errorf(registry.KindAuth, "the driver could not log in: it found no credentials or no token "+
			"(%s: authMechanism)", uri)
	case driver.IsNetworkError(err), labeled != nil && labeled.HasErrorLabel("TransientTransactionError"):
		return kit.Errorf(registry.KindUnreachable, broke) // time, or another connection, may mend it
	}
	return known
}

// codeOf returns the code of a command, of a write or of its write concern that the server refused, or 0.
func codeOf(err error) int {
	server, ok := errors.AsType[interface { // more than driver.ServerError: a bulk write of a client is none
		error
		ErrorCodes() []int
	}](err)
	if !ok {
		return 0
	}
	codes := append(server.ErrorCodes(), 0)
	known := func(code int) bool {
		return registry.KindOf(serverErrors.Of(strconv.Itoa(code))) != registry.KindUnknown
	}
	return codes[max(slices.IndexFunc(codes, known), 0)]
}

// knownOr returns what is known of an error of the network, of TLS, of a name server or of a context. What these do not
// explain is of kind k.
func knownOr(err error, k registry.Kind, text string) error {
	if known := kit.Classify(err); registry.KindOf(known) != registry.KindUnknown {
		return known
	}
	return kit.Errorf(k, "%s", text)
}

// refusal returns what may be shown of an error: that of the name server or the network, or that the connection string
// is at fault, in the words of text unless the driver tells more.
func (s *settings) refusal(err error, text string) error {
	switch words := err.Error(); {
	case strings.Contains(words, "SRV record"), strings.Contains(words, "parent URI"):
		text = "its SRV records lead out of its host's domain"
	case strings.Contains(words, "TXT"):
		text = "its TXT record does not fit: want one, of the form authSource=admin&replicaSet=rs0"
	}
	return knownOr(err, registry.KindConfig, s.vars.Name("URI")+": "+text)
}
