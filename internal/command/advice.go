package command

import (
	"fmt"
	"strings"

	"github.com/vibework/mooring/registry"
)

// advice says what to do about a failure of each kind, unless the step and the text tell more.
var advice = map[registry.Kind]string{
	registry.KindConfig: "the server does not have what the configuration asks for, such as the database: " +
		"correct the one or the other",
	registry.KindAuth: "compare the user name and the password with those on the server; " +
		"a password in a URL has to be percent-encoded",
	registry.KindPermission: "let an administrator of the server grant the user what is missing",
	registry.KindTLS: "compare the TLS variables with what the server speaks: its authority (TLS_CA_FILE), " +
		"its name (TLS_SERVER_NAME), and whether it speaks TLS at all",
	registry.KindUnreachable: "see that the server runs, and that host and port are right from here: in a container, " +
		"localhost is the container; then look at firewalls and network policies",
	registry.KindTimeout: "something swallows the packets, or the server is overloaded: look at firewalls, network " +
		"policies and the port first",
	registry.KindHung: "a call did not end in time; please report it, with the stacks of all goroutines",
	registry.KindExhausted: "look for who holds the connections of the server; then lower the limits of the pools that " +
		"use it, or raise that of the server",
	registry.KindDegraded: "look for connections that are never given back; then raise the limit of the pool",
	registry.KindLoading:  "wait: the server is starting or failing over; mooring wait 60s waits with you",
	registry.KindReadOnly: "compare the host with that of the primary: this server takes no writes",
	registry.KindCanceled: "let it finish",
	registry.KindPanic:    "please report it, with the text of the panic",
	registry.KindUnknown:  "look into the log of the server, at this time",
}

const adviceOnNames = "mend the variables that are named; mooring env lists them all"

// adviceFor returns the advice on a step that has failed, for a backend called title in prose.
func adviceFor(title string, s step) string {
	switch {
	case s.Name == configure && s.Kind == registry.KindConfig:
		return adviceOnNames // Configure names each
	case s.isVague() && strings.Contains(s.Error, "TLS"):
		return advice[registry.KindTLS]
	case s.isVague():
		return fmt.Sprintf("something listens there: is this port the one of a %s server? Do both sides speak TLS, "+
			"or neither? Then look into the log of the server, at this time", title)
	}
	if text, ok := advice[s.Kind]; ok {
		return text
	}
	return advice[registry.KindUnknown]
}

// isVague reports whether the failure may mean that what took the connection is another server, or that only one side
// speaks TLS. A refusal is of another connection, to a host that the server has named.
func (s step) isVague() bool {
	switch s.Kind {
	case registry.KindUnreachable:
		return s.Name == authenticate && s.Error != "no such host" && s.Error != "connection refused"
	case registry.KindTimeout, registry.KindUnknown:
		return s.Name == authenticate
	default:
		return false
	}
}
