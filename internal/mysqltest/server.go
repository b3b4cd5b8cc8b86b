// Package mysqltest is a MySQL server for tests, small enough to trust: it shakes hands, verifies
// a password with mysql_native_password, upgrades to TLS, and answers pings and statements.
//
// It is not a database. Every statement succeeds without being read, except that a SELECT yields
// one row with one column holding 1. Prepared statements, and so statements with arguments, are
// unknown to it. What it has instead are the faults that a test needs and a real server will not
// produce on demand:
//
//	s := mysqltest.Start(t, mysqltest.Options{User: "app", Password: "secret"})
//	db := open(t, s.Addr())
//	s.FailPing(1053) // db.PingContext now fails with "Server shutdown in progress"
//
// Errors have the numbers, states and texts of MariaDB.
package mysqltest

import (
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vibework/mooring/internal/tcptest"
)

const (
	comQuit   = 0x01
	comInitDB = 0x02
	comQuery  = 0x03
	comPing   = 0x0e
)

// Options say who may connect to a Server, and how.
type Options struct {
	User     string
	Password string
	Database string      // the one database there is; empty means that any name will do
	TLS      *tls.Config // offered to clients that ask for TLS; nil means that TLS is not offered
}

// Server is a running fake. The methods of the embedded Server freeze, count, stop and restart it.
type Server struct {
	*tcptest.Server

	options   Options
	failPing  atomic.Int32
	failQuery atomic.Int32
	rejection atomic.Int32

	mu        sync.Mutex
	passwords []string
	queries   []string
	failing   map[string]int // error numbers by parts of statements
}

// Start runs a server on a loopback port until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{options: o, passwords: []string{o.Password}, failing: make(map[string]int)}
	s.Server = tcptest.Start(t, s.serve)
	return s
}

// AcceptPasswords makes these the passwords that a login may have, in the place of the one in Options. Connections that
// are open already are left alone.
func (s *Server) AcceptPasswords(passwords ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passwords = passwords
}

func (s *Server) accepted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.passwords
}

// FailPing makes every ping fail with the given error number, 1053 for instance, until FailPing(0).
// Connections stay open, and statements still succeed.
func (s *Server) FailPing(number int) { s.failPing.Store(int32(number)) }

// FailQuery makes every statement fail with the given error number, 1290 for instance, until FailQuery(0).
func (s *Server) FailQuery(number int) { s.failQuery.Store(int32(number)) }

// FailStatements makes the statements that contain part fail with the given error number, until
// FailStatements(part, 0).
func (s *Server) FailStatements(part string, number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing[part] = number
}

// Queries returns the statements that have been sent so far, in the order of their arrival.
func (s *Server) Queries() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.queries)
}

// RejectConnections greets every new connection with the given error number, 1040 for instance,
// and closes it, until RejectConnections(0). A real server sends some numbers, like 1203, only after
// the login; a driver cannot tell. Connections that are open already are left alone.
func (s *Server) RejectConnections(number int) { s.rejection.Store(int32(number)) }

// serve speaks to one client until it leaves, breaks the protocol, or is turned away.
func (s *Server) serve(c net.Conn) {
	p := &packets{conn: c}
	if number := int(s.rejection.Load()); number != 0 {
		expected := login{s.options.User, []byte(s.options.Password), s.options.Database}
		_ = p.write(errorPacket(number, expected))
		return
	}
	l, err := s.handshake(p)
	if err != nil {
		return
	}
	for {
		p.sequence = 0
		command, err := p.read()
		if err != nil || command[0] == comQuit {
			return
		}
		for _, answer := range s.answer(command, l) {
			if err := p.write(answer); err != nil {
				return
			}
		}
	}
}

// answer returns the packets that reply to a command of a client that logged in with l.
func (s *Server) answer(command []byte, l login) [][]byte {
	switch command[0] {
	case comPing:
		if number := int(s.failPing.Load()); number != 0 {
			return [][]byte{errorPacket(number, l)}
		}
	case comInitDB:
	case comQuery:
		query := strings.TrimSpace(string(command[1:]))
		if number := s.note(query); number != 0 {
			return [][]byte{errorPacket(number, l)}
		}
		if len(query) >= 6 && strings.EqualFold(query[:6], "select") {
			return oneRow(valueOf(query))
		}
	default:
		return [][]byte{errorPacket(erUnknownCommand, l)}
	}
	return [][]byte{okPacket}
}

// note keeps the statement, and returns the number of the error that it is to fail with.
func (s *Server) note(query string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queries = append(s.queries, query)
	for part, number := range s.failing {
		if strings.Contains(query, part) {
			return number
		}
	}
	return int(s.failQuery.Load())
}

// valueOf is the answer to every question but those that somebody takes seriously: the driver while it connects, and
// whoever wants to know whether the server takes writes.
func valueOf(query string) string {
	switch {
	case strings.Contains(query, "@@max_allowed_packet"):
		return "67108864"
	case strings.Contains(query, "@@global.read_only"):
		return "0,0"
	}
	return "1"
}

// oneRow is a result set in the text protocol: the number of columns, their definitions, an end
// marker, the rows, and another end marker.
func oneRow(value string) [][]byte {
	column := []byte{
		3, 'd', 'e', 'f', // catalogue
		0, 0, 0, // schema, table, original table: none
		1, '1', // name
		0,     // original name: none
		12,    // length of what follows
		45, 0, // utf8mb4_general_ci
		32, 0, 0, 0, // display width
		253,  // VAR_STRING
		0, 0, // flags
		0,    // decimals
		0, 0, // filler
	}
	row := append([]byte{byte(len(value))}, value...)
	return [][]byte{{1}, column, endPacket, row, endPacket}
}
