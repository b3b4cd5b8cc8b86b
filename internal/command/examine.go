package command

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// The steps, in their order. The first is shown only when it fails.
const (
	configure    = "configure"
	resolve      = "resolve"
	connect      = "connect"
	authenticate = "authenticate"
	check        = "check"
)

// stepTimeout bounds each step of one backend but configure, which does no more than read files.
const stepTimeout = 5 * time.Second

// round examines what is wanted and not well yet, all at the same time.
func (r *report) round(ctx context.Context) {
	var running sync.WaitGroup
	for n := range r.Findings {
		if f := &r.Findings[n]; f.wanted && (f.Status == skipped || f.Status == registry.Fail) {
			running.Go(func() { f.examine(ctx) })
		}
	}
	running.Wait()
	r.judge()
}

// examine takes the steps until one fails. If it is ctx that cuts this short, what an earlier examination has found
// stands: it knows more.
func (f *finding) examine(ctx context.Context) {
	now := *f
	now.Status, now.Steps, now.Pool, now.Limit, now.Target = registry.Pass, nil, nil, nil, target{}
	now.takeSteps(ctx)
	kind := now.last().Kind
	cut := ctx.Err() != nil && (kind == registry.KindTimeout || kind == registry.KindCanceled)
	if cut && len(f.Steps) > 0 {
		return
	}
	if now.Status == registry.Pass && len(now.Misspelt) > 0 {
		now.Status = registry.Warn
	}
	*f = now
}

func (f *finding) takeSteps(ctx context.Context) {
	res := f.instance.New(f.Name)
	s := newSubject(res)
	defer s.close(ctx)
	var where place
	for _, next := range []struct {
		name string
		do   func(context.Context) error
	}{
		{configure, func(context.Context) error {
			err := res.Configure()
			if located, ok := res.(interface{ Target() kit.Target }); ok {
				f.Target = targetOf(located.Target())
				where = place{located.Target().Addrs, located.Target().SRV}
			}
			return err
		}},
		{resolve, bounded(where.resolve)},
		{connect, bounded(where.connect)},
		{authenticate, s.open},
		{check, s.check},
	} {
		if !f.take(ctx, next.name, next.do) {
			break
		}
	}
	if pooled, ok := res.(registry.Pooler); ok && f.last().Name == check {
		f.Pool = poolOf(pooled.PoolStats())
		if n := connectionLimit(ctx, res); n > 1 { // some proxies answer 1 to any question
			f.Limit = limitFor(n, f.Pool.Max)
		}
	}
}

// bounded gives do the time of a step.
func bounded(do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, stepTimeout)
		defer cancel()
		return do(ctx)
	}
}

// take takes one step and reports whether to go on.
func (f *finding) take(ctx context.Context, name string, do func(context.Context) error) bool {
	start := time.Now()
	err := do(ctx)
	s := step{Name: name, Status: registry.Pass, Took: millisOf(time.Since(start))}
	if err != nil {
		s.Status, s.Kind, s.Error = registry.Fail, registry.KindOf(err), err.Error()
		if e, ok := errors.AsType[*registry.Error](err); ok {
			s.Error = e.Err.Error() // the name of the backend and the kind are shown beside it
		}
		switch {
		case name == configure && s.Kind == registry.KindUnknown:
			s.Kind = registry.KindConfig
		case name == check:
			s.Status = registry.Result{Err: err}.Status() // a full pool is a warning
		}
		s.Advice = adviceFor(f.instance.Title, s)
		f.Status = s.Status
	}
	f.Steps = append(f.Steps, s)
	return err == nil
}
