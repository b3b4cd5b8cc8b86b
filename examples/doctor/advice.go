package main

import "github.com/vibework/mooring/registry"

// advice says what to do about a failure of each kind.
var advice = map[registry.Kind]string{
	registry.KindConfig: "mend the variables that are named; doctor -env lists them all",
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
	registry.KindExhausted: "look for connections that are never given back; then raise the limit of the pool, or " +
		"that of the server",
	registry.KindLoading:  "wait: the server is starting or failing over; doctor -wait 60s waits with you",
	registry.KindNotOpen:  "please report it: the doctor has opened it",
	registry.KindCanceled: "let the doctor finish",
	registry.KindPanic:    "please report it, with the text of the panic",
	registry.KindUnknown:  "look into the log of the server, at this time",
}

func adviceFor(kind registry.Kind) string {
	if text, ok := advice[kind]; ok {
		return text
	}
	return advice[registry.KindUnknown]
}
