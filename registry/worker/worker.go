package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/internal/guard"
	"github.com/vibework/mooring/registry/internal/wait"
)

// New returns a resource of that name that runs a function from Open until Close. It only records its arguments.
//
// Open starts run on a goroutine of its own, with a context that has the values of Open's and ends when Close is
// called. Close ends that context and waits until run has returned or the context of Close is done; a run that goes
// on then is named in the error, and the next Open waits for its end.
//
// What run returns after that is the error of Close, but for [context.Canceled], which is a clean end. A run that
// returns before that has ended: Check fails with its error until Close, which returns the error as well. A nil error
// is no reason to end, so Check fails then, too. A panic is contained and becomes an error of registry.KindPanic that
// names its place, as does runtime.Goexit.
func New(name string, run func(ctx context.Context) error) registry.Resource {
	return &worker{name: name, run: run, busy: make(chan struct{}, 1)}
}

type worker struct {
	name    string
	run     func(context.Context) error
	busy    chan struct{}       // full while a run goes on, also one that has outlived its Close
	current atomic.Pointer[job] // nil unless it is open
}

// job is one run of the function.
type job struct {
	stop context.CancelFunc
	done chan struct{} // closed when the function has returned
	err  error         // what it returned; may be read when done is closed
}

func (w *worker) Name() string { return w.name }

func (w *worker) Open(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case w.busy <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("the run before has not ended: %w", ctx.Err())
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	j := &job{stop: stop, done: make(chan struct{})}
	w.current.Store(j)
	go guard.Call(func() error { return w.run(life) }, func(err error) {
		j.err = err
		close(j.done)
		<-w.busy
	})
	return nil
}

func (w *worker) Check(context.Context) error {
	j := w.current.Load()
	if j == nil {
		return registry.ErrNotOpen
	}
	if !wait.Closed(j.done) {
		return nil
	}
	return fmt.Errorf("it has ended: %w", cmp.Or(j.err, errors.New("without an error")))
}

func (w *worker) Close(ctx context.Context) error {
	j := w.current.Swap(nil)
	if j == nil {
		return nil
	}
	j.stop()
	if !wait.For(ctx, j.done) {
		return fmt.Errorf("it is still running: %w", ctx.Err())
	}
	if isCanceled(j.err) {
		return nil
	}
	return j.err
}

// isCanceled reports whether err is context.Canceled and nothing else. Of a joined error errors.Is would say so, too,
// though its other half may be that something was lost. A circle is an error, for the registry to name.
func isCanceled(err error) bool {
	parts := []error{err}
	for n := 0; n < len(parts); n++ {
		causes := guard.Causes(parts[n])
		if n == guard.MostWrapped || len(causes) == 0 && !errors.Is(parts[n], context.Canceled) {
			return false
		}
		parts = append(parts, causes...)
	}
	return true
}
