package tcptest

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// Names is a name server that answers every question for addresses with what is in it.
type Names struct{ answer atomic.Pointer[[]string] }

// NamesLeadTo starts one that the resolver of the process asks until the test ends.
func NamesLeadTo(t testing.TB, addrs ...string) *Names {
	t.Helper()
	n := new(Names)
	n.LeadTo(addrs...)
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go n.serve(server)
		return client, nil
	}}
	return n
}

// LeadTo changes the answer.
func (n *Names) LeadTo(addrs ...string) { n.answer.Store(&addrs) }

// serve answers one question as over TCP.
func (n *Names) serve(conn net.Conn) {
	defer conn.Close()
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return
	}
	question := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, question); err != nil {
		return
	}
	end := 12 + bytes.IndexByte(question[12:], 0) + 5 // the name, the type and the class
	reply := append(bytes.Clone(question[:2]), 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0)
	reply = append(reply, question[12:end]...)
	if kind := question[end-3]; kind == 1 { // A
		for _, addr := range *n.answer.Load() {
			reply[7]++
			reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
			reply = append(reply, net.ParseIP(addr).To4()...)
		}
	}
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
}
