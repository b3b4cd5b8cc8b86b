package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vibework/mooring/registry"
)

// What the registry of a crew grants.
const (
	crewDeadline = time.Second
	crewCheck    = time.Second
	crewClose    = 2 * time.Second
	perResource  = 250 * time.Millisecond
)

// maneuver is something that is tried with a crew.
type maneuver struct {
	text   string
	bound  time.Duration
	open   bool // all are, when it begins
	closed bool // none is, when it has ended
	run    func(context.Context, *crew, *claim) outcome
}

// claimAllAtOnce is about the bounds of OpenAll, CheckAll and CloseAll.
func (r *results) claimAllAtOnce(ctx context.Context, w *world) error {
	each := time.Duration(len(r.backends)) * perResource
	for _, m := range []maneuver{
		{"OpenAll, all are silent", crewDeadline + lateness, false, true, openSilent},
		{
			"OpenAll, the last is silent, the others freeze when they are open: rolled back within one CloseTimeout",
			crewDeadline + lateness + crewClose, false, true, openAndRollBack,
		},
		{"CheckAll, all are frozen", crewCheck, true, false, checkFrozen},
		{
			"CloseAll, all are at work and frozen: at most 250 ms for each and 100 ms after its context",
			crewDeadline + each + lateness, true, true, closeFrozen,
		},
		{
			"CloseAll, all are at work and frozen, its context is done already",
			each + lateness, true, true, closeFrozenDone,
		},
	} {
		err := r.try(allAtOnce, m.text, func(claim *claim) error { return r.perform(ctx, w, m, claim) })
		if err != nil {
			return err
		}
	}
	return nil
}

// perform tries it with a crew of its own, of which nothing is left in the end.
func (r *results) perform(ctx context.Context, w *world, m maneuver, claim *claim) (err error) {
	c, err := r.newCrew(w)
	defer func() { err = errors.Join(err, c.stop()) }()
	if err != nil {
		return err
	}
	if m.open {
		if err := c.subject.must(ctx, "open all", c.OpenAll); err != nil {
			return err
		}
	}
	claim.within(m.run(ctx, c, claim), m.bound)
	if m.closed {
		c.left(ctx, claim)
	}
	if o := c.subject.within(ctx, patience, c.CloseAll); o.err != nil {
		claim.fail("CloseAll in the end: %v", o.err)
	}
	c.left(ctx, claim)
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
	defer c.Observe(func(e registry.Event) {
		if c.diary.note(e) == last && e.Op == registry.OpOpen {
			c.freeze()
		}
	})()
	o := c.subject.within(ctx, crewDeadline, c.OpenAll)
	claim.wantKind(o.err, registry.KindTimeout)
	c.diary.await(last)
	claim.rolledBack(&c.diary, c.Names()[:last])
	return o
}

// rolledBack wants all these to have been opened, and closed again.
func (c *claim) rolledBack(d *diary, want []string) {
	opened, closed := d.read()
	slices.Reverse(closed)
	if !slices.Equal(opened, want) || !slices.Equal(closed, want) {
		c.fail("want %q opened and closed in reverse, got %q opened and, from the last, %q closed", want, opened, closed)
	}
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
	return closeAtWork(ctx, c, claim, c.CloseAll)
}

func closeFrozenDone(ctx context.Context, c *crew, claim *claim) outcome {
	return closeAtWork(ctx, c, claim, func(ctx context.Context) error {
		done, cancel := context.WithCancel(ctx)
		cancel()
		return c.CloseAll(done)
	})
}

func closeAtWork(ctx context.Context, c *crew, claim *claim, closeAll func(context.Context) error) outcome {
	if err := c.freezeAtWork(ctx, claim); err != nil {
		return outcome{err: err}
	}
	o := c.subject.within(ctx, crewDeadline, closeAll)
	claim.wantKind(o.err, registry.KindTimeout)
	claim.cutAll(o.err, c.Names())
	for i, l := range c.loads {
		claim.finish(ctx, l, c.members[i], c.backends[i].outlive)
	}
	return o
}

// cutAll wants an error that names all these, of which each had something in flight.
func (c *claim) cutAll(err error, names []string) {
	if err == nil {
		return // which is a kind that is not wanted
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), "close "+name+": timeout: ") {
			c.fail("want a time-out of %s in the error, got %v", name, err)
		}
	}
}
