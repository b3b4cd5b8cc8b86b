package redis_test

import (
	"errors"
	"io"
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
		{driver.Error("NOPERM this user has no permissions to run the 'ping' command"), registry.KindPermission, "the user may not do this (NOPERM)"},
		{driver.Error("LOADING Redis is loading the dataset in memory"), registry.KindLoading, "the server is loading its data (LOADING)"},
		{driver.Error("ERR max number of clients reached"), registry.KindExhausted, "the server has no connection to spare (maxclients)"},
		{driver.Error("READONLY You can't write against a read only replica."), registry.KindReadOnly, "the server is a replica and takes no writes (READONLY)"},
		{driver.Error("ERR DB index is out of range"), registry.KindConfig, "the server has no database of that number"},
		{driver.Error("MISCONF Redis is configured to SECRET"), registry.KindUnknown, "the server answered with the error MISCONF"},
		{driver.Error("SECRET is what the client has sent"), registry.KindUnknown, "the server answered with the error ERR"},
		{driver.Error("secret text"), registry.KindUnknown, "the server answered with the error ERR"},
		{driver.ErrPoolExhausted, registry.KindDegraded, "no free connection in the pool"},
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
