package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Opening is retried after a random wait of at most firstWait, doubled each time up to mostWait.
const (
	firstWait = 100 * time.Millisecond
	mostWait  = 5 * time.Second
)

// optionalTimeout is the most that one attempt to open an optional resource may take.
const optionalTimeout = 5 * time.Second

// openRequired tries until it is open, until trying again is of no use, or until OpenTimeout.
func (r *Registry) openRequired(parent context.Context, e *entry) *Error {
	ctx, cancel := context.WithTimeout(parent, r.settings().open)
	defer cancel()
	for n := 1; ; n++ {
		err := r.attempt(ctx, e, n, r.adopt)
		if err == nil {
			return nil
		}
		wait := backoff(n)
		if !err.Kind.Retryable() || ctx.Err() != nil {
			wait = 0
		}
		r.logAttempt(e, n, wait, err)
		if wait == 0 || !sleep(ctx, wait) {
			return gaveUp(parent, err)
		}
	}
}

// openOptional makes one attempt and leaves the rest to the background.
func (r *Registry) openOptional(parent context.Context, e *entry) *Error {
	ctx, cancel := context.WithTimeout(parent, min(optionalTimeout, r.settings().open))
	defer cancel()
	err := r.attempt(ctx, e, 1, r.adopt)
	if err == nil {
		return nil
	}
	if parent.Err() != nil {
		r.logAttempt(e, 1, 0, err)
		return gaveUp(parent, err)
	}
	wait := backoff(1)
	r.logAttempt(e, 1, wait, err)
	r.reopen(parent, e, wait, err.Kind)
	return nil
}

// attempt calls Open once. What has been opened is adopted before anything says so.
func (r *Registry) attempt(ctx context.Context, e *entry, n int, adopt func(*entry)) *Error {
	start := time.Now()
	var failed *Error
	if ctx.Err() != nil {
		return newError(OpOpen, e.name, canceled(ctx))
	}
	late := func(err error) { r.closeLate(e, err) }
	if err := r.within(ctx, grace, e, e.res.Open, late); err != nil {
		failed = newError(OpOpen, e.name, err)
	}
	e.failure.Store(failed)
	event := Event{Op: OpOpen, Name: e.name, Attempt: n, Duration: time.Since(start)}
	if failed != nil {
		event.Err = failed
	} else {
		adopt(e)
		r.settings().log(slog.LevelInfo, "opened", OpOpen, e.name, nil,
			slog.Int("attempt", n), slog.Duration("duration", event.Duration))
	}
	r.tell(e, event, grace)
	return failed
}

func (r *Registry) logAttempt(e *entry, n int, wait time.Duration, err *Error) {
	r.settings().log(slog.LevelWarn, "open failed", OpOpen, e.name, err,
		slog.Int("attempt", n), slog.Duration("wait", wait))
}

// gaveUp is why opening ended: the caller's reason goes before the failure that it kept from being retried.
func gaveUp(parent context.Context, err *Error) *Error {
	if parent.Err() != context.Canceled || err.Kind == KindCanceled || err.Kind == KindHung {
		return err
	}
	return &Error{err.Op, err.Name, KindCanceled, fmt.Errorf("%w; last attempt: %w", canceled(parent), err.Err)}
}

// canceled is the context's error, with its cause where that says more.
func canceled(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	switch {
	case cause == err:
		return err
	case errors.Is(cause, err):
		return cause
	default:
		return fmt.Errorf("%w: %w", err, cause)
	}
}

// backoff returns the wait after the nth attempt, with full jitter.
func backoff(n int) time.Duration {
	most := mostWait
	if n < 7 {
		most = min(mostWait, firstWait<<(n-1))
	}
	return time.Duration(rand.Int64N(int64(most))) + 1
}

// sleep waits for d and says whether ctx lasted that long.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
