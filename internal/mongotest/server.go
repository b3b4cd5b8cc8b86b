// Package mongotest is a MongoDB server for tests, small enough to trust: it says hello as a
// standalone server, authenticates with SCRAM-SHA-256, answers pings, and keeps what is inserted.
//
// It is not a database. A find knows equality of top-level fields and nothing else; no update, no
// delete, no index, no cursor, no transaction, and of a replica set no more than what Options.Hello
// or a Set says. What it has instead are the faults that a test needs and a real server will not produce on
// demand:
//
//	s := mongotest.Start(t, mongotest.Options{User: "app", Password: "secret"})
//	client, err := mongo.Connect(options.Client().SetHosts([]string{s.Addr()}).SetAuth(credential))
//	s.Freeze(true) // client.Ping now lasts as long as its context
//
// As in MongoDB, hello and ping need no login, and every other command does.
package mongotest

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/xdg-go/scram"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/vibework/mooring/internal/tcptest"
)

// Options say who may connect to a Server, and how.
type Options struct {
	User     string      // a user of the database admin; empty means that nobody need log in
	Password string      // that user's
	TLS      *tls.Config // required of every client; nil means no TLS

	// Hello returns fields that replace those of the answer to hello, so that the server at addr is what a test wants:
	// a member of a replica set, a router. Nil means a standalone server.
	Hello func(addr string) bson.D
}

// Server is a running fake. The methods of the embedded Server freeze, count, stop and restart it;
// what was inserted survives a restart.
type Server struct {
	*tcptest.Server

	options  Options
	scram    *scram.Server
	failPing atomic.Int32

	mu        sync.Mutex
	documents map[string][]bson.Raw // by "database.collection"
}

// Start runs a server on a loopback port until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{options: o, documents: make(map[string][]bson.Raw)}
	if o.User != "" {
		var err error
		if s.scram, err = newSCRAM(o.User, o.Password); err != nil {
			t.Fatalf("mongotest: %v", err)
		}
	}
	s.Server = tcptest.Start(t, s.serve)
	return s
}

// FailPing makes every ping, and every hello that is not the driver's own, fail with the given error
// code, until FailPing(0): 91 (shutdown in progress) for instance, which makes the driver drop its
// connections and look again. The server keeps connections open, and other commands still succeed.
func (s *Server) FailPing(code int) { s.failPing.Store(int32(code)) }

// session is what the server knows of one connection.
type session struct {
	server   *Server
	login    *scram.ServerConversation // under way or over; nil before it and when it failed
	loggedIn bool
}

// serve speaks to one client until it leaves or breaks the protocol.
func (s *Server) serve(c net.Conn) {
	if s.options.TLS != nil {
		c = tls.Server(c, s.options.TLS)
	}
	client := &session{server: s, loggedIn: s.scram == nil}
	for {
		q, err := readRequest(c)
		if err != nil {
			return
		}
		answer := client.run(q)
		if q.silent {
			continue
		}
		if err := q.reply(c, answer); err != nil {
			return
		}
	}
}
