package registry

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/vibework/mooring/registry/internal/wait"
)

// The background is for what nobody waits for: optional resources that did not open, and the checks of Every. There is
// one for the whole registry, and it never runs beside an OpenAll or a CloseAll, which stop it before they look at what
// is open, and so decide alone. A successful OpenAll starts it, and so does one that failed on a registry that an
// earlier one had opened.

// settleTime is how long to wait for whoever opens resources after it was cancelled: a little longer than a call that
// obeys its context needs; a call that does not is abandoned meanwhile.
const settleTime = grace + grace/2

// startBackground does nothing unless the registry is opened. What it starts keeps the values of ctx, such as those
// that tracing needs, and nothing else: OpenAll's context often ends when the program has started.
//
// It opens what has a place in the order already. A resource that was registered later, or whose OpenAll failed before
// it came to its turn, waits for the next OpenAll.
func (r *Registry) startBackground(ctx context.Context) {
	rows := r.current().rows
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.opened.Load() || r.background != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	for _, row := range rows {
		if row.optional && row.state != open && row.state != removed && row.stage > 0 {
			work.Go(func() { r.reopen(ctx, row) })
		}
	}
	if every := r.applied().every; every > 0 {
		work.Go(func() { r.checkEvery(ctx, every) })
	}
	ended := make(chan struct{})
	go func() {
		work.Wait()
		close(ended)
	}()
	r.background = func() <-chan struct{} {
		cancel()
		return ended
	}
}

// stopBackground stops the background. It returns what is closed when everything that it does has ended, nil without
// one. Whoever waits for that must do so with a bound: an Open that does not obey ends only when it is abandoned.
func (r *Registry) stopBackground() (ended <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.background != nil {
		ended = r.background()
	}
	r.background = nil
	return ended
}

// reopen tries again and again until the resource is open or the background is stopped. Every kind of failure is worth
// another attempt, unlike in OpenAll: a password may be repaired, and nobody waits. It writes a record when the kind
// changes, and one a minute: attempts that fail in the same way every few seconds are no news. The first attempt was
// that of OpenAll, so it counts from 2.
func (r *Registry) reopen(ctx context.Context, row row) {
	logged, last := time.Now(), KindUnknown
	if failure := row.failure.Load(); failure != nil {
		last = failure.Kind
	}
	pause := backoff(1)
	for n := 2; wait.Sleep(ctx, nil, pause); n++ {
		err := row.openAnew(ctx, n)
		if err == nil || ctx.Err() != nil && err.Kind != KindHung {
			return
		}
		pause = backoff(n)
		if err.Kind != last || time.Since(logged) >= time.Minute {
			logged, last = time.Now(), err.Kind
			r.about(row.entry, OpOpen, n, err, slog.Duration("wait", pause))
		}
	}
}

// openAnew is one attempt of the background. It configures the resource anew, since what has to be mended may be a file
// or a variable's file.
func (row row) openAnew(ctx context.Context, n int) *Error {
	ctx, cancel := context.WithTimeout(ctx, row.limits.Load().Open)
	defer cancel()
	if err := row.configure(ctx); err != nil {
		return err
	}
	return row.open(ctx, n)
}

// checkEvery starts checks and leaves them: one that is slow does not keep the others from being checked. The waits are
// random within a fifth, so that a hundred replicas which started together do not ask the same server together.
func (r *Registry) checkEvery(ctx context.Context, every time.Duration) {
	for wait.Sleep(ctx, nil, every-time.Duration(rand.Int64N(int64(every)/5+1))) {
		r.startChecks(ctx, r.current().rows...)
	}
}
