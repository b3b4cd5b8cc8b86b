package redis_test

import (
	"errors"
	"io"
	"net"
	"testing"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
)

func TestEveryReplyHasAKindAndAnHonestText(t *testing.T) {
	for _, test := range []struct {
		err  error
		kind registry.Kind
		text string
	}{
		{driver.Error("WRONGPASS invalid username-password pair or user is disabled."), registry.KindAuth, "wrong user name or password (WRONGPASS)"},
		{driver.Error("NOAUTH Authentication required."), registry.KindAuth, "the server wants a password (NOAUTH)"},
		{driver.Error("ERR invalid password"), registry.KindAuth, "wrong password"},
		{driver.Error("ERR AUTH <password> called without any password configured"), registry.KindAuth, "the server has no password, or no users, but the configuration has"},
		{driver.Error("ERR unknown command 'AUTH', with args beginning with: 'app' 'SECRET'"), registry.KindAuth, "the server does not know AUTH"},
		{driver.Error("ERR unknown command `AUTH`, with args beginning with: `SECRET`"), registry.KindAuth, "the server does not know AUTH"},
		{driver.Error("ERR wrong number of arguments for 'auth' command"), registry.KindAuth, "the server has no users: give a password alone"},
		{driver.Error("ERR operation not permitted"), registry.KindAuth, "the server wants a password"},
		{driver.Error("NOPERM this user has no permissions to run the 'ping' command"), registry.KindPermission, "permission denied: the user may not do this (NOPERM)"},
		{driver.Error("LOADING Redis is loading the dataset in memory"), registry.KindLoading, "the server is loading its data (LOADING)"},
		{driver.Error("ERR max number of clients reached"), registry.KindExhausted, "too many connections: the server's maxclients is reached"},
		{driver.Error("READONLY You can't write against a read only replica."), registry.KindReadOnly, "the server is a replica and takes no writes (READONLY)"},
		{driver.Error("ERR DB index is out of range"), registry.KindConfig, "the server has no database of that number"},
		{driver.Error("ERR invalid DB index"), registry.KindConfig, "the server has no database of that number"},
		{driver.Error("MISCONF Redis is configured to SECRET"), registry.KindLoading, "the server takes no writes, since it cannot save to its disk (MISCONF)"},
		{driver.Error("CLUSTERDOWN The cluster is down"), registry.KindLoading, "the cluster is down, or slots have no node (CLUSTERDOWN)"},
		{driver.Error("TRYAGAIN Multiple keys request during rehashing of slot"), registry.KindLoading, "the slot is moving to another node (TRYAGAIN)"},
		{driver.Error("NOREPLICAS Not enough good replicas to write."), registry.KindLoading, "the server takes no writes, since it has too few replicas (NOREPLICAS)"},
		{driver.Error("MASTERDOWN Link with MASTER is down"), registry.KindLoading, "the replica has lost its master (MASTERDOWN)"},
		{driver.Error("BUSY Redis is busy running a script."), registry.KindLoading, "the server is busy with a script (BUSY)"},
		{driver.Error("BUSYGROUP Consumer Group name already exists"), registry.KindUnknown, "the server answered with the error BUSYGROUP"},
		{driver.Error("BUSYKEY Target key name already exists."), registry.KindUnknown, "the server answered with the error BUSYKEY"},
		{driver.Error("OOM command not allowed when used memory > 'maxmemory'."), registry.KindExhausted, "the server is out of memory: maxmemory is reached (OOM)"},
		{driver.Error("ERR Out of memory"), registry.KindExhausted, "the server is out of memory"},
		{driver.Error("ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -OOM command not allowed when used memory > 'maxmemory'."), registry.KindExhausted, "the server is out of memory: maxmemory is reached (OOM)"},
		{driver.Error("ERR Error running script (call to f_1): @user_script:1: user_script:1: SECRET"), registry.KindUnknown, "the server answered with the error ERR"},
		{driver.Error("EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica."), registry.KindReadOnly, "the server is a replica and takes no writes (READONLY)"},
		{driver.Error("EXECABORT Transaction discarded because of previous errors."), registry.KindUnknown, "the server answered with the error EXECABORT"},
		{driver.Error("ERR max concurrent connections exceeded"), registry.KindExhausted, "too many connections: the plan's limit is reached"},
		{driver.Error("ERR DB capacity quota exceeded"), registry.KindExhausted, "the quota of memory is used up"},
		{driver.Error("ERR max daily request limit exceeded. Limit: 10000"), registry.KindExhausted, "the quota of requests a day is used up"},
		{driver.Error("NOPROTO unsupported protocol version"), registry.KindConfig, "the server does not speak this version of the protocol (NOPROTO)"},
		{driver.Error("MOVED 7604 SECRET:7001"), registry.KindLoading, "the key is on another node of the cluster (MOVED): begin again, or write redis+cluster:// where it is redis://"},
		{driver.Error("WRONGTYPE Operation against a key"), registry.KindUnknown, "the server answered with the error WRONGTYPE"},
		{driver.Error("SECRET is what the client has sent"), registry.KindUnknown, "the server answered with the error ERR"},
		{driver.Error("secret text"), registry.KindUnknown, "the server answered with the error ERR"},
		{driver.ErrPoolExhausted, registry.KindDegraded, "no free connection in the pool"},
		{garbled(t), registry.KindUnknown, "the server has sent what is not Redis, or two have read at the same time"},
		{io.EOF, registry.KindUnreachable, "the connection was closed"},
		{errors.New("SECRET"), registry.KindUnknown, "the driver failed with an error of type *errors.errorString"},
	} {
		got := redis.Classify(test.err)
		if got.Error() != test.text || registry.KindOf(got) != test.kind {
			t.Errorf("%v\ngot  %s: %v\nwant %s: %s", test.err, registry.KindOf(got), got, test.kind, test.text)
		}
	}
	if redis.Classify(nil) != nil {
		t.Error("nil is an error")
	}
}

// garbled is what the driver says of a server of another kind.
func garbled(t *testing.T) error {
	t.Helper()
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		defer theirs.Close()
		_, _ = theirs.Write([]byte("SECRET\r\n"))
	}()
	_, err := driver.NewConn(ours, 0, 0).Receive()
	return err
}
