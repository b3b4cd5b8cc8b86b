package kit

import (
	"context"
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
	return Errorf(kind, "all %d connections of the pool are in use%s", stats.Max, since)
}

// Check asks over the pool first, for half of the time; before that it looks the hosts of a primary up. If that fails,
// a connection of its own tells whether it is the server that is unwell, or a stale connection, one to a former
// primary, or a full pool. That all connections are in use when a question over the pool has no more time is what
// [Pool.Full] says of it, also while the server has no other connection to spare. A connection of its own also reads
// the files of passwords and certificates once more. If the server is well and the idle connections are not, since some
// router has forgotten them or the server their login, or it was started anew, Check calls drop, which closes them,
// unless it is nil. ctx must have a deadline.
func (p *Pool) Check(
	ctx context.Context, stats func() registry.PoolStats, pooled, direct func(context.Context) error, drop func(),
) error {
	if p.Role == Primary {
		p.Ask(ctx, p.Hosts...)
	}
	deadline, _ := ctx.Deadline()
	half, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	err := pooled(half)
	full := registry.KindOf(err) == registry.KindDegraded
	if s := stats(); err != nil && half.Err() != nil && s.Max > 0 && s.InUse >= s.Max {
		err, full = p.Full(s), true
	}
	switch registry.KindOf(err) {
	case registry.KindTimeout, registry.KindUnreachable, registry.KindAuth, registry.KindTLS,
		registry.KindCanceled: // by the driver, which has lost the server meanwhile
	case registry.KindExhausted, registry.KindDegraded,
		registry.KindReadOnly: // a connection to what was the primary
		drop = nil
	default:
		return err
	}
	failure := direct(ctx)
	switch {
	case full && (failure == nil || registry.KindOf(failure) == registry.KindExhausted):
		return err
	case failure == nil && drop != nil:
		drop()
	}
	return failure
}

// Judge is [Role.Judge], and notes what the server has said.
func (p *Pool) Judge(role Role, takesWrites bool) error {
	err := role.Judge(takesWrites)
	if registry.KindOf(err) == registry.KindReadOnly {
		p.ReadOnly()
	}
	return err
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
