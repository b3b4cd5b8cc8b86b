// Package conns dials connections and keeps track of them, so that closing a backend leaves none behind,
// not even one that the program has borrowed and never returned.
package conns

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/registry"
)

// Patience bounds what connections in use get to come back before they are cut: a second, and no more than three
// quarters of what ctx has left, since cutting takes time, too.
func Patience(ctx context.Context) (context.Context, context.CancelFunc) {
	patience := time.Second
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)*3/4)
	}
	return context.WithTimeout(ctx, patience)
}

// Set is a set of open connections. The zero value is empty and ready to use, from any goroutine.
type Set struct {
	mu    sync.Mutex
	conns map[*conn]struct{}
	empty chan struct{}      // closed when the last connection of a set that is being drained has gone
	over  context.Context    // done when the set has been drained; nil until somebody asks
	end   context.CancelFunc // of over
}

// errOver is what dialling a set fails with that has been drained.
var errOver = fault.New(registry.KindNotOpen, "%w: it was closed", registry.ErrNotOpen)

// socket is what TCP and Unix connections have in common. Drivers look for SyscallConn to see whether the server
// has hung up.
type socket interface {
	net.Conn
	syscall.Conn
}

type conn struct {
	socket
	set *Set
}

// Dial connects to addr, a host:port or the path of a Unix socket, within timeout and ctx.
func (s *Set) Dial(ctx context.Context, addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return s.dial(ctx, addr)
}

// DialTLS is Dial, and a TLS handshake within the same time.
func (s *Set) DialTLS(ctx context.Context, addr string, timeout time.Duration, cfg *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	raw, err := s.dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(raw, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, inHandshake(fault.From(err))
	}
	return secure, nil
}

// inHandshake says where the connection broke: a server without TLS mostly hangs up or waits for more.
func inHandshake(err error) error {
	switch kind := registry.KindOf(err); kind {
	case registry.KindUnreachable, registry.KindTimeout:
		return fault.New(kind, "%w (in the TLS handshake; does the server speak TLS on this port?)", err)
	default:
		return err
	}
}

func (s *Set) dial(ctx context.Context, addr string) (net.Conn, error) {
	network := "tcp"
	if strings.HasPrefix(addr, "/") {
		network = "unix"
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := s.life()
	defer context.AfterFunc(over, cancel)()
	raw, err := new(net.Dialer).DialContext(ctx, network, addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	if over.Err() != nil {
		if err == nil {
			_ = raw.Close()
		}
		return nil, errOver
	}
	if err != nil {
		return nil, err
	}
	c := &conn{raw.(socket), s}
	if s.conns == nil {
		s.conns = make(map[*conn]struct{})
	}
	s.conns[c] = struct{}{}
	return c, nil
}

// life returns what is done when the set has been drained.
func (s *Set) life() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over == nil {
		s.over, s.end = context.WithCancel(context.Background())
	}
	return s.over
}

// Close closes the connection and forgets it.
func (c *conn) Close() error {
	c.set.forget(c)
	return c.socket.Close()
}

// ReadFrom leaves the copying to the socket, which may have a shorter way.
func (c *conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.socket, r) }

func (s *Set) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if len(s.conns) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// Drain waits until all connections are closed, as long as Patience allows; then it cuts those that are left and
// returns how many these were. It ends what is being dialled, too, and from then on nothing can be dialled any more.
func (s *Set) Drain(ctx context.Context) (cut int) {
	s.mu.Lock()
	empty := make(chan struct{})
	if len(s.conns) == 0 {
		close(empty)
	} else {
		s.empty = empty
	}
	s.mu.Unlock()
	patient, stop := Patience(ctx)
	defer stop()
	select {
	case <-empty:
	case <-patient.Done():
	}
	return s.cut()
}

func (s *Set) cut() int {
	_ = s.life()
	s.mu.Lock()
	s.end()
	s.empty = nil
	left := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		left = append(left, c)
	}
	s.mu.Unlock()
	for _, c := range left {
		if tcp, ok := c.socket.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
	return len(left)
}
