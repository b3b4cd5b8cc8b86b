package main

import (
	"context"
	"errors"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

// A crew is a registry of one resource for each backend, with a proxy in front of each server.
type crew struct {
	*registry.Registry
	proxies []*registrytest.Proxy
	subject *subject // bears the mark of all
}

// What the registry of a crew grants.
const (
	crewDeadline = time.Second
	crewCheck    = time.Second
	crewClose    = 2 * time.Second
	perResource  = 250 * time.Millisecond
)

func (r *results) newCrew(w *world) (*crew, error) {
	reg := registry.New()
	reg.CheckTimeout, reg.CloseTimeout = crewCheck, crewClose
	c := &crew{Registry: reg, subject: newSubject(nil, w.noise)}
	for _, b := range r.backends {
		p, err := registrytest.StartProxy(b.server.Addr)
		if err != nil {
			return c, err
		}
		c.proxies = append(c.proxies, p)
		reg.Register(b.connect(target{addr: p.Addr(), password: b.server.Password}))
	}
	return c, nil
}

func (c *crew) freeze() {
	for _, p := range c.proxies {
		p.Blackhole()
	}
}

func (c *crew) stop() error {
	var errs []error
	for _, p := range c.proxies {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// claimAllFour is about the bounds of OpenAll, CheckAll and CloseAll.
func (r *results) claimAllFour(ctx context.Context, w *world) error {
	for _, try := range []struct {
		text  string
		bound time.Duration
		open  bool // all are, when it begins
		run   func(context.Context, *crew, *claim) outcome
	}{
		{"OpenAll, all are silent", crewDeadline + lateness, false, openSilent},
		{
			"OpenAll, the last is silent, the others freeze when they are open: rolled back within one CloseTimeout",
			crewDeadline + lateness + crewClose, false, openAndRollBack,
		},
		{"CheckAll, all are frozen", crewCheck, true, checkFrozen},
		{
			"CloseAll, all are frozen: at most 250 ms for each and 100 ms after its context",
			crewDeadline + time.Duration(len(r.backends))*perResource + lateness, true, closeFrozen,
		},
		{
			"CloseAll, all are frozen, its context is done already",
			time.Duration(len(r.backends))*perResource + lateness, true, closeFrozenDone,
		},
	} {
		c, err := r.newCrew(w)
		if err != nil {
			return errors.Join(err, c.stop())
		}
		if try.open {
			if err := c.subject.must(ctx, "open all", c.OpenAll); err != nil {
				return errors.Join(err, c.stop())
			}
		}
		claim := r.add(allFour, try.text)
		claim.within(try.run(ctx, c, claim), try.bound)
		c.subject.within(ctx, patience, c.CloseAll)
		for _, p := range c.proxies {
			if left, _ := c.subject.leftovers(ctx, p.Addr(), ""); left != "" {
				claim.fail("want nothing left, got %s", left)
			}
		}
		if err := c.stop(); err != nil {
			return err
		}
	}
	return nil
}

func openSilent(ctx context.Context, c *crew, claim *claim) outcome {
	c.freeze()
	o := c.subject.within(ctx, crewDeadline, c.OpenAll)
	claim.wantKind(o.err, registry.KindTimeout)
	return o
}

func openAndRollBack(ctx context.Context, c *crew, claim *claim) outcome {
	last := len(c.proxies) - 1
	c.proxies[last].Blackhole()
	defer time.AfterFunc(crewDeadline/2, c.freeze).Stop()
	o := c.subject.within(ctx, crewDeadline, c.OpenAll)
	claim.wantKind(o.err, registry.KindTimeout)
	return o
}

func checkFrozen(ctx context.Context, c *crew, claim *claim) outcome {
	c.freeze()
	return c.subject.within(ctx, 2*crewDeadline, func(ctx context.Context) error {
		report := c.CheckAll(ctx)
		for _, result := range report.Results {
			claim.wantKind(result.Err, registry.KindTimeout)
		}
		return report.Err()
	})
}

func closeFrozen(ctx context.Context, c *crew, claim *claim) outcome {
	c.freeze()
	o := c.subject.within(ctx, crewDeadline, c.CloseAll)
	claim.wantKind(o.err, "")
	return o
}

func closeFrozenDone(ctx context.Context, c *crew, claim *claim) outcome {
	c.freeze()
	o := c.subject.within(ctx, crewDeadline, func(ctx context.Context) error {
		done, cancel := context.WithCancel(ctx)
		cancel()
		return c.CloseAll(done)
	})
	claim.wantKind(o.err, "")
	return o
}

// wantKind also notes what there was.
func (c *claim) wantKind(err error, want registry.Kind) {
	got := registry.KindOf(err)
	c.seen = orNil(got)
	if got != want {
		c.fail("want %s, got %s: %v", orNil(want), orNil(got), err)
	}
}
