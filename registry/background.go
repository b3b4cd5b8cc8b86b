package registry

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// settleTime is how long to wait for whoever opens resources after it was cancelled: a little longer than a call that
// obeys its context needs; a call that does not is abandoned meanwhile.
const settleTime = grace + grace/2

// background opens the optional resources that are not open, and checks all when Every is set. It lives from the
// end of an OpenAll to the next OpenAll or CloseAll.
type background struct {
	cancel context.CancelFunc
	work   sync.WaitGroup
	done   chan struct{} // closed when the work has ended
}

// startBackground does nothing unless the registry is opened. What it starts keeps the values of ctx and nothing else.
func (r *Registry) startBackground(ctx context.Context) {
	rows := r.current().rows
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.opened || r.background != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	b := &background{cancel: cancel, done: make(chan struct{})}
	for _, row := range rows {
		if row.optional && row.state != open && row.state != removed && row.entry.stage > 0 {
			b.work.Go(func() { r.reopen(ctx, row) })
		}
	}
	if every := r.applied().every; every > 0 {
		b.work.Go(func() { r.checkEvery(ctx, every) })
	}
	r.background = b
	go func() {
		b.work.Wait()
		close(b.done)
	}()
}

// stopBackground stops the background and waits for it until ctx is done.
func (r *Registry) stopBackground(ctx context.Context) {
	r.mu.Lock()
	b := r.background
	r.background = nil
	r.mu.Unlock()
	if b == nil {
		return
	}
	b.cancel()
	select {
	case <-b.done:
	case <-ctx.Done():
	}
}

// reopen tries again and again until the resource is open or the background is stopped. Every kind of failure is worth
// another attempt: a password may be repaired. It writes a record when the kind changes, and one a minute.
func (r *Registry) reopen(ctx context.Context, row row) {
	last, logged := row.failureKind(), time.Now()
	for n := 2; ; n++ {
		wait := backoff(n - 1)
		if !sleep(ctx, nil, wait) {
			return
		}
		err := row.openAnew(ctx, n)
		if err == nil || ctx.Err() != nil && err.Kind != KindHung {
			return
		}
		if err.Kind != last || time.Since(logged) >= time.Minute {
			last, logged = err.Kind, time.Now()
			row.logAttempt(n, wait, err)
		}
	}
}

// openAnew is one attempt of the background.
func (row row) openAnew(ctx context.Context, n int) *Error {
	ctx, cancel := context.WithTimeout(ctx, min(optionalTimeout, row.limits.Load().Open))
	defer cancel()
	if c, ok := row.res.(Configurer); ok {
		if err := row.configure(ctx, c); err != nil {
			row.failed(err)
			return err
		}
	}
	return row.open(ctx, n)
}

// checkEvery starts checks and leaves them: one that is slow does not keep the others from being checked.
func (r *Registry) checkEvery(ctx context.Context, every time.Duration) {
	for sleep(ctx, nil, every-time.Duration(rand.Int64N(int64(every)/5+1))) {
		r.startChecks(r.current().rows)
	}
}
