package postgres_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// nameServer answers every question for addresses with what is in it.
type nameServer struct{ answer atomic.Pointer[string] }

// namesLeadTo starts one that the resolver of the process asks until the test ends.
func namesLeadTo(t *testing.T, addr string) *nameServer {
	t.Helper()
	n := new(nameServer)
	n.answer.Store(&addr)
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go n.serve(server)
		return client, nil
	}}
	return n
}

// serve answers one question as over TCP.
func (n *nameServer) serve(conn net.Conn) {
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
		reply[7]++
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, net.ParseIP(*n.answer.Load()).To4()...)
	}
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
}

func TestConnectionsLeaveAnAddressThatTheNameHasLeft(t *testing.T) {
	s := server(t)
	names := namesLeadTo(t, "127.0.0.1")
	moved := forward(t, "127.0.0.2:"+strconv.Itoa(s.port), s.addr())
	cfg := at("postgres://app:p%40ss%2Fw%3Ard@db.mooring.test:" + strconv.Itoa(s.port) + "/postgres")
	cfg.Role = "primary"
	_, res := open(t, cfg)
	there := "127.0.0.2"
	names.answer.Store(&there)
	for n := range 3 {
		if moved.Load() > 0 {
			t.Errorf("it has moved after %d look-ups", n)
		}
		if err := res.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if moved.Load() == 0 {
		t.Error("it has not moved")
	}
}

// forward serves at addr what is at upstream, and counts the connections.
func forward(t *testing.T, addr, upstream string) *atomic.Int32 {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	count := new(atomic.Int32)
	var serving sync.WaitGroup
	t.Cleanup(func() { l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			server, err := net.Dial("tcp", upstream)
			if err != nil {
				client.Close()
				continue
			}
			for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
				serving.Go(func() {
					_, _ = io.Copy(pair[0], pair[1])
					pair[0].Close()
					pair[1].Close()
				})
			}
		}
	})
	return count
}
