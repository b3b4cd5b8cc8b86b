package kit

import (
	"context"
	"time"

	"github.com/vibework/mooring/registry"
)

// Probe asks over the pool first, for half of the time. If that fails, a connection of its own tells whether it is the
// server that is unwell, or a stale connection, one to a former primary, or a full pool: a pool that is full and moves
// is registry.KindDegraded, also while the server has no other connection to spare. A connection of its own also reads
// the files of passwords and certificates once more. If the server is well and the idle connections are not, since some
// router has forgotten them or the server their login, or it was started anew, Probe calls drop, which closes them,
// unless it is nil. ctx must have a deadline.
func Probe(ctx context.Context, pooled, direct func(context.Context) error, drop func()) error {
	deadline, _ := ctx.Deadline()
	half, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	err := pooled(half)
	forgotten := false
	switch registry.KindOf(err) {
	case registry.KindTimeout, registry.KindUnreachable, registry.KindAuth, registry.KindTLS,
		registry.KindCanceled: // by the driver, which has lost the server meanwhile
		forgotten = true
	case registry.KindExhausted, registry.KindDegraded,
		registry.KindReadOnly: // a connection to what was the primary
	default:
		return err
	}
	failure := direct(ctx)
	full := isFull(err)
	if failure == nil && full || full && registry.KindOf(failure) == registry.KindExhausted {
		return err
	}
	if failure == nil && forgotten && drop != nil {
		drop()
	}
	return failure
}
