// Package slot holds the client of a backend from one Open to the next: what every backend does in the same
// way around what its driver does differently.
package slot

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/registry"
)

// checkTimeout bounds a Check whose context has no deadline.
const checkTimeout = 5 * time.Second

// Slot holds the client of one resource. The zero value is a slot that was never filled. All methods may be
// called from any goroutine; Get takes no lock.
type Slot[T any] struct {
	mu    sync.Mutex // held by Open and Close, one at a time
	state atomic.Pointer[state[T]]
}

type state[T any] struct {
	client *T
	open   bool
	reason error // why there is no client
}

// Open fills the slot with what connect returns. If that fails, the slot keeps what it has and the reason. It
// is nil when the slot is open.
func (s *Slot[T]) Open(ctx context.Context, connect func(context.Context) (*T, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.load()
	if last.open {
		return nil
	}
	client, err := connect(ctx)
	if err != nil {
		s.state.Store(&state[T]{client: last.client, reason: err})
		return err
	}
	s.state.Store(&state[T]{client: client, open: true})
	return nil
}

// Check calls ping with the client. Before Open and after Close it is ErrNotOpen.
func (s *Slot[T]) Check(ctx context.Context, ping func(context.Context, *T) error) error {
	now := s.load()
	if !now.open {
		return registry.ErrNotOpen
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, checkTimeout)
		defer cancel()
	}
	return ping(ctx, now.client)
}

// Close calls release with the client, unless the slot is not open. The client stays in the slot for those who
// ask for it.
func (s *Slot[T]) Close(ctx context.Context, release func(context.Context, *T) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.load()
	if !last.open {
		return nil
	}
	s.state.Store(&state[T]{client: last.client})
	return release(ctx, last.client)
}

// PoolStats calls stats with the client. The numbers are zero while the slot is not open.
func (s *Slot[T]) PoolStats(stats func(*T) registry.PoolStats) registry.PoolStats {
	now := s.load()
	if !now.open {
		return registry.PoolStats{}
	}
	return stats(now.client)
}

// IsOpen says whether Open has succeeded and Close was not called since.
func (s *Slot[T]) IsOpen() bool { return s.load().open }

// Get returns the client, also after Close. If there never was one, the error is ErrNotOpen, with the reason
// why Open failed if it was called.
func (s *Slot[T]) Get(name string) (*T, error) {
	now := s.state.Load()
	switch {
	case now == nil:
		return nil, fmt.Errorf("%s: %w: registry.OpenAll has not opened it yet", name, registry.ErrNotOpen)
	case now.client == nil:
		return nil, fmt.Errorf("%s: %w: %w", name, registry.ErrNotOpen, now.reason)
	default:
		return now.client, nil
	}
}

// Must is Get for those who take the client after OpenAll, as they should. It panics with Get's error.
func (s *Slot[T]) Must(name string) *T {
	if now := s.state.Load(); now != nil && now.client != nil {
		return now.client // on the way of every query: Get is a call more
	}
	client, err := s.Get(name)
	if err != nil {
		panic(err.Error())
	}
	return client
}

func (s *Slot[T]) load() state[T] {
	if now := s.state.Load(); now != nil {
		return *now
	}
	return state[T]{}
}
