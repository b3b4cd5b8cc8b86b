package faultproxy_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// patience is how long something may take that should happen at once, and a moment how long
// something is watched that should not happen at all.
const (
	patience = 30 * time.Second
	moment   = 30 * time.Millisecond
)

// A server handles each connection in a goroutine and knows how many there were and are.
type server struct {
	net.Listener
	mu             sync.Mutex
	accepted, live int
}

// serve starts a server that ends with the test; echo is one that sends back all it gets.
func serve(t *testing.T, handle func(*net.TCPConn)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Listener: l}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.count(1, 1)
			running.Go(func() {
				handle(c.(*net.TCPConn))
				_ = c.Close()
				s.count(0, -1)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return s
}

func echo(t *testing.T) *server {
	t.Helper()
	return serve(t, func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
}

func (s *server) addr() string { return s.Addr().String() }

func (s *server) count(accepted, live int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted += accepted
	s.live += live
}

func (s *server) counts() (accepted, live int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted, s.live
}

// dial connects to addr until the end of the test.
func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// talk is dial and one exchange, after which the connection is known to reach the server.
func talk(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c := dial(t, addr)
	send(t, c, "hello")
	receive(t, c, "hello")
	return c
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil {
		t.Fatalf("got %q and then %v, want %q", got[:n], err, want)
	}
	if string(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

// bounce sends size random bytes to an echo and checks what comes back.
func bounce(t *testing.T, c net.Conn, size int) {
	t.Helper()
	sent, got := make([]byte, size), make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(sent)
	var writing sync.WaitGroup
	defer writing.Wait()
	writing.Go(func() { _, _ = c.Write(sent) })
	if n, err := io.ReadFull(c, got); err != nil {
		t.Fatalf("got %d of %d bytes and then %v", n, size, err)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("the %d bytes that came back are not those sent", size)
	}
}

// outcome is how a read from c ends that should bring nothing.
func outcome(t *testing.T, c net.Conn) error {
	t.Helper()
	n, err := c.Read(make([]byte, 1))
	if n > 0 {
		t.Fatal("a byte arrived, want none")
	}
	return err
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}
