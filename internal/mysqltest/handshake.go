package mysqltest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"slices"
)

const (
	clientLongPassword = 1 << 0
	clientFoundRows    = 1 << 1
	clientConnectDB    = 1 << 3
	clientProtocol41   = 1 << 9
	clientTLS          = 1 << 11
	clientTransactions = 1 << 13
	clientSecure       = 1 << 15
	clientPluginAuth   = 1 << 19
	clientLongAuth     = 1 << 21

	capabilities = clientLongPassword | clientFoundRows | clientConnectDB | clientProtocol41 |
		clientTransactions | clientSecure | clientPluginAuth | clientLongAuth

	scrambleSize = 20
)

var (
	errMalformed = errors.New("mysqltest: malformed handshake response")
	errRefused   = errors.New("mysqltest: login refused")
)

// handshake greets the client, changes to TLS if it asks, and lets it in or tells it why not.
func (s *Server) handshake(p *packets) (login, error) {
	scramble := newScramble()
	if err := p.write(s.greeting(scramble)); err != nil {
		return login{}, err
	}
	response, err := p.read()
	if err != nil {
		return login{}, err
	}
	if s.asksForTLS(response) {
		p.conn = tls.Server(p.conn, s.options.TLS)
		if response, err = p.read(); err != nil {
			return login{}, err
		}
	}
	l, err := parseLogin(response)
	if err != nil {
		return login{}, err
	}
	if number := s.refusal(l, scramble); number != 0 {
		_ = p.write(errorPacket(number, l))
		return login{}, errRefused
	}
	return l, p.write(okPacket)
}

// greeting is the server's half of protocol 10.
func (s *Server) greeting(scramble []byte) []byte {
	offer := uint32(capabilities)
	if s.options.TLS != nil {
		offer |= clientTLS
	}
	g := append([]byte{10}, "10.11.0-mysqltest\x00"...)
	g = append(g, 1, 0, 0, 0) // connection id
	g = append(g, scramble[:8]...)
	g = append(g, 0)
	g = binary.LittleEndian.AppendUint16(g, uint16(offer))
	g = append(g, 45, 2, 0) // utf8mb4_general_ci, autocommit
	g = binary.LittleEndian.AppendUint16(g, uint16(offer>>16))
	g = append(g, scrambleSize+1)
	g = append(g, make([]byte, 10)...)
	g = append(g, scramble[8:]...)
	return append(g, "\x00mysql_native_password\x00"...)
}

// asksForTLS reports whether the response stops where the user's name would begin, which is how a
// client asks to change to TLS before it says more.
func (s *Server) asksForTLS(response []byte) bool {
	return s.options.TLS != nil && len(response) == loginHeader &&
		binary.LittleEndian.Uint32(response)&clientTLS != 0
}

// refusal is the number of the error that the login deserves, or 0.
func (s *Server) refusal(l login, scramble []byte) int {
	right := func(password string) bool { return bytes.Equal(l.proof, nativePassword(scramble, password)) }
	if l.user != s.options.User || !slices.ContainsFunc(s.accepted(), right) {
		return erAccessDenied
	}
	if l.database != "" && s.options.Database != "" && l.database != s.options.Database {
		return erUnknownDatabase
	}
	return 0
}

// login is what the client says about itself.
type login struct {
	user     string
	proof    []byte
	database string
}

// loginHeader is the size of capabilities, packet limit, character set and filler.
const loginHeader = 4 + 4 + 1 + 23

func parseLogin(response []byte) (login, error) {
	var l login
	if len(response) <= loginHeader {
		return l, errMalformed
	}
	flags := binary.LittleEndian.Uint32(response)
	user, rest, ok := bytes.Cut(response[loginHeader:], []byte{0})
	if !ok || len(rest) == 0 || len(rest) <= int(rest[0]) {
		return l, errMalformed
	}
	end := 1 + int(rest[0])
	l.user, l.proof, rest = string(user), rest[1:end], rest[end:]
	if flags&clientConnectDB != 0 {
		database, _, _ := bytes.Cut(rest, []byte{0})
		l.database = string(database)
	}
	return l, nil
}

// newScramble is random and free of zero bytes, which would end it early.
func newScramble() []byte {
	scramble := make([]byte, scrambleSize)
	_, _ = rand.Read(scramble)
	for i, b := range scramble {
		scramble[i] = 1 + b%127
	}
	return scramble
}

// nativePassword is the proof that a client which knows the password gives for the scramble:
// SHA1(password) XOR SHA1(scramble + SHA1(SHA1(password))), and nothing for no password.
func nativePassword(scramble []byte, password string) []byte {
	if password == "" {
		return nil
	}
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	mask := sha1.Sum(append(bytes.Clone(scramble), twice[:]...))
	proof := make([]byte, len(once))
	for i := range proof {
		proof[i] = once[i] ^ mask[i]
	}
	return proof
}
