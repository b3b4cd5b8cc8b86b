package health

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/registry"
)

// cache keeps the last results, so that a flood of probes costs one check in maxAge.
type cache struct {
	check  func(context.Context) []registry.Result
	maxAge time.Duration
	last   atomic.Pointer[snapshot]

	mu      sync.Mutex
	refresh chan struct{} // closed when the refresh under way is done
}

type snapshot struct {
	results []registry.Result
	made    time.Time
}

func (s *snapshot) fresh(maxAge time.Duration) bool {
	return s != nil && time.Since(s.made) < maxAge
}

// results returns results that are no older than maxAge, waiting for them until ctx is done. The refresh that a
// request starts is nothing that it can spoil: it goes on when the request has gone.
func (c *cache) results(ctx context.Context) ([]registry.Result, bool) {
	if last := c.last.Load(); last.fresh(c.maxAge) {
		return last.results, true
	}
	select {
	case <-c.refreshed():
		return c.last.Load().results, true
	case <-ctx.Done():
		return nil, false
	}
}

// recent returns the result of one resource, if there is one that is no older than maxAge.
func (c *cache) recent(name string) (registry.Result, bool) {
	if last := c.last.Load(); last.fresh(c.maxAge) {
		for _, result := range last.results {
			if result.Name == name {
				return result, true
			}
		}
	}
	return registry.Result{}, false
}

// refreshed returns what is closed when the next results are there, and starts making it unless somebody has.
func (c *cache) refreshed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refresh != nil {
		return c.refresh
	}
	done := make(chan struct{})
	if c.last.Load().fresh(c.maxAge) { // made since the caller looked
		close(done)
		return done
	}
	c.refresh = done
	go func() {
		results := c.check(context.Background())
		c.mu.Lock()
		defer c.mu.Unlock()
		c.last.Store(&snapshot{results, time.Now()})
		c.refresh = nil
		close(done)
	}()
	return done
}
