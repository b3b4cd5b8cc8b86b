package health

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/registry"
)

// cache keeps the last report, so that a flood of probes costs one check in maxAge.
type cache struct {
	check  func(context.Context) registry.Report
	maxAge time.Duration
	last   atomic.Pointer[snapshot]

	mu      sync.Mutex
	refresh chan struct{} // closed when the refresh under way is done
}

type snapshot struct {
	report registry.Report
	made   time.Time
}

func (s *snapshot) fresh(maxAge time.Duration) bool {
	return s != nil && time.Since(s.made) < maxAge
}

// report returns a report that is no older than maxAge, waiting for one until ctx is done. The refresh that a
// request starts is nothing that it can spoil: it goes on when the request has gone.
func (c *cache) report(ctx context.Context) (registry.Report, bool) {
	if last := c.last.Load(); last.fresh(c.maxAge) {
		return last.report, true
	}
	select {
	case <-c.refreshed():
		return c.last.Load().report, true
	case <-ctx.Done():
		return registry.Report{}, false
	}
}

// refreshed returns what is closed when the next report is there, and starts making it unless somebody has.
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
		report := c.check(context.Background())
		c.mu.Lock()
		defer c.mu.Unlock()
		c.last.Store(&snapshot{report, time.Now()})
		c.refresh = nil
		close(done)
	}()
	return done
}

// caches are the caches of single resources, made when they are first asked for.
type caches struct{ byName sync.Map }

func (c *caches) get(name string, make func() *cache) *cache {
	if known, ok := c.byName.Load(name); ok {
		return known.(*cache)
	}
	known, _ := c.byName.LoadOrStore(name, make())
	return known.(*cache)
}
