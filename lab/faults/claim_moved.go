package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/vibework/mooring/lab/internal/wire"
	"github.com/vibework/mooring/registry"
)

// moves is the section of the page.
const moves = "The name leads elsewhere"

// What a resource may take to follow its name: connections whose address is in none of the look-ups of half a minute go
// when they come back, and there is a look-up with each check.
const (
	follow   = 35 * time.Second
	newAddr  = "127.0.0.2"
	borrowed = 3 // connections that the program takes and gives back all the time
)

// claimMoves is about the backends with roles, at the same time: it takes long.
func (r *results) claimMoves(ctx context.Context, w *world) error {
	var all sync.WaitGroup
	errs := make([]error, len(r.backends))
	claims := make([]*claim, len(r.backends))
	for i, b := range r.backends {
		if b.admit == nil {
			continue
		}
		claims[i] = &claim{section: moves, text: b.name}
		all.Go(func() { errs[i] = move(ctx, w, b, claims[i]) })
	}
	all.Wait()
	for _, c := range claims {
		if c != nil {
			r.claims = append(r.claims, c)
		}
	}
	return errors.Join(errs...)
}

// move has a program at work while the name of its server gets another address, and the old server lives on.
func move(ctx context.Context, w *world, b *backend, c *claim) (err error) {
	name := b.name + ".moves.test"
	old, err := wire.Listen("127.0.0.1:0", b.server.Addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	host, port, err := net.SplitHostPort(old.Addr())
	if err != nil {
		return err
	}
	now, err := wire.Listen(net.JoinHostPort(newAddr, port), b.server.Addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, now.Close()) }()
	w.names.SetTo(name, host)
	res := b.connect(target{
		addr: net.JoinHostPort(name, port), password: b.server.Password, pool: 2 * borrowed, primary: true,
	})
	reg := lone(res)
	if err := reg.OpenAll(ctx); err != nil {
		return err
	}
	defer func() { _ = reg.CloseAll(context.WithoutCancel(ctx)) }()
	work := func() error {
		release, err := b.hold(ctx, res, borrowed)
		if err == nil {
			release()
		}
		return err
	}
	if err := errors.Join(work(), reg.CheckAll(ctx).Err()); err != nil { // the check looks the name up
		return err
	}
	w.names.SetTo(name, newAddr)
	c.awaitMove(ctx, reg, work, old, now)
	return nil
}

// awaitMove works and checks until nothing is left at the old address.
func (c *claim) awaitMove(ctx context.Context, reg *registry.Registry, work func() error, old, now *wire.Port) {
	began := time.Now()
	for old.Conns() > 0 && time.Since(began) < 2*follow {
		if err := work(); err != nil {
			c.fail("the program's work fails: %v", err)
		}
		if err := reg.CheckAll(ctx).Err(); err != nil {
			c.fail("a check fails: %v", err)
		}
		pause(ctx, time.Second)
	}
	c.within(outcome{took: time.Since(began)}, follow)
	if err := work(); err != nil {
		c.fail("after the move: %v", err)
	}
	c.seen = fmt.Sprintf("%d connections at the old address, %d at the new one", old.Conns(), now.Conns())
	if now.Conns() == 0 {
		c.fail("no connection is at the new address")
	}
}
