package mongotest

import (
	"net"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/vibework/mooring/internal/tcptest"
)

// codeEcho is an error code that nobody uses.
const codeEcho = 29999

// StartEcho runs a server that sends back all that a client has sent it, as no server should, until the test ends:
// in the error of the login, or, if afterPing, of all that follows the first ping. A client that logs in with PLAIN
// gives its password in clear. Heard is called with all that is sent back, by any goroutine.
func StartEcho(t testing.TB, afterPing bool, heard func(sent string)) *tcptest.Server {
	t.Helper()
	return tcptest.Start(t, func(c net.Conn) {
		e := &echoing{session: session{server: new(Server), loggedIn: true}, afterPing: afterPing, heard: heard}
		for {
			q, err := readRequest(c)
			if err != nil || q.reply(c, e.run(q)) != nil {
				return
			}
		}
	})
}

// echoing is one connection of an echo server.
type echoing struct {
	session
	afterPing bool
	heard     func(string)
	sent      string
	pings     int
}

func (e *echoing) run(q *request) bson.D {
	e.sent += string(q.body)
	name := ""
	if first, err := q.body.IndexErr(0); err == nil {
		name = first.Key()
	}
	if name == "ping" {
		e.pings++
	}
	switch {
	case name == "hello" || name == "isMaster" || name == "ismaster":
		return e.hello(q.body)
	case e.afterPing && name == "saslStart":
		return append(bson.D{
			{Key: "conversationId", Value: int32(1)},
			{Key: "done", Value: true},
			{Key: "payload", Value: []byte{}},
		}, success()...)
	case e.afterPing && e.pings < 2:
		return success()
	}
	e.heard(e.sent)
	return failure(codeEcho, e.sent)
}
