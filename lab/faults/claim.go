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
	verdict
	section, text string
	seen          string
	bound         time.Duration // 0: it is not about time
}

// The sections of the page.
const (
	allAtOnce   = "All at once"
	messages    = "No message is lost"
	connections = "No connection is left"
)

func (c *claim) String() string {
	return fmt.Sprintf("%s, %s: %s", c.section, c.text, strings.Join(c.problems, "; "))
}

// within notes how long something took of what it may take.
func (c *claim) within(o outcome, bound time.Duration) {
	c.bound = bound
	c.time(o, bound)
}

// wantKind also notes what there was.
func (c *claim) wantKind(err error, want registry.Kind) {
	c.seen = orNil(registry.KindOf(err))
	c.kind(err, want)
}

// claimAll tries the claims about those backends that there are.
func (r *results) claimAll(ctx context.Context, w *world) error {
	if err := r.claimAllAtOnce(ctx, w); err != nil {
		return fmt.Errorf("%s: %w", allAtOnce, err)
	}
	if err := r.claimMoves(ctx, w); err != nil {
		return fmt.Errorf("%s: %w", moves, err)
	}
	for _, b := range r.backends {
		var err error
		switch {
		case b.name == "pubsub":
			err = r.claimMessages(ctx, w, b)
		case b.lists != "":
			err = r.claimConnections(ctx, b)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return nil
}

// try keeps a claim for the page. If it was too late in a noise it is tried once more.
func (r *results) try(section, text string, run func(*claim) error) error {
	c := &claim{section: section, text: text}
	err := run(c)
	if err == nil && c.again() {
		c = &claim{section: section, text: text}
		err = run(c)
		c.repeated = true
	}
	r.claims = append(r.claims, c)
	return err
}

// lone returns a registry that has this one resource.
func lone(res registry.Resource) *registry.Registry {
	reg := registry.New()
	reg.Register(res)
	return reg
}
