package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest/faultproxy"
)

// A crew is a registry of one resource for each backend, with a proxy in front of each server.
type crew struct {
	*registry.Registry
	proxies  []*faultproxy.Proxy
	backends []*backend
	members  []*subject
	subject  *subject // bears the mark of all
	loads    []*load
	diary    diary
}

// diary is what happened to the resources.
type diary struct {
	mu     sync.Mutex
	opened []string // by name, in order
	closed []string
}

// note returns how many have opened.
func (d *diary) note(e registry.Event) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case e.Op == registry.OpOpen && e.Err == nil:
		d.opened = append(d.opened, e.Name)
	case e.Op == registry.OpClose:
		d.closed = append(d.closed, e.Name)
	}
	return len(d.opened)
}

// await waits, at most a second, until so many are closed: the events of an observer may come a moment late.
func (d *diary) await(n int) {
	for range 100 {
		if _, closed := d.read(); len(closed) >= n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (d *diary) read() (opened, closed []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.opened), slices.Clone(d.closed)
}

func (r *results) newCrew(w *world) (*crew, error) {
	reg := registry.New()
	reg.CheckTimeout, reg.CloseTimeout = crewCheck, crewClose
	c := &crew{Registry: reg, backends: r.backends, subject: newSubject(nil, w.noise)}
	for _, b := range r.backends {
		p, err := faultproxy.Start(b.server.Addr)
		if err != nil {
			return c, err
		}
		c.proxies = append(c.proxies, p)
		res := b.connect(target{addr: p.Addr(), password: b.server.Password})
		c.members = append(c.members, &subject{res, c.subject.mark, w.noise})
		reg.Register(res)
	}
	return c, nil
}

func (c *crew) freeze() {
	for _, p := range c.proxies {
		p.Blackhole()
	}
}

// freezeAtWork freezes the network of resources that are in use.
func (c *crew) freezeAtWork(ctx context.Context, claim *claim) error {
	for i, b := range c.backends {
		l, err := newLoad(ctx, c.members[i], b)
		if err != nil {
			return err
		}
		c.loads = append(c.loads, l)
	}
	c.freeze()
	var starting sync.WaitGroup
	for i, l := range c.loads {
		starting.Go(func() { l.start(ctx, c.members[i], true) })
	}
	starting.Wait()
	for i, l := range c.loads {
		if !l.hangs() {
			claim.fail("%s: nothing was in flight when it began", c.backends[i].name)
		}
	}
	return nil
}

// left looks for what is left of all members.
func (c *crew) left(ctx context.Context, claim *claim) {
	for _, p := range c.proxies {
		where := search{addr: p.Addr()}
		left, _ := c.subject.leftovers(ctx, where)
		claim.surplus(left, where)
	}
}

func (c *crew) stop() error {
	var errs []error
	for _, p := range c.proxies {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}
