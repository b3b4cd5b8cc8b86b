package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/registry/internal/wait"
)

// OpenAll goes through these steps: it takes the turn, reads the settings, stops the background, calls every Configure,
// opens stage by stage, waits for the optional resources, and gives up the turn. If a step fails, what this OpenAll has
// opened is closed again. A CloseAll may come at any point: it cancels the context, and takes over what is open.

const (
	// Opening is retried after a random wait of at most firstWait, doubled each time up to mostWait.
	firstWait = 100 * time.Millisecond
	mostWait  = 5 * time.Second

	// optionalTimeout is the most that one attempt to open an optional resource may take: OpenAll waits for the first
	// one, and a program must not start late for what it can run without.
	optionalTimeout = 5 * time.Second

	// neighbourTime is how long an attempt may go on after a resource of the same stage has failed for good: time enough
	// to find out what is wrong with it, too, so that whoever mends the first mends both.
	neighbourTime = time.Second

	// settleTime is how long to wait for whoever opens resources after it was cancelled: a little longer than a call that
	// obeys its context needs; a call that does not is abandoned meanwhile.
	settleTime = grace + grace/2
)

// errClosing is why an OpenAll fails that a CloseAll has cancelled. It is a context.Canceled for whoever asks.
var errClosing = fmt.Errorf("%w: CloseAll was called", context.Canceled)

// run is an OpenAll or a CloseAll under way, or the background. One OpenAll or CloseAll at a time has the turn, and
// changes what is open.
type run struct {
	done     chan struct{} // closed when it ends
	unclosed []*Error      // what it could not close; to be read once done is closed

	cancel context.CancelCauseFunc // not of a CloseAll

	// Of an OpenAll alone.
	closed atomic.Bool // CloseAll was called, and has cancelled it; set with the registry's mu held

	// Guarded by the registry's mu.
	entries []*entry    // what it opens, in order
	opened  []slog.Attr // how long each took, in the order in which they were open
}

// OpenAll opens every resource that is not open: it calls each Configure, then each Open, in order. An Open that fails
// with a retryable [Kind] is tried again, after random waits that grow from 100ms to 5s, until its OpenTimeout has
// passed or ctx is done; any other failure is final. Every attempt that fails is a Warn record. After the first final
// failure nothing else is begun, and attempts under way in the same stage have one more second. Then everything that
// this call has opened is closed in reverse, within CloseTimeout and whatever the state of ctx.
//
// OpenAll does not wait for a resource that SetOptional names: one attempt of at most 5s starts at its turn, and
// OpenAll waits for all of these in the end. What does not open is opened in the background, with the same waits,
// until that succeeds or CloseAll is called; each attempt configures it anew. Bad configuration is fatal for it, too.
//
// OpenAll returns nil when all required resources are open. Otherwise [Errors] of its error lists what did not open,
// and what did not close after that. Concurrent calls run one after the other. CloseAll cancels those under way, and
// closes what they have opened. ctx bounds the opening alone: what is open stays open when ctx ends. With a ctx that is
// done already nothing is called. An earlier Drain ends when OpenAll begins.
func (r *Registry) OpenAll(ctx context.Context) error {
	if ctx.Err() != nil {
		return joinAll(OpOpen, cause(ctx))
	}
	r.draining.Store(false) // now, not in the end: a Drain that comes meanwhile has to last
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	run := &run{done: make(chan struct{}), cancel: cancel}
	defer r.leave(run)
	r.mu.Lock()
	before := slices.Clone(r.runs)
	r.runs = append(r.runs, run)
	r.mu.Unlock()
	for _, other := range before { // so the turn goes round in the order in which they came, whoever gives up waiting
		wait.For(ctx, other.done)
	}
	if ctx.Err() != nil {
		return joinAll(OpOpen, fmt.Errorf("stopped waiting for its turn: %w", cause(ctx)))
	}
	began := time.Now()
	errs, message := r.open(ctx, run), "opened resources"
	r.mu.Lock() // so that either this call or a CloseAll closes what is open, and never none of them
	if len(errs) == 0 && run.closed.Load() {
		errs = []*Error{newError(OpOpen, all, errClosing)}
	}
	r.opened.Store(r.opened.Load() || len(errs) == 0)
	r.mu.Unlock()
	if len(errs) > 0 {
		message = "resources not opened"
		r.rollBack(ctx, run)
		errs = append(errs, run.unclosed...)
	}
	if len(run.entries) > 0 {
		r.log(slog.LevelInfo, message, slog.String("resource", all), slog.String("op", string(OpOpen)),
			slog.Duration("duration", time.Since(began)), slog.Attr{Key: "opened", Value: slog.GroupValue(run.opened...)})
	}
	r.stopBackground()
	r.startBackground(ctx, r.current().rows)
	return join(errs)
}

