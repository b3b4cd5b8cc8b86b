package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/vibework/mooring/registry"
)

// A trial is one operation in one fault.
type trial struct {
	*cell
	*scene
	fault   *fault
	wanted  wants
	most    time.Duration // to be well again
	subject *subject
	release func()
}

// row runs all operations of a backend in one fault.
func row(ctx context.Context, w *world, b *backend, f *fault) ([]*cell, error) {
	s, err := f.stage(ctx, w, b)
	if err != nil {
		return nil, err
	}
	var trials []*trial
	var cells []*cell
	for _, op := range []registry.Op{registry.OpOpen, registry.OpCheck, registry.OpClose} {
		c := &cell{backend: b.name, fault: f.name, op: op}
		cells = append(cells, c)
		trials = append(trials, &trial{
			cell: c, scene: s, fault: f, wanted: f.wanted(b), most: f.healBound(b),
			subject: newSubject(b.connect(s.target), w.noise),
		})
	}
	if f.outage > 0 {
		err = together(ctx, s, f, trials)
	} else {
		err = oneByOne(ctx, s, trials)
	}
	if closed := s.close(); err == nil {
		err = closed
	}
	return cells, err
}

func oneByOne(ctx context.Context, s *scene, trials []*trial) error {
	for _, t := range trials {
		if err := t.before(ctx); err != nil {
			return err
		}
		if err := s.begin(ctx); err != nil {
			return fmt.Errorf("the fault: %w", err)
		}
		t.during(ctx)
		if err := s.end(ctx); err != nil {
			return fmt.Errorf("the end of the fault: %w", err)
		}
		t.after(ctx)
		t.leave(t.subject.leftovers(ctx, s.target.addr, t.fault.excuse))
	}
	return nil
}

// together is oneByOne for a fault that takes long.
func together(ctx context.Context, s *scene, f *fault, trials []*trial) error {
	for _, t := range trials {
		if err := t.before(ctx); err != nil {
			return err
		}
	}
	if err := s.begin(ctx); err != nil {
		return fmt.Errorf("the fault: %w", err)
	}
	over := time.Now().Add(f.outage)
	for _, t := range trials {
		t.during(ctx)
	}
	for time.Now().Before(over) && ctx.Err() == nil {
		for _, t := range trials {
			t.meanwhile(ctx)
		}
		pause(ctx, min(time.Second, time.Until(over)))
	}
	if err := s.end(ctx); err != nil {
		return fmt.Errorf("the end of the fault: %w", err)
	}
	var healing sync.WaitGroup
	for _, t := range trials {
		healing.Go(func() { t.after(ctx) })
	}
	healing.Wait()
	for _, t := range trials {
		t.leave(t.subject.leftovers(ctx, s.target.addr, f.excuse))
	}
	return nil
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
	if err == nil && t.hold != nil {
		err = t.subject.must(ctx, "hold", func(ctx context.Context) (err error) {
			t.release, err = t.hold(ctx, t.subject.Resource)
			return err
		})
	}
	return err
}

// during is the operation. What it leaves behind is seen here, if it ends the resource's life.
func (t *trial) during(ctx context.Context) {
	d := t.fault.bound()
	switch t.op {
	case registry.OpOpen:
		o := t.subject.within(ctx, d, t.subject.Open)
		t.judge(o, d, t.wanted.Open)
		t.wantText(o.err, t.fault.says)
		if o.err == nil {
			return
		}
	case registry.OpCheck:
		o := t.subject.within(ctx, d, t.subject.Check)
		t.judge(o, d, t.wanted.Check)
		t.wantText(o.err, t.fault.says)
		return
	case registry.OpClose:
		t.judge(t.subject.within(ctx, d, t.subject.Close), d, t.wanted.Close)
		t.release()
	}
	addr := t.target.addr
	if t.fault.outage > 0 {
		addr = "" // the others have sockets, too
	}
	t.leave(t.subject.leftovers(ctx, addr, t.fault.excuse))
}

// meanwhile checks again what is still broken.
func (t *trial) meanwhile(ctx context.Context) {
	if t.op != registry.OpCheck {
		return
	}
	d := t.fault.bound()
	o := t.subject.within(ctx, d, t.subject.Check)
	if o.err == nil {
		t.fail("a check during the outage was nil")
	}
	if most := o.most(d); o.took > most {
		t.fail("a check during the outage: want at most %v, got %v", most, o.took)
	}
}

// after waits for the resource to be well again and closes it.
func (t *trial) after(ctx context.Context) {
	var took time.Duration
	var err error
	if t.op != registry.OpCheck {
		took, err = t.subject.untilNil(ctx, t.most, t.subject.Open)
	} else {
		t.release()
	}
	if err == nil {
		var checking time.Duration
		checking, err = t.subject.untilNil(ctx, t.most, t.subject.Check)
		took += checking
	}
	t.heal(took, t.most, err)
	if o := t.subject.within(ctx, patience, t.subject.Close); o.err != nil {
		t.fail("closing it in the end: %v", o.err)
	}
}
