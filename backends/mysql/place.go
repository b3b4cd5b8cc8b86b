package mysql

import (
	"context"
	"database/sql"
	"io"
	"sync"
	"sync/atomic"
	"time"
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

// letGo is how long a connection that was cut keeps its place when its server does not let go.
const letGo = time.Minute

// Close closes the connection. If it was lent and the server owes an answer, the server is only told that nobody waits
// for it, and the connection stays until the server has closed its end, for a minute at most, or until the pool is
// closed.
func (w *wire) Close() error {
	half, ok := w.Conn.(interface{ CloseWrite() error })
	switch {
	case w.closed.Swap(true):
		return nil
	case !ok || !w.asked.Load() || !w.lent.Load():
		defer w.leave()
		return w.Conn.Close()
	}
	_ = half.CloseWrite()
	_ = w.SetReadDeadline(time.Unix(1, 0)) // ends what the driver reads
	go func() {
		defer w.leave()
		defer func() { _ = w.Conn.Close() }()
		w.reading.Lock()
		defer w.reading.Unlock()
		ctx, cancel := w.conns.Dialling(context.Background(), letGo)
		defer cancel()
		defer context.AfterFunc(ctx, func() { _ = w.Conn.Close() })()
		_ = w.SetReadDeadline(time.Time{})
		_, _ = io.Copy(io.Discard, w.Conn)
	}()
	return nil
}

// leave gives the place back. Of a connection that was not lent, Connect does.
func (w *wire) leave() {
	if w.lent.Load() {
		w.places.add(-1)
	}
}
