package mysql

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
)

// places are what the connections of a pool take up at the server. A server goes on with the statement of a connection
// that was cut, so that connection keeps its place until the server has closed it, too: queries that are cancelled and
// made again would fill the server otherwise, while database/sql has room. Killing the query instead would take one
// connection more, which a full server does not give.
type places struct {
	db    atomic.Pointer[sql.DB] // whose limit it is, which a program may change; nil is none
	freed *sync.Cond             // its lock guards taken
	taken int
}

func newPlaces() *places { return &places{freed: sync.NewCond(new(sync.Mutex))} }

// take waits for a place until ctx ends.
func (p *places) take(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { p.add(0) })()
	p.freed.L.Lock()
	defer p.freed.L.Unlock()
	for p.full() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.freed.Wait()
	}
	p.taken++
	return nil
}

func (p *places) full() bool {
	db := p.db.Load()
	if db == nil {
		return false
	}
	limit := db.Stats().MaxOpenConnections
	return limit > 0 && p.taken >= limit
}

// add adds n to what is taken, wakes who waits, and returns what is taken.
func (p *places) add(n int) int {
	p.freed.L.Lock()
	defer p.freed.L.Unlock()
	p.taken += n
	p.freed.Broadcast()
	return p.taken
}
