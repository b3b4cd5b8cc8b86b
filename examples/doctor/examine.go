package main

import (
	"context"
	"sync"
	"time"

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

// stepTimeout bounds one step of one backend.
const stepTimeout = 5 * time.Second

// skipped is the status of what was not examined.
const skipped registry.Status = "skip"

// report is what was found out about all instances.
type report struct {
	Status   registry.Status `json:"status"`
	Findings []finding       `json:"backends"`
}

// finding is what was found out about one instance.
type finding struct {
	Name   string          `json:"name"`
	Status registry.Status `json:"status"`
	Read   []string        `json:"read,omitempty"` // the variables that are set
	Steps  []step          `json:"steps,omitempty"`
	Pool   *pool           `json:"pool,omitempty"`
}

type step struct {
	Name     string          `json:"name"`
	Status   registry.Status `json:"status"`
	Duration string          `json:"duration"`
	Kind     registry.Kind   `json:"kind,omitempty"`
	Error    string          `json:"error,omitempty"`
	Advice   string          `json:"advice,omitempty"`
}

// examineAll examines the instances at the same time. What no variable configures is skipped, unless wanted.
func examineAll(ctx context.Context, instances []instance, environ []string, wanted bool) report {
	rep := report{Findings: make([]finding, len(instances))}
	var running sync.WaitGroup
	for n, i := range instances {
		running.Go(func() {
			f := finding{Name: i.name, Read: i.read(environ), Status: skipped}
			if wanted || len(f.Read) > 0 {
				f.examine(ctx, i)
			}
			rep.Findings[n] = f
		})
	}
	running.Wait()
	rep.judge()
	return rep
}

// judge derives the status of the report.
func (r *report) judge() {
	r.Status = skipped
	for _, f := range r.Findings {
		if rank[f.Status] > rank[r.Status] {
			r.Status = f.Status
		}
	}
}

var rank = map[registry.Status]int{skipped: 0, registry.Pass: 1, registry.Warn: 2, registry.Fail: 3}

// examine takes the steps until one fails.
func (f *finding) examine(ctx context.Context, i instance) {
	f.Status = registry.Pass
	res := i.new(i.name)
	var where place
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
		defer cancel()
		_ = res.Close(ctx)
	}()
	for _, next := range []struct {
		name string
		do   func(context.Context) error
	}{
		{configure, func(context.Context) (err error) {
			if err = res.Configure(); err == nil {
				where, err = i.where(i.name)
			}
			return err
		}},
		{resolve, where.resolve},
		{connect, where.connect},
		{authenticate, res.Open},
		{check, res.Check},
	} {
		if !f.take(ctx, next.name, next.do) {
			break
		}
	}
	if pooled, ok := res.(registry.Pooler); ok && f.last().Name == check {
		numbers := pool(pooled.PoolStats())
		f.Pool = &numbers
	}
}

// take takes one step and says whether to go on.
func (f *finding) take(ctx context.Context, name string, do func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	start := time.Now()
	err := do(ctx)
	s := step{Name: name, Status: registry.Pass, Duration: millis(time.Since(start))}
	if err != nil {
		s.Kind, s.Error = registry.KindOf(err), err.Error()
		s.Advice = adviceFor(s.Kind)
		s.Status = registry.Fail
		if name == check {
			s.Status = registry.Result{Err: err}.Status() // a full pool is a warning
		}
		f.Status = s.Status
	}
	f.Steps = append(f.Steps, s)
	return err == nil
}

// last returns the last step that was taken.
func (f finding) last() step {
	if len(f.Steps) == 0 {
		return step{}
	}
	return f.Steps[len(f.Steps)-1]
}

// exit returns the status to exit with.
func (r report) exit() int {
	for _, f := range r.Findings {
		if s := f.last(); s.Name == configure && s.Status == registry.Fail {
			return statusWrong
		}
	}
	switch r.Status {
	case skipped:
		return statusWrong
	case registry.Fail:
		return statusUnwell
	default:
		return statusWell
	}
}
