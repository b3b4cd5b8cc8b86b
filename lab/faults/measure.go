package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/vibework/mooring/lab/internal/wire"
)

// results are what the page shows.
type results struct {
	began    time.Time
	took     time.Duration
	faults   []*fault
	backends []*backend
	cells    map[string][]*cell // by key
	claims   []*claim
	noise    time.Duration

	mu sync.Mutex
}

func key(backend, fault string) string { return backend + "/" + fault }

// measure starts the servers, and runs everything on them that o asks for.
func measure(ctx context.Context, o request) (_ *results, err error) {
	r := &results{began: time.Now(), cells: make(map[string][]*cell)}
	if r.faults, err = o.faults(); err != nil {
		return nil, err
	}
	if err := o.checkOnly(); err != nil {
		return nil, err
	}
	w := &world{noise: listen(ctx)}
	if w.folder, err = os.MkdirTemp("", "faults-"); err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(w.folder) }()
	if w.names, err = wire.Take(); err != nil {
		return nil, err
	}
	defer func() { _ = w.names.Close() }()
	defer func() { err = errors.Join(err, r.stop()) }()
	if err := r.start(ctx, w, o.only); err != nil {
		return nil, err
	}
	var short, long []*fault
	for _, f := range r.faults {
		if f.outage == time.Minute {
			long = append(long, f)
		} else {
			short = append(short, f)
		}
	}
	for _, some := range [][]*fault{short, long} {
		if err := r.sweep(ctx, w, some); err != nil {
			return nil, err
		}
	}
	if o.fault == "" {
		if err := r.claimAll(ctx, w); err != nil {
			return nil, err
		}
	}
	if len(r.cells) == 0 && len(r.claims) == 0 {
		return nil, fmt.Errorf("nothing is measured: %s", r.whyNot())
	}
	r.noise = w.noise.between(r.began, time.Now())
	r.took = time.Since(r.began)
	return r, ctx.Err()
}

// constructors start the servers of a backend, in the order of the page.
var constructors = []struct {
	name  string
	start func(context.Context, string) (*backend, error)
}{{"mysql", newMySQL}, {"mongo", newMongo}, {"redis", newRedis}, {"pubsub", newPubSub}, {"postgres", newPostgres}}

// start starts the servers of all backends, or of one.
func (r *results) start(ctx context.Context, w *world, only string) error {
	var starting sync.WaitGroup
	backends, errs := make([]*backend, len(constructors)), make([]error, len(constructors))
	for i, c := range constructors {
		if only != "" && only != c.name {
			continue
		}
		starting.Go(func() {
			folder, err := os.MkdirTemp(w.folder, c.name)
			if err == nil {
				backends[i], err = c.start(ctx, folder)
			}
			errs[i] = err
		})
	}
	starting.Wait()
	for _, b := range backends {
		if b != nil {
			r.backends = append(r.backends, b)
		}
	}
	return errors.Join(errs...)
}

func (r *results) stop() error {
	var errs []error
	for _, b := range r.backends {
		errs = append(errs, b.stop())
	}
	return errors.Join(errs...)
}

// sweep goes through the faults one by one, with all backends at the same time.
func (r *results) sweep(ctx context.Context, w *world, faults []*fault) error {
	var sweeping sync.WaitGroup
	errs := make([]error, len(r.backends))
	for i, b := range r.backends {
		sweeping.Go(func() {
			for _, f := range faults {
				if ctx.Err() != nil {
					return
				}
				if b.cannot[f.name] != "" {
					continue
				}
				cells, err := row(ctx, w, b, f)
				if err != nil {
					errs[i] = fmt.Errorf("%s, %s: %w", b.name, f.name, err)
					return
				}
				r.mu.Lock()
				r.cells[key(b.name, f.name)] = cells
				r.mu.Unlock()
			}
		})
	}
	sweeping.Wait()
	return errors.Join(errs...)
}
