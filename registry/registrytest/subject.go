package registrytest

import (
	"context"
	"fmt"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// A subject is the resource on trial. Its methods return what the resource's do, and always return: a call that
// panics, that is stuck, or whose error nobody can look at is a breach. It fails the rule even if the rule ignores it.
type subject struct {
	*trial
	res   registry.Resource
	proxy *faultproxy.Proxy // in front of its server; nil if there is none
}

func (x *subject) name() (name string) {
	_ = x.call(x.within(x.long), "Name", func(context.Context) error {
		name = x.res.Name()
		return nil
	})
	return name
}

// open does what OpenAll does for one resource.
func (x *subject) open(ctx context.Context) error {
	if err := x.configure(); err != nil {
		return err
	}
	return x.call(ctx, "Open", x.res.Open)
}

func (x *subject) configure() error {
	c, ok := x.res.(registry.Configurer)
	if !ok {
		return nil
	}
	configure := func(context.Context) error { return c.Configure() }
	return x.call(x.within(x.long), "Configure", configure)
}

func (x *subject) check(ctx context.Context) error { return x.call(ctx, "Check", x.res.Check) }

// checkFor is check with a context that ends after d or with the check, as those of the registry do.
func (x *subject) checkFor(d time.Duration) error {
	ctx, cancel := context.WithTimeout(x.ctx, d)
	defer cancel()
	return x.check(ctx)
}

func (x *subject) close(ctx context.Context) error { return x.call(ctx, "Close", x.res.Close) }

// ready opens the resource and waits for a check to pass. That the first one does is a rule of its own.
func (x *subject) ready() error {
	if err := x.open(x.within(x.long)); err != nil {
		return fmt.Errorf("from Open with the server up: %w", err)
	}
	return x.heals(x.settle)
}

// heals waits until a check passes.
func (x *subject) heals(limit time.Duration) error {
	return eventually(limit, func() error {
		if err := x.checkFor(x.settle); err != nil {
			return fmt.Errorf("from Check with the server up for %v: %w", limit, err)
		}
		return nil
	})
}
