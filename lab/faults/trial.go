package main

import (
	"context"
	"slices"
	"time"

	"github.com/vibework/mooring/registry"
)

// A trial is one operation in one fault.
type trial struct {
	*cell
	*scene
	backend *backend
	fault   *fault
	wanted  wants
	subject *subject
	release func()
	load    *load // that Close finds; nil: none
	found   stock // before the fault
}

// before brings the subject to where the operation makes sense.
func (t *trial) before(ctx context.Context) (err error) {
	t.release = func() {}
	if t.op == registry.OpOpen {
		return nil
	}
	if err = t.subject.must(ctx, "open", t.subject.Open); err == nil {
		err = t.subject.must(ctx, "check", t.subject.Check)
	}
	switch {
	case err != nil:
	case t.hold != nil:
		err = t.subject.must(ctx, "hold", func(ctx context.Context) (err error) {
			t.release, err = t.hold(ctx, t.subject.Resource)
			return err
		})
	case t.op == registry.OpClose:
		t.load, err = newLoad(ctx, t.subject, t.backend)
	}
	if t.op == registry.OpCheck {
		t.found = t.subject.settled(ctx, t.sockets())
	}
	return err
}

// sockets is the address to which sockets are the subject's.
func (t *trial) sockets() string {
	if t.fault.outage > 0 {
		return "" // the others have some, too
	}
	return t.target.addr
}

// during is the operation, and what it leaves behind.
func (t *trial) during(ctx context.Context) {
	d := t.fault.bound()
	switch t.op {
	case registry.OpOpen:
		o := t.subject.within(ctx, d, t.subject.Open)
		t.judge(o, d, t.wanted.Open)
		t.wantText(o.err, t.fault.says)
		if o.err == nil {
			t.found = t.subject.settled(ctx, t.sockets())
		}
	case registry.OpCheck:
		o := t.subject.within(ctx, d, t.subject.Check)
		t.judge(o, d, t.wanted.Check)
		t.wantText(o.err, t.fault.says)
	case registry.OpClose:
		t.closing(ctx, d)
	}
	t.compare(ctx)
}

// closing closes the subject while it works.
func (t *trial) closing(ctx context.Context, d time.Duration) {
	if t.load != nil {
		t.load.start(ctx, t.subject, t.fault.hangs)
		if t.fault.hangs && !t.load.hangs() {
			t.fail("nothing was in flight when it began")
		}
	}
	t.judge(t.subject.within(ctx, d, t.subject.Close), d, t.wanted.Close)
	if t.load != nil {
		t.finish(ctx, t.load, t.subject, slices.Concat(t.backend.outlive, t.fault.excuse))
	}
	t.release()
}

// compare looks for what there was not before.
func (t *trial) compare(ctx context.Context) {
	where := search{addr: t.sockets(), before: t.found, excuse: t.fault.excuse}
	if t.op == registry.OpCheck {
		where.ignore = t.backend.looks
	}
	left, took := t.subject.leftovers(ctx, where)
	t.leave(left, where, took)
}

// meanwhile checks again what is still broken.
func (t *trial) meanwhile(ctx context.Context) {
	if t.op != registry.OpCheck || len(t.problems) > 0 {
		return
	}
	d := t.fault.bound()
	t.judge(t.subject.within(ctx, d, t.subject.Check), d, t.wanted.Check)
}

// after waits for the resource to be well again and closes it, after which nothing is left of it.
func (t *trial) after(ctx context.Context) {
	most := t.fault.healBound(t.backend)
	var took time.Duration
	var err error
	if t.op != registry.OpCheck {
		took, err = t.subject.untilNil(ctx, most, t.subject.Open)
	} else {
		t.release()
	}
	if err == nil {
		var checking time.Duration
		checking, err = t.subject.untilNil(ctx, most, t.subject.Check)
		took += checking
	}
	t.heal(took, most, err)
	if o := t.subject.within(ctx, patience, t.subject.Close); o.err != nil {
		t.fail("closing it in the end: %v", o.err)
	}
}

// nothing looks for what is left when all is closed.
func (t *trial) nothing(ctx context.Context) {
	where := search{addr: t.target.addr, excuse: t.fault.excuse}
	left, _ := t.subject.leftovers(ctx, where)
	t.surplus(left, where)
}
