package kit

import (
	"cmp"
	"context"
	"crypto/tls"
	"maps"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/vibework/mooring/registry"
)

const (
	usual   = 25 * time.Second       // for closing when the context has no deadline
	cutting = 100 * time.Millisecond // what it takes to cut connections and to count them
)

// Working returns the part of ctx in which work under way may finish when a backend closes: all of it but 100ms, or
// but a quarter if that is less. Without a deadline it is 25s.
func Working(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return context.WithTimeout(ctx, usual)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(cutting, time.Until(deadline)/4)))
}

// Conns dials connections and keeps track of them, so that closing a backend leaves none behind, not even one that the
// program has borrowed and never returned. The zero value is empty and ready to use. All methods are safe for
// concurrent use.
type Conns struct {
	Family string // 4 or 6 if only such addresses will do; set before the first Dial

	// InUse returns how many connections the program uses, where the driver has others open besides: one that it is
	// closing, one over which it cancels a query. Nil means that the program uses all that are open. Set before the first
	// Dial.
	InUse func() int

	begin sync.Once          // makes over, end and conns
	over  context.Context    // done from the beginning of Drain on
	end   context.CancelFunc // of over

	mu    sync.Mutex // guards conns, which grows no more once over is done: end is called under it, too
	conns map[*conn]struct{}
	open  sync.WaitGroup // for what is in conns
}

// errOver is what dialling fails with from the beginning of Drain on.
var errOver = Errorf(registry.KindNotOpen, "%w: it was closed", registry.ErrNotOpen)

// Socket is what TCP and Unix connections have in common. Drivers look for SyscallConn to see whether the server
// has hung up.
type Socket interface {
	net.Conn
	syscall.Conn
	// CloseWrite tells the server that nobody will ask any more.
	CloseWrite() error
}

type conn struct {
	Socket
	set *Conns
}

// Dial connects to addr, a host:port or the path of a Unix socket, within timeout and ctx. TCP keepalive finds a peer
// that is gone within 45s, also while a query waits for its answer. What it returns is a [Socket].
func (s *Conns) Dial(ctx context.Context, addr string, timeout time.Duration) (net.Conn, error) {
	return s.DialTLS(ctx, addr, timeout, nil)
}

// DialTLS is Dial, and a TLS handshake within the same time. It is Dial alone if cfg is nil, as [config.TLS.Config]
// returns it where TLS is off.
func (s *Conns) DialTLS(ctx context.Context, addr string, timeout time.Duration, cfg *tls.Config) (net.Conn, error) {
	ctx, cancel := s.Dialling(ctx, timeout)
	defer cancel()
	raw, err := s.dial(ctx, addr)
	if err != nil || cfg == nil {
		return raw, err
	}
	secure := tls.Client(raw, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, cmp.Or(s.Err(), inHandshake(Classify(err)))
	}
	return secure, nil
}

// Dialling returns ctx for dialling and logging in: it ends after timeout, unless that is 0, and when Drain begins.
func (s *Conns) Dialling(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		timeout = math.MaxInt64
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	unwatch := context.AfterFunc(s.life(), cancel)
	return ctx, func() {
		unwatch()
		cancel()
	}
}

// Err returns nil until Drain begins, and registry.ErrNotOpen from then on: what is ready only now must not be lent.
func (s *Conns) Err() error {
	if s.life().Err() != nil {
		return errOver
	}
	return nil
}

// inHandshake says where the connection broke: a server without TLS mostly hangs up or waits for more.
func inHandshake(err error) error {
	kind := registry.KindOf(err)
	if kind != registry.KindUnreachable && kind != registry.KindTimeout {
		return err
	}
	return Errorf(kind, "%w (in the TLS handshake; does the server speak TLS on this port?)", err)
}

func (s *Conns) dial(ctx context.Context, addr string) (net.Conn, error) {
	network := "tcp" + s.Family
	if strings.HasPrefix(addr, "/") {
		network = "unix"
	}
	raw, err := dialer.DialContext(ctx, network, addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	over := s.Err()
	if err != nil {
		return nil, cmp.Or(over, err)
	}
	if over != nil {
		_ = raw.Close()
		return nil, over
	}
	c := &conn{raw.(Socket), s}
	s.conns[c] = struct{}{}
	s.open.Add(1)
	return c, nil
}

// life returns what is done from the beginning of Drain on.
func (s *Conns) life() context.Context {
	s.begin.Do(func() {
		s.over, s.end = context.WithCancel(context.Background())
		s.conns = make(map[*conn]struct{})
	})
	return s.over
}

// Close closes the connection and forgets it.
func (c *conn) Close() error {
	c.set.mu.Lock()
	if _, open := c.set.conns[c]; open {
		delete(c.set.conns, c)
		c.set.open.Done()
	}
	c.set.mu.Unlock()
	return c.Socket.Close()
}

// Close is Drain, with the error for what was cut.
func (s *Conns) Close(ctx context.Context, release func()) error {
	if cut := s.Drain(ctx, release); cut > 0 {
		return Errorf(registry.KindTimeout, "%d connections were still in use and have been cut", cut)
	}
	return nil
}

// Drain ends what is being dialled; from then on nothing can be. It calls release, which closes what is idle and may
// block, and waits until it has returned and all connections are closed, for the Working part of ctx. Then it cuts
// the connections that are left and returns how many of these were in use.
func (s *Conns) Drain(ctx context.Context, release func()) (cut int) {
	_ = s.life()
	s.mu.Lock()
	s.end()
	s.mu.Unlock()
	if ctx.Err() != nil { // what is idle is closed all the same, and not cut
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.Background(), cutting)
		defer cancel()
	}
	working, stop := Working(ctx)
	defer stop()
	_, _ = Within(working, func() (all struct{}, _ error) {
		release()
		s.open.Wait()
		return all, nil
	}, nil)
	most := math.MaxInt
	if s.InUse != nil {
		most = s.InUse()
	}
	return min(s.cut(), most)
}

func (s *Conns) cut() int {
	s.mu.Lock()
	left := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range left {
		if tcp, ok := c.Socket.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
	return len(left)
}
