package devstack

import (
	"context"
	"io"
	"net"
	"sync"
)

// A port is where clients reach a server. It forwards each connection to the server's private port
// and can be shut and opened again at will, which no two of the servers could do in the same way,
// and not all of them quickly or without losing data.
type port struct {
	target string // host:port of the server
	public string // host:port for clients, the same from the first opening on

	mu       sync.Mutex
	listener net.Listener // nil while the port is shut
	conns    map[net.Conn]struct{}
	running  sync.WaitGroup
}

// open starts forwarding. The caller sees to it that open and shut do not overlap.
func (p *port) open() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	addr := p.public
	if addr == "" {
		addr = loopback
	}
	listener, err := listen(addr)
	if err != nil {
		return err
	}
	p.public = listener.Addr().String()
	p.listener = listener
	p.conns = make(map[net.Conn]struct{})
	p.running.Go(func() { p.accept(listener) })
	return nil
}

// shut refuses new connections, cuts those there are, and returns when both ends know.
func (p *port) shut() {
	p.mu.Lock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	for conn := range p.conns {
		conn.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

func (p *port) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return // shut
		}
		p.running.Go(func() { p.forward(client) })
	}
}

// forward copies in both directions until one end closes, then closes the other.
func (p *port) forward(client net.Conn) {
	defer client.Close()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.track(client, server) {
		return
	}
	defer p.untrack(client, server)

	var back sync.WaitGroup
	back.Go(func() { splice(client, server) })
	splice(server, client)
	back.Wait()
}

// splice copies from src to dst, and closes both when there is no more to copy.
func splice(dst, src net.Conn) {
	_, _ = io.Copy(dst, src) // either end may go at any time: that is what it is for
	dst.Close()
	src.Close()
}

// track makes the connections known to shut. It is false when the port was shut meanwhile.
func (p *port) track(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return false
	}
	for _, conn := range conns {
		p.conns[conn] = struct{}{}
	}
	return true
}

func (p *port) untrack(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		delete(p.conns, conn)
	}
}

// loopback asks for a free port that only this machine can reach.
const loopback = "127.0.0.1:0"

// listen takes no context because listening on a numeric address never waits.
func listen(addr string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
}
