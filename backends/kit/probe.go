package kit

import (
	"context"
	"time"

	"github.com/vibework/mooring/registry"
)

// Probe asks over the pool first, for half of the time. If that fails, a connection of its own tells whether it is the
// server that is unwell, or a stale connection, one to a former primary, or a full pool: a pool that is full and moves
// is registry.KindDegraded, also while the server has no other connection to spare. ctx must have a deadline.
func Probe(ctx context.Context, pooled, direct func(context.Context) error) error {
	deadline, _ := ctx.Deadline()
	half, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	err := pooled(half)
	switch registry.KindOf(err) {
	case registry.KindUnreachable, registry.KindTimeout, registry.KindExhausted, registry.KindDegraded,
		registry.KindReadOnly: // a connection to what was the primary
	default:
		return err
	}
	failure := direct(ctx)
	full := isFull(err)
	if failure == nil && full || full && registry.KindOf(failure) == registry.KindExhausted {
		return err
	}
	return failure
}
