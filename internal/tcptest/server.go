// Package tcptest is what the wire fakes of this module share: a loopback port whose connections
// can be counted, frozen, cut and brought back. It knows no protocol; mysqltest and mongotest
// speak theirs on top of it.
//
// It stands in for the server's own faults. Faults of the network between client and server (lost
// packets, resets, latency) need a proxy in front of it.
package tcptest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// waitLimit is how long WaitConns waits before it fails the test. It only bounds a broken test, so
// it is generous to a busy machine.
const waitLimit = 10 * time.Second

// Server listens on one loopback port and hands every connection to a protocol. Its methods may be
// called concurrently, except that Stop and Restart are called one at a time.
type Server struct {
	t     testing.TB
	addr  string
	serve func(net.Conn)
	tasks sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while stopped
	conns    map[*conn]struct{}
	accepted int
	thawed   chan struct{} // closed unless the server is frozen
	changed  chan struct{} // closed, and replaced, when conns changes
}

// Start listens on a free loopback port until the test ends. Each connection gets a goroutine that
// runs serve; when serve returns, or when the server stops, the connection is closed. A serve that
// does not return once its connection is closed blocks Stop.
func Start(t testing.TB, serve func(net.Conn)) *Server {
	t.Helper()
	s := &Server{
		t:       t,
		serve:   serve,
		conns:   make(map[*conn]struct{}),
		thawed:  make(chan struct{}),
		changed: make(chan struct{}),
	}
	close(s.thawed)
	l := s.listen("127.0.0.1:0")
	s.addr = l.Addr().String()
	s.begin(l)
	t.Cleanup(s.Stop)
	return s
}

// Addr is where the server listens, as host:port. It stays the same across Stop and Restart.
func (s *Server) Addr() string { return s.addr }

// Freeze makes the server fall silent, as a stopped process does, or ends that. A frozen server
// accepts connections and reads requests, but no byte leaves it, on old connections or new ones; when
// it thaws it sends all that was held back. A connection with an answer held back counts as live,
// its client gone or not, until the server thaws or stops.
func (s *Server) Freeze(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.thawed:
		if on {
			s.thawed = make(chan struct{})
		}
	default:
		if !on {
			close(s.thawed)
		}
	}
}

// Conns is the number of live connections, as the server sees them: a client's Dial and Close take
// a moment to arrive, so a test that has just done one of them calls WaitConns.
func (s *Server) Conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// WaitConns waits until exactly n connections are live, and fails the test if they do not become
// so within ten seconds. It must be called from the test's goroutine.
func (s *Server) WaitConns(n int) {
	s.t.Helper()
	limit := time.After(waitLimit)
	for {
		s.mu.Lock()
		live, changed := len(s.conns), s.changed
		s.mu.Unlock()
		if live == n {
			return
		}
		select {
		case <-changed:
		case <-limit:
			s.t.Fatalf("%d connections are live after %v, want %d", live, waitLimit, n)
		}
	}
}

// Accepted is the number of connections accepted so far, those before a Restart included.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Stop closes the port, cuts every connection, and waits for the server's goroutines to end.
// Dialling a stopped server is refused. Stopping it again does nothing.
func (s *Server) Stop() {
	s.mu.Lock()
	if s.listener != nil {
		_ = s.listener.Close()
		s.listener = nil
		for c := range s.conns {
			c.sever()
		}
	}
	s.mu.Unlock()
	s.tasks.Wait()
}

// Restart stops the server and listens on the same port again, still frozen if it was. It fails the
// test if the port is gone, and must be called from the test's goroutine.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.begin(s.listen(s.addr))
}

func (s *Server) listen(addr string) net.Listener {
	s.t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		s.t.Fatalf("tcptest: %v", err)
	}
	return l
}

func (s *Server) begin(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener = l
	s.tasks.Go(func() { s.accept(l) })
}

func (s *Server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // Stop has closed the listener
		}
		s.add(l, &conn{Conn: c, server: s, severed: make(chan struct{})})
	}
}

// add starts to serve c, unless a Stop of l has overtaken it.
func (s *Server) add(l net.Listener, c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != l {
		_ = c.Close()
		return
	}
	s.accepted++
	s.conns[c] = struct{}{}
	s.announce()
	s.tasks.Go(func() {
		defer s.remove(c)
		s.serve(c)
	})
}

func (s *Server) remove(c *conn) {
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.announce()
}

// announce wakes WaitConns. The caller holds s.mu.
func (s *Server) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}
