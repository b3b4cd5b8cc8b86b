package wire

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Port forwards connections to a server, which may change, and can stop to accept them.
type Port struct {
	listener *net.TCPListener
	cert     atomic.Pointer[tls.Certificate] // nil: TLS is the server's business
	stall    atomic.Pointer[string]          // what a client must not say; nil: it may say everything

	mu       sync.Mutex
	upstream string
	conns    map[net.Conn]struct{}
	fillers  []net.Conn // what keeps the queue of a deaf port full
	running  sync.WaitGroup
	accepts  sync.WaitGroup
	accepted atomic.Int64
}

// Listen forwards what connects to addr, a host:port, to upstream.
func Listen(addr, upstream string) (*Port, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	p := &Port{listener: l.(*net.TCPListener), upstream: upstream, conns: make(map[net.Conn]struct{})}
	p.accepts.Go(p.accept)
	return p, nil
}

// Addr is the host:port for clients.
func (p *Port) Addr() string { return p.listener.Addr().String() }

// Certify ends TLS here, with that certificate for new connections.
func (p *Port) Certify(cert tls.Certificate) { p.cert.Store(&cert) }

// Stall makes connections silent on which a client says word from now on, as if that took for ever.
func (p *Port) Stall(word string) { p.stall.Store(&word) }

// Lead resets all connections and leads new ones to upstream.
func (p *Port) Lead(upstream string) {
	p.Turn(upstream)
	p.Cut()
}

// Turn leads new connections to upstream. The others stay where they are.
func (p *Port) Turn(upstream string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstream = upstream
}

// Cut resets all connections.
func (p *Port) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		reset(conn)
	}
}

// Conns returns how many connections clients have.
func (p *Port) Conns() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		if conn.LocalAddr().String() == p.Addr() {
			n++
		}
	}
	return n
}

// Accepted returns how many connections clients have made.
func (p *Port) Accepted() int { return int(p.accepted.Load()) }

// Close stops listening and returns when all connections are closed.
func (p *Port) Close() error {
	err := p.listener.Close()
	p.accepts.Wait()
	p.mu.Lock()
	p.hush()
	p.mu.Unlock()
	p.Cut()
	p.running.Wait()
	return err
}

func (p *Port) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil { // closed, or deaf
			return
		}
		p.accepted.Add(1)
		p.mu.Lock()
		p.conns[conn] = struct{}{}
		upstream := p.upstream
		p.mu.Unlock()
		p.running.Go(func() { p.forward(conn, upstream) })
	}
}

func (p *Port) forward(client net.Conn, upstream string) {
	defer p.forget(client)
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", upstream)
	if err != nil {
		reset(client)
		return
	}
	p.mu.Lock()
	p.conns[server] = struct{}{}
	p.mu.Unlock()
	defer p.forget(server)
	near := client
	if p.cert.Load() != nil {
		near = tls.Server(client, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: p.certificate})
	}
	var copying sync.WaitGroup
	copying.Go(func() { relay(near, server, client, server) })
	copying.Go(func() { relay(server, &listener{near, p}, client, server) })
	copying.Wait()
}

// listener is the client's side of a connection, on which some word may stall it.
type listener struct {
	net.Conn
	port *Port
}

func (l *listener) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	word := l.port.stall.Load()
	if err == nil && word != nil && bytes.Contains(b[:n], []byte(*word)) {
		_, err = io.Copy(io.Discard, l.Conn)
		return 0, cmp.Or(err, io.EOF)
	}
	return n, err
}

func (p *Port) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.cert.Load(), nil }

func (p *Port) forget(conn net.Conn) {
	_ = conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

// relay copies until one side ends, and then ends both.
func relay(to io.Writer, from io.Reader, both ...net.Conn) {
	_, _ = io.Copy(to, from)
	for _, conn := range both {
		_ = conn.Close()
	}
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// Accepts says whether somebody accepts connections at addr.
func Accepts(ctx context.Context, addr string) bool {
	dialer := net.Dialer{Timeout: 100 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: elsewhere}}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
