// Package faultproxy is for tests of what a program does when its network fails. A [Proxy] listens between a client and
// its server and breaks the network between them on command: packets vanish, connections are reset or refused, answers
// are late or stop half-way. It passes any protocol over TCP, TLS included.
//
//	proxy := faultproxy.New(t, "127.0.0.1:3306")
//	// let the client dial proxy.Addr(), then:
//	proxy.Blackhole() // the server has become silent
//	proxy.Pass()      // and is back
//
// Programs that are not tests use [Start].
package faultproxy

import (
	"math"
	"net"
	"sync"
	"testing"
	"time"
)

// A Proxy passes TCP connections on to a server until it is told to misbehave.
//
// [Proxy.Pass], [Proxy.Blackhole], [Proxy.Reset] and [Proxy.Refuse] exclude each other: the last
// one called is in force, for live and for new connections. [Proxy.Latency] and [Proxy.CutAfter]
// come on top of it, and Pass ends them too. A call returns when its fault is in force.
//
// All methods may be called at any time and concurrently. After [Proxy.Close] they do nothing.
type Proxy struct {
	upstream string
	addr     *net.TCPAddr
	running  sync.WaitGroup // every goroutine of the proxy

	mu       sync.Mutex
	mode     mode
	changed  chan struct{}    // closed and replaced whenever mode or latency change
	listener *net.TCPListener // nil while the mode is refusing or closed
	sessions map[*session]struct{}
	accepted int
	latency  time.Duration
	cutAfter int64 // what a new session may pass from the server to the client
}

type mode int

const (
	passing mode = iota
	holding
	resetting
	refusing
	closed
)

// unlimited is more than a connection can ever pass.
const unlimited = math.MaxInt64

// New starts a proxy in front of the server at upstream, a host:port, and closes it when the
// test is over. The server need not be up yet.
func New(t testing.TB, upstream string) *Proxy {
	t.Helper()
	p, err := Start(upstream)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// Start is [New] for programs that are not tests. The caller closes the proxy.
func Start(upstream string) (*Proxy, error) {
	l, err := listen(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		upstream: upstream,
		addr:     l.Addr().(*net.TCPAddr),
		changed:  make(chan struct{}),
		sessions: make(map[*session]struct{}),
		cutAfter: unlimited,
	}
	p.serve(l)
	return p, nil
}

// Addr is the host:port for clients to dial, on the loopback interface. It never changes.
func (p *Proxy) Addr() string { return p.addr.String() }

// Pass undoes every fault: the proxy is as it was at the start. What [Proxy.Blackhole] or
// [Proxy.Latency] held back is delivered, on connections that never broke. After [Proxy.Refuse]
// Pass listens on the same port again, and so do Blackhole and Reset; they panic if another
// program has taken the port and keeps it for a second.
func (p *Proxy) Pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = 0
	p.cutAfter = unlimited
	for s := range p.sessions {
		s.down.limit = unlimited
	}
	p.turn(passing)
}

// Blackhole makes the network silent: connections are accepted and stay open, but nothing gets
// through, neither bytes nor the closing of a connection, except what is being written at that
// moment. It is held back, up to some megabytes for each connection, until [Proxy.Pass]. A client
// that gives up before its connection has reached the server is forgotten: the server never
// hears of it.
func (p *Proxy) Blackhole() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn(holding)
}

// Reset resets every live connection, towards the client and the server, and every new one as
// soon as it is accepted: a client learns it from its dial or from its first read.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn(resetting)
}

// Refuse stops listening, so that connections are refused, and resets every live one.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn(refusing)
}

// Cut resets every live connection once. New ones are treated as before. A connection counts as
// live when the proxy has accepted it, which may be a moment after the client's dial returned.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
}

// CutAfter resets each connection made from now on when it has passed n bytes from the server to
// the client, which is how to break a handshake half-way. CutAfter(0) resets it in place of the
// server's first byte.
func (p *Proxy) CutAfter(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutAfter = max(n, 0)
}

// Latency delays everything by d in each direction, new connections included, so that a round
// trip takes 2d longer. The order is kept, and what is sent close together arrives close together.
// A new d counts for what is under way, too. Zero ends it.
func (p *Proxy) Latency(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency = d
	p.wake()
}

// Conns is the number of connections that are open at the client's end: those that neither the
// proxy has reset nor the client has closed. A client that has closed only its sending side is
// not counted any more.
func (p *Proxy) Conns() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for s := range p.sessions {
		if !s.left {
			n++
		}
	}
	return n
}

// Accepted is the number of connections accepted since the start, those reset at once included.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Close stops listening, resets every live connection and returns when the last goroutine of the
// proxy has ended. Further calls are nil.
func (p *Proxy) Close() error {
	p.mu.Lock()
	err := p.unlisten()
	p.turn(closed)
	p.mu.Unlock()
	p.running.Wait()
	return err
}
