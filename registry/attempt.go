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
	var before *Error
	for n := 1; ; n++ {
		err := r.attempt(ctx, e, n, r.install)
		if err == nil {
			return nil
		}
		if before != nil && err.Kind == KindTimeout && ctx.Err() != nil {
			return gaveUp(parent, before) // the end of the time cut this attempt off: the one before knows more
		}
		before = err
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
func (r *Registry) openOptional(parent context.Context, o *opener, e *entry) *Error {
	ctx, cancel := context.WithTimeout(parent, min(optionalTimeout, r.settings().open))
	defer cancel()
	err := r.attempt(ctx, e, 1, r.install)
	if err == nil {
		return nil
	}
	if parent.Err() != nil {
		r.logAttempt(e, 1, 0, err)
		return gaveUp(parent, err)
	}
	wait := backoff(1)
	r.logAttempt(e, 1, wait, err)
	r.reopen(parent, o, e, wait, err.Kind)
	return nil
}

// attempt calls Open once. What it opens is adopted at once, with the registry's mu held; adopt calls announce when
// nothing can come before the event.
func (r *Registry) attempt(
	ctx context.Context, e *entry, n int, adopt func(e *entry, announce func()),
) *Error {
	if ctx.Err() != nil {
		return newError(OpOpen, e.name, canceled(ctx))
	}
	start := time.Now()
	event := Event{Op: OpOpen, Name: e.name, Attempt: n}
	var told <-chan struct{}
	announce := func() {
		event.Duration = time.Since(start)
		told = r.post(e, event)
	}
	err := r.within(ctx, grace, e, job{
		op:   OpOpen,
		call: e.res.Open,
		ended: func(err error) {
			if err == nil {
				adopt(e, announce)
			}
		},
		late: func(err error) { r.closeLate(e, err) },
	})
	defer func() { hearOut(told, grace) }()
	if err == nil {
		r.settings().log(slog.LevelInfo, "opened", OpOpen, e.name, nil,
			slog.Int("attempt", n), slog.Duration("duration", event.Duration))
		return nil
	}
	failed := newError(OpOpen, e.name, err)
	e.failure.Store(failed)
	event.Err = failed
	announce()
	return failed
}

func (r *Registry) logAttempt(e *entry, n int, wait time.Duration, err *Error) {
	r.settings().log(slog.LevelWarn, "open failed", OpOpen, e.name, err,
		slog.Int("attempt", n), slog.Duration("wait", wait))
}

// gaveUp is why opening ended: the caller's reason goes before the failure that it kept from being retried.
func gaveUp(parent context.Context, err *Error) *Error {
	switch {
	case parent.Err() != context.Canceled || err.Kind == KindHung:
		return err
	case err.Kind == KindCanceled:
		return newError(err.Op, err.Name, canceled(parent))
	default:
		cause := fmt.Errorf("%w; last attempt: %w", canceled(parent), err.Err)
		return &Error{err.Op, err.Name, KindCanceled, cause}
	}
}

// canceled is the context's error, with its cause where that says more.
func canceled(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
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
