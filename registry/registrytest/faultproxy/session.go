package faultproxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// How much a lane holds back before it stops reading: queueSize reads of at most readSize bytes.
const (
	queueSize = 256
	readSize  = 16 << 10
)

// A session is one client's connection through the proxy.
type session struct {
	proxy    *Proxy
	client   *net.TCPConn
	up, down *lane              // to the server, to the client
	cancel   context.CancelFunc // ends the session's goroutines

	// Guarded by Proxy.mu.
	server *net.TCPConn // nil until dialled
	left   bool         // the client has closed its side
}

// A lane is one direction of a session. A goroutine reads into the queue and another one writes
// from it, so that many packets can be under way at once and a peer that leaves is noticed even
// while nothing may pass.
type lane struct {
	queue chan packet
	limit int64 // bytes that may still pass; guarded by Proxy.mu
}

// A packet is what one read returned.
type packet struct {
	data []byte
	err  error
	came time.Time
}

// start begins the session of a client. p.mu is held.
func (p *Proxy) start(client *net.TCPConn) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{
		proxy:  p,
		client: client,
		up:     &lane{make(chan packet, queueSize), unlimited},
		down:   &lane{make(chan packet, queueSize), p.cutAfter},
		cancel: cancel,
	}
	p.sessions[s] = struct{}{}
	p.running.Go(func() { s.run(ctx) })
	p.running.Go(func() {
		s.up.read(ctx, client)
		s.leave()
	})
}

// run connects the client with the server and ends when both directions have.
func (s *session) run(ctx context.Context) {
	defer s.end()
	server := s.dial(ctx)
	if server == nil {
		return
	}
	s.proxy.running.Go(func() { s.down.read(ctx, server) })
	down := make(chan struct{})
	s.proxy.running.Go(func() {
		defer close(down)
		s.write(ctx, s.down, s.client)
	})
	s.write(ctx, s.up, server)
	<-down
}

// dial connects to the server as soon as the network lets it. It returns nil when the server
// cannot be reached or the session has ended.
func (s *session) dial(ctx context.Context) *net.TCPConn {
	if !s.proxy.wait(ctx, time.Now()) {
		return nil
	}
	c, err := new(net.Dialer).DialContext(ctx, "tcp", s.proxy.upstream)
	if err != nil {
		return nil
	}
	server := c.(*net.TCPConn)
	s.proxy.mu.Lock()
	defer s.proxy.mu.Unlock()
	if ctx.Err() != nil {
		abort(server)
		return nil
	}
	s.server = server
	return server
}

// read queues what comes from src, its end included, until that end or ctx's.
func (l *lane) read(ctx context.Context, src *net.TCPConn) {
	buf := make([]byte, readSize)
	for {
		n, err := src.Read(buf)
		select {
		case l.queue <- packet{bytes.Clone(buf[:n]), err, time.Now()}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// write passes a lane's packets on to dst, each in its time. A FIN becomes a FIN, so that half of
// a connection can be closed; a reset, or the end of the lane's limit, resets both ends. When dst
// is broken the lane ends, and the other one, which reads from dst, decides what is to follow.
func (s *session) write(ctx context.Context, l *lane, dst *net.TCPConn) {
	for {
		var pkt packet
		select {
		case pkt = <-l.queue:
		case <-ctx.Done():
			return
		}
		if !s.proxy.wait(ctx, pkt.came) {
			return
		}
		data, spent := s.take(l, pkt.data)
		if _, err := dst.Write(data); err != nil {
			return
		}
		switch {
		case spent, pkt.err != nil && !errors.Is(pkt.err, io.EOF):
			s.cut()
			return
		case pkt.err != nil:
			_ = dst.CloseWrite()
			return
		}
	}
}

// take is the part of data that the lane's limit lets pass, and whether the limit is used up.
func (s *session) take(l *lane, data []byte) (pass []byte, spent bool) {
	s.proxy.mu.Lock()
	defer s.proxy.mu.Unlock()
	n := min(int64(len(data)), l.limit)
	l.limit -= n
	return data[:n], l.limit == 0
}

// leave notes that the client has closed its side. If nothing of it has reached the server and
// nothing may, nobody waits for the rest.
func (s *session) leave() {
	s.proxy.mu.Lock()
	defer s.proxy.mu.Unlock()
	s.left = true
	if s.server == nil && s.proxy.mode == holding {
		s.reset()
	}
}

// cut is reset for those who do not hold Proxy.mu.
func (s *session) cut() {
	s.proxy.mu.Lock()
	defer s.proxy.mu.Unlock()
	s.reset()
}

// reset ends the session with a RST to both sides. Proxy.mu is held.
func (s *session) reset() {
	delete(s.proxy.sessions, s)
	s.cancel()
	abort(s.client)
	if s.server != nil {
		abort(s.server)
	}
}

// end releases what the session holds. After a reset nothing is left to do.
func (s *session) end() {
	s.proxy.mu.Lock()
	defer s.proxy.mu.Unlock()
	delete(s.proxy.sessions, s)
	s.cancel()
	_ = s.client.Close()
	if s.server != nil {
		_ = s.server.Close()
	}
}

// abort closes c with a RST in place of a FIN.
func abort(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
