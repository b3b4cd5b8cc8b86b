package mongo

import (
	"context"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
)

// patience is what connections in use get to come back before they are cut.
const patience = time.Second

// pool counts the connections in use, which the driver does not tell when asked.
type pool struct {
	mu   sync.Mutex
	lent map[string]int // by server
	back chan struct{}  // closed when the last of them is back, while somebody waits for that
}

func (p *pool) event(e *event.PoolEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Type {
	case event.ConnectionCheckedOut:
		if p.lent == nil {
			p.lent = make(map[string]int)
		}
		p.lent[e.Address]++
	case event.ConnectionCheckedIn:
		p.lent[e.Address]--
		if p.back != nil && p.inUse() == 0 {
			close(p.back)
			p.back = nil
		}
	}
}

// full says whether all connections that one server may have are in use; 0 means any number.
func (p *pool) full(most int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.lent {
		if most > 0 && n >= most {
			return true
		}
	}
	return false
}

// drain waits until no connection is in use, for at most a second and within ctx, and returns how many still are.
func (p *pool) drain(ctx context.Context) int {
	p.mu.Lock()
	back := make(chan struct{})
	if p.inUse() == 0 {
		close(back)
	} else {
		p.back = back
	}
	p.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-back:
	case <-timer.C:
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.back = nil
	return p.inUse()
}

// inUse counts the connections in use. p.mu is held.
func (p *pool) inUse() (n int) {
	for _, lent := range p.lent {
		n += lent
	}
	return n
}
