package redis

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// replies are the error replies of a server, by the words that they begin with. The rest of a reply is never shown: a
// server that does not know AUTH answers with the password.
var replies = kit.Table[string]{
	{"WRONGPASS", registry.KindAuth, "wrong user name or password (WRONGPASS)"},
	{"NOAUTH", registry.KindAuth, "the server wants a password (NOAUTH)"},
	{"ERR invalid password", registry.KindAuth, "wrong password"},
	{"ERR operation not permitted", registry.KindAuth, "the server wants a password"}, // older than 2.8
	{"ERR wrong number of arguments for 'auth'", registry.KindAuth, "the server has no users: give a password alone"},
	{"ERR AUTH", registry.KindAuth, "the server has no password, or no users, but the configuration has"},
	{"ERR Client sent AUTH", registry.KindAuth, "the server has no password, but the configuration has"},
	{"ERR unknown command 'AUTH'", registry.KindAuth, "the server does not know AUTH"},
	{"NOPERM", registry.KindPermission, "permission denied: the user may not do this (NOPERM)"},
	{"LOADING", registry.KindLoading, "the server is loading its data (LOADING)"},
	{"MASTERDOWN", registry.KindLoading, "the replica has lost its master (MASTERDOWN)"},
	{"BUSY", registry.KindLoading, "the server is busy with a script (BUSY)"},
	{"CLUSTERDOWN", registry.KindLoading, "the cluster is down, or slots have no node (CLUSTERDOWN)"},
	{"TRYAGAIN", registry.KindLoading, "the slot is moving to another node (TRYAGAIN)"},
	{"MISCONF", registry.KindLoading, "the server takes no writes, since it cannot save to its disk (MISCONF)"},
	{"NOREPLICAS", registry.KindLoading, "the server takes no writes, since it has too few replicas (NOREPLICAS)"},
	{"OOM", registry.KindExhausted, "the server is out of memory: maxmemory is reached (OOM)"},
	{"ERR Out of memory", registry.KindExhausted, "the server is out of memory"}, // Dragonfly
	{"ERR max number of clients", registry.KindExhausted, "too many connections: the server's maxclients is reached"},
	{"ERR max concurrent connections", registry.KindExhausted, "too many connections: the plan's limit is reached"},
	{"ERR DB capacity quota exceeded", registry.KindExhausted, "the quota of memory is used up"},
	{"ERR max requests limit exceeded", registry.KindExhausted, "the quota of requests is used up"},
	{"ERR max daily request limit exceeded", registry.KindExhausted, "the quota of requests a day is used up"},
	{"ERR DB index", registry.KindConfig, "the server has no database of that number"},
	{"ERR invalid DB index", registry.KindConfig, "the server has no database of that number"},
	{"ERR SELECT is not allowed", registry.KindConfig, "a cluster has no database but 0"},
	{"DENIED", registry.KindConfig, "the server runs in protected mode and serves its own host only (DENIED): give it a " +
		"password (requirepass) and set it here, too"},
	{"NOPROTO", registry.KindConfig, "the server does not speak this version of the protocol (NOPROTO)"},
	{"MOVED", registry.KindLoading, "the key is on another node of the cluster (MOVED): begin again, or write " +
		"redis+cluster:// where it is redis://"},
	{"ASK", registry.KindLoading, "the key is moving to another node of the cluster (ASK)"},
	{"READONLY", registry.KindReadOnly, "the server is a replica and takes no writes (READONLY)"},
}

// concurrent ends the text of the driver's protocolError, which has no exported type.
const concurrent = "(possible server error or unsupported concurrent read by application)"

// codes are what else a reply may begin with.
var codes = []string{
	"BUSYGROUP", "BUSYKEY", "CROSSSLOT", "EXECABORT", "ERR", "INPROG", "NOGOODSLAVE", "NOSCRIPT", "NOTBUSY", "UNBLOCKED",
	"UNKILLABLE", "WRONGTYPE",
}

// Classify returns what is known about an error that a connection or the pool has returned: registry.KindOf tells its
// kind, such as registry.KindReadOnly for READONLY and registry.KindExhausted for OOM. The text is Mooring's own and
// holds nothing that was sent. It is nil for nil. An answer of the server that says nothing about its health, such as
// WRONGTYPE, is registry.KindUnknown, with its code.
func Classify(err error) error {
	if errors.Is(err, driver.ErrPoolExhausted) {
		return kit.Errorf(registry.KindDegraded, "no free connection in the pool")
	}
	reply, ok := errors.AsType[driver.Error](err)
	switch {
	case !ok && err != nil && strings.HasSuffix(err.Error(), concurrent):
		return kit.Errorf(registry.KindUnknown, "the server has sent what is not Redis, or two have read at the same time")
	case !ok:
		return kit.Classify(err)
	}
	cause := strings.ReplaceAll(causeOf(reply), "`", "'")
	if failure := replies.First(func(words string) bool { return beginsWith(cause, words) }); failure != nil {
		return failure
	}
	word, _, _ := strings.Cut(cause, " ")
	if !slices.Contains(codes, word) { // it may be a part of what was sent
		word = "ERR"
	}
	return kit.Errorf(registry.KindUnknown, "the server answered with the error %s", word)
}

// around is what stands before the error reply that an EXEC or, of a server older than 7, a script has met.
var around = regexp.MustCompile(`^(-|EXECABORT Transaction discarded because of: |ERR Error running script .*: -)`)

// causeOf returns the error reply within another.
func causeOf(reply driver.Error) string { return around.ReplaceAllString(string(reply), "") }

// beginsWith reports whether the reply begins with these words, and not only with these letters: BUSYGROUP is not BUSY.
func beginsWith(reply, words string) bool {
	rest, found := strings.CutPrefix(reply, words)
	return found && (rest == "" || rest[0] < 'A' || rest[0] > 'Z')
}

// refused reports whether the server has answered, with an error.
func refused(err error) bool {
	_, ok := errors.AsType[driver.Error](err)
	return ok
}

// unanswered reports whether the server, or a proxy in front of it, does not know the question or does not allow it.
func unanswered(err error) bool {
	kind := registry.KindOf(Classify(err))
	return refused(err) && (kind == registry.KindPermission || kind == registry.KindUnknown)
}

// firstWord adds to what the first word to a server has met, that a server which wants TLS hangs up without it.
func (c *client) firstWord(err error) error {
	if shown := Classify(err); c.tls == nil && registry.KindOf(shown) == registry.KindUnreachable {
		return kit.Errorf(registry.KindUnreachable, "%w (if this port wants TLS, write rediss:// or set %sTLS)",
			shown, c.vars.Prefix())
	}
	return err
}

// worse returns the one of two errors, either of which may be nil, that says more about what is wrong: what time does
// not mend says more than what it may, and a full pool says least.
func worse(a, b error) error {
	weight := func(err error) int {
		switch kind := registry.KindOf(err); {
		case err == nil:
			return 0
		case kind == registry.KindDegraded:
			return 1
		case kind.Retryable():
			return 2
		}
		return 3
	}
	if weight(b) > weight(a) {
		return b
	}
	return a
}
