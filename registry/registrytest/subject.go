package registrytest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/vibework/mooring/registry"
)

// A subject is the resource on trial. Its methods return what the resource's do, and always return:
// a call that panics, or that is stuck, is a breach. It fails the rule even if the rule ignores it.
type subject struct {
	*trial
	res   registry.Resource
	proxy *Proxy // in front of its server; nil if there is none
}

func (x *subject) name() (name string) {
	_ = x.call(x.within(x.long), "Name", func(context.Context) error {
		name = x.res.Name()
		return nil
	})
	return name
}

// open does what OpenAll does for one resource.
func (x *subject) open(ctx context.Context) error {
	if err := x.configure(); err != nil {
		return err
	}
	return x.call(ctx, "Open", x.res.Open)
}

func (x *subject) configure() error {
	c, ok := x.res.(registry.Configurer)
	if !ok {
		return nil
	}
	configure := func(context.Context) error { return c.Configure() }
	return x.call(x.within(x.long), "Configure", configure)
}

func (x *subject) check(ctx context.Context) error { return x.call(ctx, "Check", x.res.Check) }

// checkFor is check with a context that ends after d or with the check, as those of the registry do.
func (x *subject) checkFor(d time.Duration) error {
	ctx, cancel := context.WithTimeout(x.ctx, d)
	defer cancel()
	return x.check(ctx)
}

func (x *subject) close(ctx context.Context) error { return x.call(ctx, "Close", x.res.Close) }

// ready opens the resource and waits for a check to pass. That the first one does is a rule of its own.
func (x *subject) ready() error {
	if err := x.open(x.within(x.long)); err != nil {
		return fmt.Errorf("from Open with the server up: %w", err)
	}
	return x.heals(x.settle)
}

// heals waits until a check passes.
func (x *subject) heals(limit time.Duration) error {
	return eventually(limit, func() error {
		if err := x.checkFor(x.settle); err != nil {
			return fmt.Errorf("from Check with the server up for %v: %w", limit, err)
		}
		return nil
	})
}

// breach is the error of a call that panicked or did not return.
type breach struct{ text string }

func (b *breach) Error() string { return b.text }

func isBreach(err error) bool {
	_, ok := errors.AsType[*breach](err)
	return ok
}

// call calls f on a goroutine of its own, and returns when f does, or when f is stuck.
func (s *trial) call(ctx context.Context, name string, f func(context.Context) error) error {
	result := make(chan error, 1)
	go func() {
		pprof.SetGoroutineLabels(ctx) // and of all goroutines that f starts
		var err error = &breach{name + " ended its goroutine instead of returning"}
		defer func() {
			if v := recover(); v != nil {
				err = &breach{fmt.Sprintf("%s panicked: %v\n%s", name, v, debug.Stack())}
			}
			pprof.SetGoroutineLabels(context.Background()) // its own end is not waited for
			result <- err
		}()
		err = f(ctx)
	}()
	select {
	case err := <-result:
		return s.note(name, err)
	case <-ctx.Done():
	}
	select {
	case err := <-result:
		return s.note(name, err)
	case <-time.After(s.slack):
		stacks := strings.Join(goroutines(s.mark), "\n")
		return s.note(name, &breach{fmt.Sprintf("%s has not returned %v after its context was done, "+
			"and waits here:\n%s", name, s.slack, stacks)})
	}
}

// note remembers what an error shows, and the first breach.
func (s *trial) note(name string, err error) error {
	if err == nil {
		return nil
	}
	s.journal.note("the error of "+name, err)
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
