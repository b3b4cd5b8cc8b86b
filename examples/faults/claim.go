package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vibework/mooring/registry"
)

// A claim is something beyond the table that has to be true.
type claim struct {
	section, text string
	seen          string
	took, bound   time.Duration // 0: it is not about time
	problems      []string
}

// The sections of the page.
const (
	allFour     = "All four at once"
	messages    = "No message is lost"
	connections = "No connection is left"
)

func (c *claim) fail(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func (c *claim) String() string {
	return fmt.Sprintf("%s, %s: %s", c.section, c.text, strings.Join(c.problems, "; "))
}

// within notes how long something took of what it may take.
func (c *claim) within(o outcome, bound time.Duration) {
	c.took, c.bound = o.took, bound
	if most := bound + max(slack, o.noise); o.took > most {
		c.fail("want at most %v, got %v", most, o.took.Round(time.Millisecond))
	}
}

// claimAll tries the claims about those backends that there are.
func (r *results) claimAll(ctx context.Context, w *world) error {
	if err := r.claimAllFour(ctx, w); err != nil {
		return fmt.Errorf("%s: %w", allFour, err)
	}
	for _, b := range r.backends {
		var err error
		switch b.name {
		case "pubsub":
			err = r.claimMessages(ctx, b)
		case "mysql", "redis":
			err = r.claimConnections(ctx, b)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return nil
}

// add keeps a claim for the page.
func (r *results) add(section, text string) *claim {
	c := &claim{section: section, text: text}
	r.claims = append(r.claims, c)
	return c
}

// lone returns a registry that has this one resource.
func lone(res registry.Resource) *registry.Registry {
	reg := registry.New()
	reg.Register(res)
	return reg
}