// leave ends the run.
func (r *Registry) leave(ended *run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs = slices.DeleteFunc(r.runs, func(other *run) bool { return other == ended })
	r.closing.CompareAndSwap(ended, nil)
	close(ended.done)
}

// open does what OpenAll promises, short of undoing it.
func (r *Registry) open(ctx context.Context, run *run) []*Error {
	v := r.current()
	r.readSettings() // now, so that every entry of the view has its timeouts
	errs := r.wrongNames()
	if len(v.rows) == 0 && r == Default() {
		errs = append(errs, &Error{OpOpen, all, KindConfig, errors.New("nothing is registered (forgotten import?)")})
	}
	wait.All(settleTime, r.stopBackground())
	r.startBackground(ctx, nil) // what is open goes on being checked meanwhile
	stages, busy := r.unopened(run, v.stages)
	if len(busy) > 0 {
		return append(errs, busy...)
	}
	// Whoever has ten variables to set learns of ten in one go. It fails for an optional resource as well, since a mistake
	// in a variable does not mend itself; an optional resource that is busy, or hangs, is left to the background.
	for _, row := range slices.Concat(stages...) {
		if err := row.configure(ctx); err != nil && (!row.optional || err.Kind != KindHung) {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 || len(run.entries) == 0 {
		return errs
	}
	r.log(slog.LevelInfo, "opening resources", slog.String("resource", all), slog.String("op", string(OpOpen)),
		slog.Any("order", r.Names()))
	return r.openAll(ctx, run, stages)
}

// unopened returns the stages of what is not open, and numbers them. A required resource whose last call has not
// returned yet is an error; an optional one is left to the background.
//
// The stages of several OpenAlls are counted on, so that CloseAll closes first what was opened last. An optional
// resource that an earlier OpenAll has left to the background keeps its stage: what was opened after it may use it.
func (r *Registry) unopened(run *run, all [][]row) (stages [][]row, errs []*Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rows := range all {
		rows = slices.DeleteFunc(slices.Clone(rows), func(row row) bool { return row.state == open || row.state == removed })
		r.stage++
		for _, row := range rows {
			if row.state != closed && !row.optional {
				errs = append(errs, newError(OpOpen, row.name, errStillRunning))
			}
			if reopened := r.opened.Load() && row.optional && row.stage > 0; !reopened { // the background keeps its place
				row.stage = r.stage
			}
			run.entries = append(run.entries, row.entry)
		}
		stages = append(stages, rows)
	}
	return stages, errs
}

// openAll opens stage by stage, and waits for the optional resources in the end. The first final failure of a required
// resource ends the retries of all others, and after neighbourTime their attempts. One that never failed by itself is
// not listed: its error would only send whoever reads it to the wrong server.
//
// An optional resource begins at its turn, when what it may use is open, and neither ends the opening of others nor
// counts as a failure, unless the end of ctx is what kept it from opening: then the caller is told that not all has
// been tried.
func (r *Registry) openAll(ctx context.Context, run *run, stages [][]row) (errs []*Error) {
	attempts, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	retries, stop := context.WithCancel(ctx)
	defer stop()
	var optional sync.WaitGroup
	unopened := make(chan *Error, len(run.entries)) // of optional resources
	begin := func(row row) *Error {
		if row.optional {
			optional.Go(func() { unopened <- r.openRow(attempts, retries.Done(), run, row) })
			return nil
		}
		err := r.openRow(attempts, retries.Done(), run, row)
		if err == nil || err.Kind == KindCanceled && errors.Is(context.Cause(attempts), errNeighbour) {
			return nil
		}
		stop()
		time.AfterFunc(neighbourTime, func() { cancel(errNeighbour) })
		return err
	}
	for _, rows := range stages {
		if errs = wait.AtOnce(rows, begin); len(errs) > 0 {
			cancel(errNeighbour)
			break
		}
	}
	optional.Wait()
	for len(errs) == 0 && ctx.Err() != nil && len(unopened) > 0 {
		errs = slices.DeleteFunc(append(errs, <-unopened), func(err *Error) bool { return err == nil })
	}
	return errs
}

// errNeighbour is why an attempt was cut that had not failed by itself.
var errNeighbour = fmt.Errorf("%w: another resource of the stage failed", context.Canceled)

// openRow tries until the resource is open, until trying again is of no use, until a neighbour has failed, or until
// OpenTimeout. An optional resource has one attempt: the others are left to the background.
func (r *Registry) openRow(parent context.Context, failure <-chan struct{}, run *run, row row) *Error {
	ctx, cancel := context.WithTimeout(parent, row.limits.Load().Open)
	defer cancel()
	began := time.Now()
	deadline, _ := ctx.Deadline()
	var before *Error
	for n := 1; ; n++ {
		err := row.open(ctx, n)
		if err == nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			took := slog.Group(row.name, slog.Duration("duration", time.Since(began)), slog.Int("attempts", n))
			run.opened = append(run.opened, took)
			return nil
		}
		// The sockets of an attempt keep the deadline by themselves, and may be first.
		pause, over := backoff(n), ctx.Err() != nil || !time.Now().Before(deadline)
		if row.optional || !err.Kind.Retryable() || over || wait.Closed(failure) {
			pause = 0
		}
		r.about(row.entry, OpOpen, n, err, slog.Duration("wait", pause))
		if before != nil && over && (err.Kind == KindTimeout || err.Kind == KindCanceled) {
			err = before // the end of the time cut this attempt off: the one before knows more
		}
		stopped := pause == 0 || wait.All(min(pause, time.Until(deadline)), failure)
		if before = err; stopped || !time.Now().Before(deadline) {
			return gaveUp(parent, err)
		}
	}
}

// gaveUp is why opening ended: the caller's reason goes before the failure that it kept from being retried. A program
// that was told to stop while it started must be able to say so, and still name the server that it was waiting for.
func gaveUp(parent context.Context, err *Error) *Error {
	switch {
	case !errors.Is(parent.Err(), context.Canceled), err.Kind == KindHung, errors.Is(context.Cause(parent), errNeighbour):
		return err
	case err.Kind == KindCanceled:
		return newError(err.Op, err.Name, cause(parent))
	default:
		return &Error{err.Op, err.Name, KindCanceled, fmt.Errorf("%w; last attempt: %w", cause(parent), err.Err)}
	}
}

// backoff returns the wait after the nth attempt, with full jitter: any wait up to the most is as likely as any other,
// so that programs which lost the same server do not come back together. Six doublings are more than mostWait.
func backoff(n int) time.Duration { return 1 + rand.N(min(mostWait, firstWait<<min(n-1, 6))) }

// The background is for what nobody waits for: optional resources that did not open, and the checks of Every. There is
// one for the whole registry, and it opens nothing beside an OpenAll or a CloseAll, which stop it before they look at
// what is open, and so decide alone. A successful OpenAll starts it, and so does one that failed on a registry that an
// earlier one had opened. While an OpenAll runs on an open registry it only checks.

// startBackground begins to check what is open, and to open what of the rows is optional and not open. It does nothing
// unless the registry is opened. What it starts keeps the values of ctx, such as those that tracing needs, and nothing
// else: OpenAll's context often ends when the program has started.
//
// It opens what has a place in the order already. A resource that was registered later, or whose OpenAll failed before
// it came to its turn, waits for the next OpenAll.
func (r *Registry) startBackground(ctx context.Context, rows []row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.opened.Load() || r.background.Load() != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	for _, row := range rows {
		if row.optional && row.state != open && row.state != removed && row.stage > 0 {
			work.Go(func() { r.reopen(ctx, row) })
		}
	}
	if every := r.applied().every; every > 0 {
		work.Go(func() { r.checkEvery(ctx, every) })
	}
	background := &run{cancel: cancel, done: make(chan struct{})}
	r.background.Store(background)
	go func() {
		work.Wait()
		close(background.done)
	}()
}

// stopBackground stops the background. It returns what is closed when everything that it does has ended, nil without
// one. Whoever waits for that must do so with a bound: an Open that does not obey ends only when it is abandoned.
func (r *Registry) stopBackground() (ended <-chan struct{}) {
	if background := r.background.Swap(nil); background != nil {
		background.cancel(nil)
		ended = background.done
	}
	return ended
}

// reopen tries again and again until the resource is open or the background is stopped. Every kind of failure is worth
// another attempt, unlike in OpenAll: a password may be repaired, and nobody waits. It writes a record when the kind
// changes, and one a minute: attempts that fail in the same way every few seconds are no news. The first attempt was
// that of OpenAll, so it counts from 2.
func (r *Registry) reopen(ctx context.Context, row row) {
	logged, last, pause := time.Now(), cmp.Or(row.failure.Load(), new(Error)).Kind, backoff(1)
	for n := 2; !wait.All(pause, ctx.Done()) && r.find(row.name) == row.entry; n++ {
		err := row.configure(ctx) // anew, since what has to be mended may be a file or a variable's file
		if err == nil {
			err = row.open(ctx, n)
		}
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
