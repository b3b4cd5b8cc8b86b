package redis

import (
	"errors"
	"slices"
	"strings"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/registry"
)

const protected = "the server runs in protected mode and serves its own host only (DENIED): give it a password " +
	"(requirepass) and set it here, too"

// replies are the error replies of a server, by how they begin. The rest of a reply is never shown: a server
// that does not know AUTH answers with the password.
var replies = []struct {
	prefix string
	kind   registry.Kind
	text   string
}{
	{"WRONGPASS", registry.KindAuth, "wrong user name or password (WRONGPASS)"},
	{"NOAUTH", registry.KindAuth, "the server wants a password (NOAUTH)"},
	{"ERR invalid password", registry.KindAuth, "wrong password"},
	{"ERR AUTH", registry.KindAuth, "the server has no password, or no users, but the configuration has"},
	{"ERR Client sent AUTH", registry.KindAuth, "the server has no password, but the configuration has"},
	{"ERR unknown command 'AUTH'", registry.KindAuth, "the server does not know AUTH"},
	{"ERR unknown command `AUTH`", registry.KindAuth, "the server does not know AUTH"},
	{"NOPERM", registry.KindPermission, "the user may not do this (NOPERM)"},
	{"LOADING", registry.KindLoading, "the server is loading its data (LOADING)"},
	{"MASTERDOWN", registry.KindLoading, "the replica has lost its master (MASTERDOWN)"},
	{"BUSY", registry.KindLoading, "the server is busy with a script (BUSY)"},
	{"ERR max number of clients", registry.KindExhausted, "the server has no connection to spare (maxclients)"},
	{"ERR DB index", registry.KindConfig, "the server has no database of that number"},
	{"DENIED", registry.KindConfig, protected},
	{"-DENIED", registry.KindConfig, protected},
	{"READONLY", registry.KindReadOnly, "the server is a replica and takes no writes (READONLY)"},
}

// classify returns the registry's error for what the driver returned.
func classify(err error) error {
	if errors.Is(err, driver.ErrPoolExhausted) {
		return fault.New(registry.KindDegraded, "no free connection in the pool")
	}
	reply, ok := errors.AsType[driver.Error](err)
	if !ok {
		return fault.From(err)
	}
	for _, known := range replies {
		if strings.HasPrefix(string(reply), known.prefix) {
			return fault.New(known.kind, "%s", known.text)
		}
	}
	return fault.New(registry.KindUnknown, "the server answered with the error %s", code(string(reply)))
}

// codes are what else a reply may begin with.
var codes = []string{
	"ASK", "CLUSTERDOWN", "CROSSSLOT", "EXECABORT", "ERR", "MISCONF", "MOVED", "NOPROTO", "NOREPLICAS", "NOSCRIPT",
	"OOM", "TRYAGAIN", "UNBLOCKED", "UNKILLABLE", "WRONGTYPE",
}

// code returns the first word of a reply if it is a code that servers are known to have: any other may be a part of
// what they were sent.
func code(reply string) string {
	word, _, _ := strings.Cut(reply, " ")
	if !slices.Contains(codes, word) {
		return "ERR"
	}
	return word
}
