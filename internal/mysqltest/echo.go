package mysqltest

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"net"
	"strings"
	"testing"

	"github.com/vibework/mooring/internal/tcptest"
)

// Echo says how a server sends back what it has been sent.
type Echo struct {
	// TLS is offered to clients that ask for it; nil means that it is not offered. Over TLS a client gives its
	// password in clear.
	TLS *tls.Config
	// InPlugin makes the server ask for a way to log in whose name is what it has been sent. Without, that is the
	// text of an error.
	InPlugin bool
	// AfterPing lets everybody in and answers one ping, or one SELECT 1, before the error. Without, the login fails.
	AfterPing bool
	// Heard is called with all that is sent back, by any goroutine.
	Heard func(sent string)
}

// erEcho is an error number that nobody uses.
const erEcho = 29999

// StartEcho runs a server that sends back all that a client has sent it, as no server should, until the test ends.
func StartEcho(t testing.TB, e Echo) *tcptest.Server {
	t.Helper()
	s := &Server{options: Options{TLS: e.TLS}}
	return tcptest.Start(t, func(c net.Conn) {
		echo := &echoing{Echo: e, packets: packets{conn: c}}
		if echo.shakeHands(s) {
			echo.serve()
		}
	})
}

// echoing is one connection of an echo server.
type echoing struct {
	Echo
	packets
	sent bytes.Buffer
}

// shakeHands asks for the password in the way that makes a client send it in clear over TLS.
func (e *echoing) shakeHands(s *Server) bool {
	scramble := newScramble()
	if e.write(s.greeting(scramble)) != nil {
		return false
	}
	response, ok := e.hear()
	if s.asksForTLS(response) {
		e.conn = tls.Server(e.conn, s.options.TLS)
		_, ok = e.hear()
	}
	if !ok {
		return false
	}
	if e.InPlugin {
		_ = e.write(append([]byte("\xfe"+e.tell()+"\x00"), scramble...))
		return false
	}
	const fullLogin = "\x01\x04"
	_ = e.write(append([]byte("\xfecaching_sha2_password\x00"), append(scramble, 0)...))
	_, _ = e.hear()
	_ = e.write([]byte(fullLogin))
	_, _ = e.hear()
	if !e.AfterPing {
		_ = e.write(e.failure())
		return false
	}
	return e.write(okPacket) == nil
}

// serve answers statements and one ping, or one SELECT 1, and sends back what it has been sent from then on.
func (e *echoing) serve() {
	pings := 0
	for {
		e.sequence = 0
		command, ok := e.hear()
		if !ok || command[0] == comQuit {
			return
		}
		answer := [][]byte{okPacket}
		query := string(command[1:])
		if command[0] == comQuery && strings.HasPrefix(query, "SELECT") {
			answer = oneRow(valueOf(query))
		}
		if command[0] == comPing || strings.HasPrefix(query, "SELECT 1") {
			pings++
		}
		if pings > 1 {
			answer = [][]byte{e.failure()}
		}
		for _, packet := range answer {
			if e.write(packet) != nil {
				return
			}
		}
	}
}

func (e *echoing) hear() ([]byte, bool) {
	payload, err := e.read()
	_, _ = e.sent.Write(payload)
	return payload, err == nil
}

// tell returns all that was sent, in one piece.
func (e *echoing) tell() string {
	sent := string(bytes.ReplaceAll(e.sent.Bytes(), []byte{0}, []byte{' '}))
	e.Heard(sent)
	return sent
}

func (e *echoing) failure() []byte {
	return append(binary.LittleEndian.AppendUint16([]byte{0xff}, erEcho), "#HY000"+e.tell()...)
}
