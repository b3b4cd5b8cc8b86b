package registry

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// grace is what a call gets to clean up and return once its context is done.
const grace = 100 * time.Millisecond

var errBusy = Classify(KindHung, errors.New("an earlier call of this resource has not returned yet"))

// job is a call into a resource that must not meet another one: Configure, Open or Close.
type job struct {
	op    Op
	call  func(context.Context) error
	ended func(error) // with the registry's mu held, as soon as call has returned or is abandoned; or nil
	late  func(error) // once call has returned after it was abandoned; or nil
}

// task is a job in flight on a goroutine of its own. A resource has at most one.
type task struct {
	job
	began     time.Time
	done      chan struct{} // closed when the call has returned, unless it was abandoned
	err       error         // what it returned, examined
	abandoned bool          // nobody waits any more; guarded by the registry's mu
}

// within does j and waits until it is done, or until ctx is done and patience has passed.
// A call that is not back by then is abandoned with KindHung: it remains the entry's task until it returns.
func (r *Registry) within(ctx context.Context, patience time.Duration, e *entry, j job) error {
	r.mu.Lock()
	t, err := r.start(ctx, e, j)
	r.mu.Unlock()
	if err != nil {
		return err
	}
	return r.outcome(ctx, e, t, patience)
}

// start makes j the entry's task. It must be called with mu held. The error is errBusy, with the task that is
// in the way, or ErrNotRegistered for an entry that has just been unregistered.
func (r *Registry) start(ctx context.Context, e *entry, j job) (*task, error) {
	switch {
	case r.byName[e.name] != e:
		return nil, ErrNotRegistered
	case e.task != nil:
		return e.task, errBusy
	}
	e.task = &task{job: j, began: time.Now(), done: make(chan struct{})}
	go r.perform(ctx, e, e.task)
	return e.task, nil
}

func (r *Registry) perform(ctx context.Context, e *entry, t *task) {
	err := errGoexit
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if t.abandoned {
			go r.settle(e, t, err)
			return
		}
		e.task, t.err = nil, err
		t.end(err)
		close(t.done)
	}()
	err = contained(t.op, e.name, func() error { return t.call(ctx) })
}

// outcome waits for t until ctx is done and patience has passed.
func (r *Registry) outcome(ctx context.Context, e *entry, t *task, patience time.Duration) error {
	if t.returns(ctx, patience) {
		return t.err
	}
	took := time.Since(t.began).Round(time.Millisecond)
	hung := Classify(KindHung, fmt.Errorf("abandoned after %v: %w", took, ctx.Err()))
	if r.abandon(e, t, hung) {
		return hung
	}
	return t.err
}

// returns reports whether t returns before ctx is done and patience has passed.
func (t *task) returns(ctx context.Context, patience time.Duration) bool {
	select {
	case <-t.done:
		return true
	case <-ctx.Done():
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-t.done:
		return true
	case <-timer.C:
		return false
	}
}

// abandon says that nobody waits for t any more, unless it has just returned.
func (r *Registry) abandon(e *entry, t *task, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.task != t {
		return false
	}
	t.abandoned = true
	t.end(err)
	return true
}

func (t *task) end(err error) {
	if t.ended != nil {
		t.ended(err)
	}
}

// settle ends an abandoned task, after whatever its late return makes necessary.
func (r *Registry) settle(e *entry, t *task, err error) {
	if t.late != nil {
		t.late(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e.task = nil
}
