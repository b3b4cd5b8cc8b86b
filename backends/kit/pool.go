package kit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vibework/mooring/registry"
)

const (
	stuckAfter = 30 * time.Second // without a connection that was lent or came back
	grownUp    = time.Second      // so a pool makes at most its own size of new connections a second
)

// Pool is what a backend notes of its pool while drivers do not: whether connections move, and which of them are to
// leave. The zero value is ready to use. All methods are safe for concurrent use.
type Pool struct {
	Lookups // of Hosts

	// If Role is Primary, Check looks Hosts up, so that Left finds the connections that are to leave. Set both before the
	// first Check.
	Role  Role
	Hosts []string

	mu       sync.Mutex
	moved    time.Time // when a connection was last lent or came back
	returns  bool      // whether one ever came back: something between the pool and the backend may hide it
	readOnly time.Time // when the server last said that it takes no writes
}

// Lent notes that a connection is being lent, also a new one.
func (p *Pool) Lent() { p.move(false) }

// Returned notes that a connection has come back.
func (p *Pool) Returned() { p.move(true) }

func (p *Pool) move(back bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved, p.returns = time.Now(), p.returns || back
}

// Full returns what it means that all connections of the pool are in use: registry.KindDegraded, and
// registry.KindExhausted once none has been lent or come back for 30s, however often it is asked.
func (p *Pool) Full(stats registry.PoolStats) error {
	p.mu.Lock()
	stuck := p.returns && time.Since(p.moved) >= stuckAfter
	p.mu.Unlock()
	kind, since := registry.KindDegraded, ""
	if stuck {
		kind, since = registry.KindExhausted, fmt.Sprintf(", and none has come back for %v", stuckAfter)
	}
	if stats.WaitCount > 0 {
		since += fmt.Sprintf(" (waits: %d)", stats.WaitCount)
	}
	text := fmt.Sprintf("all %d connections of the pool are in use%s", stats.Max, since)
	return registry.Classify(kind, &failure{kind: kind, text: text, full: true})
}

// Check is [Probe] with what the pool has noted, after the look-ups of a primary: that all connections are in use when
// a question over the pool has no more time is what [Pool.Full] says of it.
func (p *Pool) Check(
	ctx context.Context, stats func() registry.PoolStats, pooled, direct func(context.Context) error, drop func(),
) error {
	if p.Role == Primary {
		p.Ask(ctx, p.Hosts...)
	}
	return Probe(ctx, func(ctx context.Context) error {
		err := pooled(ctx)
		if s := stats(); err != nil && ctx.Err() != nil && s.Max > 0 && s.InUse >= s.Max {
			return p.Full(s)
		}
		return err
	}, direct, drop)
}

// Judge is [Role.Judge], and notes what the server has said.
func (p *Pool) Judge(role Role, takesWrites bool) error {
	err := role.Judge(takesWrites)
	if registry.KindOf(err) == registry.KindReadOnly {
		p.ReadOnly()
	}
	return err
}

// isFull reports whether err is of a pool that is full, whatever it means.
func isFull(err error) bool {
	e, ok := errors.AsType[*failure](err)
	return ok && e.full || registry.KindOf(err) == registry.KindDegraded
}

// ReadOnly notes that the server has just said, over a connection of the pool, that it takes no writes. It may have
// been demoted: every connection that has been made by now is Stale as soon as it is a second old.
func (p *Pool) ReadOnly() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readOnly = time.Now()
}

// Stale reports whether a connection that was made then has to leave the pool. A backend asks when the connection comes
// back, and before it is lent.
func (p *Pool) Stale(made time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !made.After(p.readOnly) && time.Since(made) >= grownUp
}
