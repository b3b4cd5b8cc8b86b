package main

import (
	"context"
	"sync/atomic"

	"github.com/vibework/mooring/registry"
)

// counted is a resource that notices when it is checked twice at once.
type counted struct {
	registry.Resource
	running atomic.Int32
	checks  atomic.Int64
	twice   atomic.Int64
}

func (c *counted) Configure() error { return c.Resource.(registry.Configurer).Configure() }

func (c *counted) Check(ctx context.Context) error {
	c.checks.Add(1)
	if c.running.Add(1) > 1 {
		c.twice.Add(1)
	}
	defer c.running.Add(-1)
	return c.Resource.Check(ctx)
}
