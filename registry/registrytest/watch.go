package registrytest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"
)

// breach is the error of a call that panicked, did not return, or returned an error that nobody can look at.
type breach struct{ text string }

func (b *breach) Error() string { return b.text }

func isBreach(err error) bool {
	_, ok := errors.AsType[*breach](err)
	return ok
}

// call returns what f does, and looks at how its error prints. An error that does not print is a breach.
func (s *trial) call(ctx context.Context, name string, f func(context.Context) error) error {
	err := s.watch(ctx, name, f)
	if err == nil {
		return nil
	}
	if unprintable := s.show("the error of "+name, err); unprintable != nil {
		return unprintable
	}
	return err
}

// show notes in the journal how v prints, which calls methods of a resource, too.
func (s *trial) show(what string, v any) error {
	ctx, cancel := context.WithTimeout(s.ctx, s.slack)
	defer cancel()
	return s.watch(ctx, "printing "+what, func(context.Context) error {
		s.journal.note(what, v)
		return nil
	})
}

// watch returns what f does, and remembers the first breach.
func (s *trial) watch(ctx context.Context, name string, f func(context.Context) error) error {
	err := s.outcome(ctx, name, f)
	if isBreach(err) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.worst == nil {
			s.worst = err
		}
	}
	return err
}

func (s *trial) breached() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.worst
}

// outcome calls f on a goroutine of its own, and returns when f does, or when f is stuck.
func (s *trial) outcome(ctx context.Context, name string, f func(context.Context) error) error {
	result := make(chan error, 1)
	go func() {
		pprof.SetGoroutineLabels(ctx) // and of all goroutines that f starts
		what := name
		var err error = &breach{name + " ended its goroutine instead of returning"}
		defer func() {
			if v := recover(); v != nil {
				err = &breach{fmt.Sprintf("%s panicked: %v\n%s", what, v, debug.Stack())}
			}
			pprof.SetGoroutineLabels(context.Background()) // its own end is not waited for
			result <- err
		}()
		returned := f(ctx)
		what = "the error of " + name
		err = acceptable(name, returned)
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-result:
		return err
	case <-time.After(s.slack):
		mark, _ := pprof.Label(ctx, markKey)
		stacks := strings.Join(goroutines(mark), "\n")
		return &breach{fmt.Sprintf("%s has not returned %v after its context was done, and waits here:\n%s",
			name, s.slack, stacks)}
	}
}

// eventually tries until f returns nil or a breach, or until the limit has passed, and returns what f did.
// The last attempt begins after that: however slow f is, what comes in time is seen.
func eventually(limit time.Duration, f func() error) error {
	end := time.Now().Add(limit)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		last := time.Now().After(end)
		err := f()
		if err == nil || last || isBreach(err) {
			return err
		}
		<-time.After(pause)
	}
}
