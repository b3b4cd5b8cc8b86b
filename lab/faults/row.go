package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vibework/mooring/registry"
)

// row runs the operations of a backend in one fault, and those once more that were too late in a noise.
func row(ctx context.Context, w *world, b *backend, f *fault) (cells []*cell, err error) {
	s, err := f.stage(ctx, w, b)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	cells, err = attempt(ctx, w, b, f, s, f.ops())
	for i, c := range cells {
		if err != nil || !c.again() {
			continue
		}
		var repeated []*cell
		if repeated, err = attempt(ctx, w, b, f, s, []registry.Op{c.op}); err == nil {
			cells[i] = repeated[0]
			cells[i].repeated = true
		}
	}
	return cells, err
}

// attempt runs some operations.
func attempt(ctx context.Context, w *world, b *backend, f *fault, s *scene, ops []registry.Op) ([]*cell, error) {
	var trials []*trial
	var cells []*cell
	for _, op := range ops {
		c := &cell{backend: b.name, fault: f.name, op: op}
		cells = append(cells, c)
		trials = append(trials, &trial{
			cell: c, scene: s, backend: b, fault: f, wanted: f.wanted(b),
			subject: newSubject(b.connect(s.target), w.noise),
		})
	}
	if f.outage > 0 {
		return cells, together(ctx, s, f, trials)
	}
	return cells, oneByOne(ctx, s, trials)
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
		t.nothing(ctx)
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
	for _, t := range trials {
		t.compare(ctx)
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
		t.nothing(ctx)
	}
	return nil
}
