package mysql

import (
	"context"
	"database/sql"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// letGo is how long a connection that was cut keeps its place when its server does not let go.
const letGo = time.Minute

// places are what the connections of a pool take up at the server. A server goes on with the statement of a connection
// that was cut, so that connection keeps its place until the server has closed it, too: queries that are cancelled and
// made again would fill the server otherwise, while database/sql has room.
type places struct {
	db atomic.Pointer[sql.DB] // whose limit it is; nil until it is made

	mu    sync.Mutex
	taken int
	freed chan struct{} // closed when one is free; nil while nobody waits
}

// take waits for a place until ctx ends.
func (p *places) take(ctx context.Context) error {
	for p != nil {
		freed := p.try()
		if freed == nil {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// try takes a place, or returns what is closed when there may be one.
func (p *places) try() (freed <-chan struct{}) {
	limit := 0
	if db := p.db.Load(); db != nil {
		limit = db.Stats().MaxOpenConnections
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit <= 0 || p.taken < limit {
		p.taken++
		return nil
	}
	if p.freed == nil {
		p.freed = make(chan struct{})
	}
	return p.freed
}

func (p *places) free() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if p.freed != nil {
		close(p.freed)
		p.freed = nil
	}
}

func (p *places) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

// Close closes the connection. If the server owes an answer, it is only told that nobody waits for it; the connection
// and its place stay until the server has closed its end, for a minute at most, or until the pool is closed.
func (w *wire) Close() error {
	w.closed.Store(true)
	half, ok := w.Conn.(interface{ CloseWrite() error })
	if !w.asked.Load() || w.free == nil || !ok {
		return w.leave()
	}
	_ = half.CloseWrite()
	_ = w.SetReadDeadline(time.Unix(1, 0)) // ends what the driver reads
	go func() {
		defer func() { _ = w.leave() }()
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

func (w *wire) leave() error {
	if w.free != nil {
		w.once.Do(w.free)
	}
	return w.Conn.Close()
}
