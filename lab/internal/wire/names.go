package wire

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync"
)

// Names is a name server. Names that it does not know do not exist.
type Names struct {
	conn net.PacketConn

	mu    sync.Mutex
	known map[string]net.IP // nil: a query is not answered at all
}

// Take starts a name server and makes it that of this process. Call it before anything looks up a name.
func Take() (*Names, error) {
	conn, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &Names{conn: conn, known: make(map[string]net.IP)}
	go n.serve()
	net.DefaultResolver = &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
		},
	}
	return n, nil
}

// Set makes name an alias of 127.0.0.1.
func (n *Names) Set(name string) { n.SetTo(name, "127.0.0.1") }

// SetTo makes name an alias of an address of IPv4.
func (n *Names) SetTo(name, addr string) { n.answer(name, net.ParseIP(addr).To4()) }

// Silence makes queries for name go unanswered.
func (n *Names) Silence(name string) { n.answer(name, nil) }

// Drop makes the name one that does not exist.
func (n *Names) Drop(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.known, name)
}

// Close stops the server.
func (n *Names) Close() error { return n.conn.Close() }

func (n *Names) answer(name string, addr net.IP) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known[name] = addr
}

func (n *Names) serve() {
	packet := make([]byte, 1500)
	for {
		size, client, err := n.conn.ReadFrom(packet)
		if err != nil {
			return
		}
		if reply := n.reply(packet[:size]); reply != nil {
			_, _ = n.conn.WriteTo(reply, client)
		}
	}
}

// The parts of the protocol that are needed: a header, one question, one answer.
const (
	headerSize   = 12
	isResponse   = 0x8180 // recursion desired and available
	noSuchName   = 3
	typeA        = 1
	nameIsAbove  = 0xC000 | headerSize
	questionTail = 4 // type and class
)

// reply is nil for silence.
func (n *Names) reply(query []byte) []byte {
	name, size := question(query)
	if size == 0 {
		return nil
	}
	n.mu.Lock()
	addr, exists := n.known[name]
	n.mu.Unlock()
	if exists && addr == nil {
		return nil
	}
	reply := append([]byte(nil), query[:size]...)
	clear(reply[6:headerSize])
	flags := uint16(isResponse)
	if !exists {
		flags |= noSuchName
	}
	binary.BigEndian.PutUint16(reply[2:], flags)
	if exists && binary.BigEndian.Uint16(query[size-questionTail:]) == typeA {
		reply[7] = 1 // answer
		reply = binary.BigEndian.AppendUint16(reply, nameIsAbove)
		reply = append(reply, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, addr...)
	}
	return reply
}

// question returns the name that is asked for, and where the question ends; 0 if there is none.
func question(query []byte) (name string, end int) {
	var labels []string
	at := headerSize
	for at < len(query) && query[at] != 0 {
		next := at + 1 + int(query[at])
		if next > len(query) {
			return "", 0
		}
		labels = append(labels, string(query[at+1:next]))
		at = next
	}
	end = at + 1 + questionTail
	if end > len(query) {
		return "", 0
	}
	return strings.ToLower(strings.Join(labels, ".")), end
}
