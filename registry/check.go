package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/vibework/mooring/registry/internal/flight"
	"github.com/vibework/mooring/registry/internal/wait"
)

// A check is asked for here and runs in the line of its resource's session, for everyone who asks. The caller only
// waits: for the answer, for the end of its own context, or, with an optional resource, until the verdict cannot change
// any more. No lock of the registry is taken on the way, and none of the two lists of a CheckAll outlives it.

// optionalGrace is how long CheckAll waits for optional resources once all required ones have answered.
const optionalGrace = 100 * time.Millisecond

// errNoAnswer is why an optional resource that CheckAll did not wait for is not well, though it may be.
var errNoAnswer = Classify(KindTimeout, errors.New("no answer yet"))

// CheckAll checks the named resources, or all of them, at the same time and reports on each: in the order of opening,
// or in that of the names. It waits at most until ctx is done or the timeouts of the checks have passed, also for a
// check that ignores its context.
//
// It does not wait for what cannot change the verdict: 100ms after the last required resource has answered, an
// optional one without an answer has its last result, if that is younger than its timeout, and else KindTimeout.
//
// A resource has at most one check in flight: concurrent callers share it. Its context ends a twentieth before its
// timeout and has nothing to do with ctx, so a caller that leaves early gets KindTimeout or KindCanceled in its own
// report and spoils nothing for the others. A check that has not returned by its timeout is KindHung, for everyone who
// waits and at once for every later caller, until it returns. The result of a resource that is not open is KindNotOpen,
// and that of a name that is not registered is ErrNotRegistered.
func (r *Registry) CheckAll(ctx context.Context, names ...string) Report {
	rows := r.current().rows
	if len(names) > 0 {
		rows = nil
		for _, name := range names {
			rows = append(rows, r.rowOf(name))
		}
	}
	results, flights := make([]Result, len(rows)), r.startChecks(ctx, rows...)
	await := func(ctx context.Context, optional bool) {
		// Checks that are quick end in the order in which they began: whoever waits for the last waits once for all.
		for i, row := range slices.Backward(rows) {
			if row.optional == optional {
				results[i] = r.await(ctx, row, flights[i])
			}
		}
	}
	await(ctx, false)
	if slices.ContainsFunc(rows, func(row row) bool { return row.optional }) {
		short, cancel := context.WithTimeoutCause(ctx, optionalGrace, errNoAnswer)
		defer cancel()
		await(short, true)
	}
	return Report{Results: results}
}

// Check checks one resource and waits for its answer, also if it is optional; otherwise it is as CheckAll. For a name
// that is not registered the result's error is ErrNotRegistered. It is for whoever needs to know about this one: a
// feature that can be left out while its backend is away, say.
func (r *Registry) Check(ctx context.Context, name string) Result {
	row := r.rowOf(name)
	return r.await(ctx, row, r.startChecks(ctx, row)[0])
}

// rowOf returns the row of that name. That of a name that is not registered has an entry all the same, whose check says
// so.
func (r *Registry) rowOf(name string) row {
	known, found := r.current().byName[name]
	if !found {
		known.entry = &entry{name: name}
		known.failure.Store(r.notRegistered(OpCheck, name, ""))
	}
	return known
}

// Last reports what is known without asking anybody: the last result of each resource, with the time at which it
// was found. Opening a resource counts as a check. What is not open is KindNotOpen. With Every, a result that is
// older than twice Every and the check's own timeout is KindTimeout: nobody knows how the resource is. Last never
// waits.
//
// Without Every a result is as old as the last time somebody asked: see its CheckedAt.
func (r *Registry) Last() (report Report) {
	every := r.applied().every
	for _, row := range r.current().rows {
		last := row.result(r.sessionOf(row).Last())
		age := time.Since(last.CheckedAt)
		if every > 0 && !last.CheckedAt.IsZero() && (age-row.limits.Load().Check)/2 > every { // however long every is
			stale := fmt.Errorf("the last check ended %v ago", age.Round(time.Second))
			last.Err = &Error{OpCheck, row.name, KindTimeout, stale}
		}
		report.Results = append(report.Results, last)
	}
	return report
}

// sessionOf returns the session in which the row may be checked. From the beginning of CloseAll that is a closed one,
// also for what CloseAll has not come to yet.
func (r *Registry) sessionOf(row row) *flight.Line {
	if r.closing.Load() != nil {
		return flight.Closed
	}
	return cmp.Or(row.session.Load(), flight.Closed)
}

// startChecks returns the check in flight of each row, nil where none can be or ctx is done. Those that it starts share
// a context for each timeout: one timer, and not as many as there are resources. That of the caller cannot be theirs,
// for others may join them who have more time.
func (r *Registry) startChecks(ctx context.Context, rows ...row) []*flight.Flight {
	flights := make([]*flight.Flight, len(rows))
	rounds := make(map[time.Duration]*flight.Round)
	for i, row := range rows {
		if s := r.sessionOf(row); s != flight.Closed && ctx.Err() == nil {
			limit := row.limits.Load().Check
			round := rounds[limit]
			if round == nil {
				round = flight.NewRound(limit)
				rounds[limit] = round
				defer round.Begun()
			}
			flights[i] = s.Join(round)
		}
	}
	return flights
}

// await returns the answer of a check, or the reason why the caller does not wait for it any longer. Where that is
// errNoAnswer, the last result is as good if it is young enough.
func (r *Registry) await(ctx context.Context, row row, f *flight.Flight) Result {
	if f == nil && (ctx.Err() == nil || r.sessionOf(row) == flight.Closed) {
		return row.result(flight.Closed.Last())
	}
	if f != nil && wait.For(ctx, f.Done()) {
		return row.result(f.Answer())
	}
	reason := fmt.Errorf("the caller stopped waiting: %w", cause(ctx))
	if errors.Is(context.Cause(ctx), errNoAnswer) {
		reason = errNoAnswer
		if last := row.result(r.sessionOf(row).Last()); time.Since(last.CheckedAt) < row.limits.Load().Check {
			return last
		}
	}
	result := Result{Name: row.name, Optional: row.optional, Err: newError(OpCheck, row.name, reason)}
	if f != nil {
		result.Duration = time.Since(f.Began())
	}
	return result
}

// checkEvery starts checks and leaves them: one that is slow does not keep the others from being checked. The waits are
// random within a fifth, so that a hundred replicas which started together do not ask the same server together.
func (r *Registry) checkEvery(ctx context.Context, every time.Duration) {
	for !wait.All(every-rand.N(every/5+1), ctx.Done()) {
		r.startChecks(ctx, r.current().rows...)
	}
}
