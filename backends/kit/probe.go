package kit

import (
	"context"
	"time"

	"github.com/vibework/mooring/registry"
)

// Probe asks over the pool first, for half of the time. If that fails, a connection of its own tells whether it
// is the server that is unwell, or a stale connection or a full pool: a pool that is full while the server is well is
// registry.KindDegraded. ctx must have a deadline.
func Probe(ctx context.Context, pooled, direct func(context.Context) error) error {
	deadline, _ := ctx.Deadline()
	half, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	err := pooled(half)
	switch registry.KindOf(err) {
	case registry.KindUnreachable, registry.KindTimeout, registry.KindExhausted, registry.KindDegraded:
	default:
		return err
	}
	if err := direct(ctx); err != nil {
		return err
	}
	if registry.KindOf(err) == registry.KindDegraded {
		return err
	}
	return nil
}
