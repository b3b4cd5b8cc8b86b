package faultproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// How long to insist on the proxy's port when it listens again, and how long to wait between
// attempts. Somebody else may hold it: it was free while the proxy refused connections.
const (
	relistenFor   = time.Second
	relistenPause = 10 * time.Millisecond
)

// acceptPause keeps the accept loop from spinning while the process is out of file descriptors.
const acceptPause = 10 * time.Millisecond

// turn puts m in force, for the listener, the live connections and what waits. p.mu is held.
func (p *Proxy) turn(m mode) {
	if p.mode == closed {
		return
	}
	switch m {
	case refusing, closed:
		_ = p.unlisten()
	default:
		p.relisten()
	}
	p.mode = m
	if m != passing && m != holding {
		p.cut()
	}
	p.wake()
}

// cut resets every session. p.mu is held.
func (p *Proxy) cut() {
	for s := range p.sessions {
		s.reset()
	}
}

// wake makes every wait look at the mode and the latency again. p.mu is held.
func (p *Proxy) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait returns true when what came at the given time may pass, false when ctx is done before.
func (p *Proxy) wait(ctx context.Context, came time.Time) bool {
	for {
		p.mu.Lock()
		hold, changed, rest := p.mode == holding, p.changed, time.Until(came.Add(p.latency))
		p.mu.Unlock()
		var due <-chan time.Time // nil, which is never, while the network is silent
		if !hold {
			if rest <= 0 {
				return true
			}
			due = time.After(rest)
		}
		select {
		case <-due:
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

func listen(addr *net.TCPAddr) (*net.TCPListener, error) {
	l, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("faultproxy: %w", err)
	}
	return l, nil
}

// serve accepts from l until unlisten. p.mu is held, or p is not shared yet.
func (p *Proxy) serve(l *net.TCPListener) {
	p.listener = l
	p.running.Go(func() {
		for {
			switch client, err := l.AcceptTCP(); {
			case err == nil:
				p.admit(l, client)
			case errors.Is(err, net.ErrClosed):
				return
			default:
				time.Sleep(acceptPause)
			}
		}
	})
}

// admit starts the session of a new client, unless the mode or a new listener since says no.
func (p *Proxy) admit(l *net.TCPListener, client *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accepted++
	if p.listener != l || p.mode == resetting {
		abort(client)
		return
	}
	p.start(client)
}

// unlisten closes the listener if there is one. p.mu is held.
func (p *Proxy) unlisten() error {
	l := p.listener
	if l == nil {
		return nil
	}
	p.listener = nil
	return l.Close()
}

// relisten listens on the proxy's port again unless it still does. p.mu is held.
func (p *Proxy) relisten() {
	if p.listener != nil {
		return
	}
	for end := time.Now().Add(relistenFor); ; time.Sleep(relistenPause) {
		l, err := listen(p.addr)
		if err == nil {
			p.serve(l)
			return
		}
		if time.Now().After(end) {
			panic(err)
		}
	}
}
