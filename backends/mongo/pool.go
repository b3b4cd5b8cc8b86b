package mongo

import (
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/vibework/mooring/registry"
)

// pool counts the connections, which the driver does not tell when asked.
type pool struct {
	most int // connections to one server; 0 means any number

	mu      sync.Mutex
	servers map[string]*server
	waits   int64
	waited  time.Duration
	cut     int // connections in use that were closed with their pool
}

// server is the driver's own pool, of connections to one server.
type server struct {
	known       bool // the driver has not given it up
	ready, lent map[int64]struct{}
	waiting     []time.Time // since when callers wait, the oldest first
}

func (p *pool) event(e *event.PoolEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.server(e.Address)
	switch e.Type {
	case event.ConnectionPoolCreated:
		s.known = true
	case event.ConnectionPoolClosed:
		s.known = false
	case event.ConnectionReady:
		s.ready[e.ConnectionID] = struct{}{}
	case event.ConnectionClosed:
		delete(s.ready, e.ConnectionID)
		if _, inUse := s.lent[e.ConnectionID]; inUse && e.Reason == event.ReasonPoolClosed {
			p.cut++
		}
	case event.ConnectionCheckOutStarted:
		if p.fills(s) {
			p.waits++
			s.waiting = append(s.waiting, time.Now())
		}
	case event.ConnectionCheckOutFailed:
		p.endWait(s)
	case event.ConnectionCheckedOut:
		p.endWait(s)
		s.lent[e.ConnectionID] = struct{}{}
	case event.ConnectionCheckedIn:
		delete(s.lent, e.ConnectionID)
	}
}

// server returns the counts of a server. p.mu is held.
func (p *pool) server(addr string) *server {
	s := p.servers[addr]
	if s == nil {
		if p.servers == nil {
			p.servers = make(map[string]*server)
		}
		s = &server{ready: make(map[int64]struct{}), lent: make(map[int64]struct{})}
		p.servers[addr] = s
	}
	return s
}

// fills says whether s has lent all the connections that it may have.
func (p *pool) fills(s *server) bool { return p.most > 0 && len(s.lent) >= p.most }

// endWait ends a wait, if there is one: the sum is right whichever caller it was who waited. p.mu is held.
func (p *pool) endWait(s *server) {
	if len(s.waiting) > 0 {
		p.waited += time.Since(s.waiting[0])
		s.waiting = s.waiting[1:]
	}
}

// full says whether all connections that one server may have are in use.
func (p *pool) full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.servers {
		if p.fills(s) {
			return true
		}
	}
	return false
}

func (p *pool) stats() registry.PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	stats := registry.PoolStats{InUse: p.inUse(), WaitCount: p.waits, WaitDuration: p.waited}
	for _, s := range p.servers {
		if s.known {
			stats.Max += p.most
		}
		stats.Idle += max(len(s.ready)-len(s.lent), 0) // what is being closed may be lent still
	}
	stats.Open = stats.InUse + stats.Idle
	return stats
}

// cutInUse returns how many connections the driver has closed while they were in use.
func (p *pool) cutInUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut
}

// inUse counts the connections in use. p.mu is held.
func (p *pool) inUse() (n int) {
	for _, s := range p.servers {
		n += len(s.lent)
	}
	return n
}
