package redis_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/redis"
)

// nameServer answers every question for addresses with what is in it.
type nameServer struct{ answer atomic.Pointer[[]string] }

// namesLeadTo starts one that the resolver of the process asks until the test ends.
func namesLeadTo(t *testing.T, addrs ...string) *nameServer {
	t.Helper()
	n := new(nameServer)
	n.leadTo(addrs...)
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go n.serve(server)
		return client, nil
	}}
	return n
}

func (n *nameServer) leadTo(addrs ...string) { n.answer.Store(&addrs) }

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
		for _, addr := range *n.answer.Load() {
			reply[7]++
			reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
			reply = append(reply, net.ParseIP(addr).To4()...)
		}
	}
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
}

func TestConnectionsLeaveAnAddressThatTheNameHasLeft(t *testing.T) {
	p := redisServer(t, "--bind", "127.0.0.1", "127.0.0.2")
	if p == nil {
		return
	}
	_, port, _ := net.SplitHostPort(p.addr)
	names := namesLeadTo(t, "127.0.0.1")
	cfg := at("redis://db.mooring.test:" + port)
	cfg.Role = "primary"
	_, res := open(t, cfg)
	check := func(answers ...string) {
		t.Helper()
		for _, answer := range answers {
			names.leadTo(strings.Fields(answer)...)
			if err := res.Check(t.Context()); err != nil {
				t.Error(err)
			}
		}
		names.leadTo("127.0.0.2")
	}
	check("127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.2", "") // in turn, and not at all
	if to := serverOf(t, res); to != "127.0.0.1:"+port {
		t.Errorf("an answer that rotates has moved a connection to %s", to)
	}
	redis.ForgetLookups(res)
	check("127.0.0.2", "127.0.0.2", "127.0.0.2")
	if to := serverOf(t, res); to != "127.0.0.2:"+port {
		t.Errorf("the name has left %s, and the connection has not", to)
	}
}

// serverOf returns the address of the server of the next connection.
func serverOf(t *testing.T, res *redis.Resource) string {
	t.Helper()
	conn, err := res.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	info, err := driver.String(driver.DoContext(conn, t.Context(), "CLIENT", "INFO"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(info, " laddr=")
	addr, _, _ := strings.Cut(rest, " ")
	return addr
}
