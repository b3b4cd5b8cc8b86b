package registry

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// grace is what a call gets to clean up and return once its context is done.
const grace = 100 * time.Millisecond

var errBusy = Classify(KindHung, errors.New("an earlier open or close has not returned yet"))

// task is an Open or a Close in flight on a goroutine of its own. A resource has at most one.
type task struct {
	done      chan struct{} // closed when the call has returned, unless it was abandoned
	err       error         // what it returned
	abandoned bool          // nobody waits any more; guarded by the registry's mu
}

// within calls f as the entry's task and waits until it returns, or until ctx is done and patience has passed.
// A call that is not back by then is abandoned with KindHung: it remains the entry's task until it returns, and
// then late gets what it returned.
func (r *Registry) within(ctx context.Context, patience time.Duration, e *entry,
	f func(context.Context) error, late func(error),
) error {
	t := &task{done: make(chan struct{})}
	r.mu.Lock()
	busy := e.task != nil
	if !busy {
		e.task = t
	}
	r.mu.Unlock()
	if busy {
		return errBusy
	}
	go r.perform(ctx, e, t, f, late)
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-t.done:
		return t.err
	case <-timer.C:
	}
	if r.abandon(e, t) {
		return Classify(KindHung, fmt.Errorf("did not return: %w", ctx.Err()))
	}
	return t.err
}

func (r *Registry) perform(ctx context.Context, e *entry, t *task,
	f func(context.Context) error, late func(error),
) {
	err := errGoexit
	defer func() {
		if v := recover(); v != nil {
			err = panicked(v)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if t.abandoned {
			go r.settle(e, func() { late(err) })
			return
		}
		e.task, t.err = nil, err
		close(t.done)
	}()
	err = f(ctx)
}

// settle ends an abandoned task, after whatever its late return makes necessary.
func (r *Registry) settle(e *entry, late func()) {
	late()
	r.mu.Lock()
	defer r.mu.Unlock()
	e.task = nil
}

// abandon says that nobody waits for t any more, unless it has just returned.
func (r *Registry) abandon(e *entry, t *task) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.abandoned = e.task == t
	return t.abandoned
}

// contain calls f and makes an error of a panic or a runtime.Goexit in it.
func contain(f func() error) error {
	result := make(chan error, 1)
	go func() {
		err := errGoexit
		defer func() {
			if v := recover(); v != nil {
				err = panicked(v)
			}
			result <- err
		}()
		err = f()
	}()
	return <-result
}
