package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vibework/mooring/registry/internal/flight"
)

// optionalGrace is how long CheckAll waits for optional resources once all required ones have answered.
const optionalGrace = 100 * time.Millisecond

var errNoAnswer = errors.New("no answer yet")

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
// waits and at once for every later caller, until it returns. What is not open is KindNotOpen. A name that is not
// registered is ErrNotRegistered.
func (r *Registry) CheckAll(ctx context.Context, names ...string) Report {
	v := r.current()
	if len(names) == 0 {
		return Report{Results: r.check(ctx, v.rows, optionalGrace)}
	}
	rows, places := make([]row, 0, len(names)), make([]int, 0, len(names))
	results := make([]Result, len(names))
	for i, name := range names {
		place, known := v.byName[name]
		if !known {
			results[i] = Result{Name: name, Err: r.notRegistered(OpCheck, name, "")}
			continue
		}
		rows, places = append(rows, v.rows[place]), append(places, i)
	}
	for i, result := range r.check(ctx, rows, optionalGrace) {
		results[places[i]] = result
	}
	return Report{Results: results}
}

// Check checks one resource and waits for its answer, also if it is optional; otherwise it is as CheckAll. For a name
// that is not registered the result's error is ErrNotRegistered.
func (r *Registry) Check(ctx context.Context, name string) Result {
	v := r.current()
	place, known := v.byName[name]
	if !known {
		return Result{Name: name, Err: r.notRegistered(OpCheck, name, "")}
	}
	return r.check(ctx, v.rows[place:place+1], -1)[0]
}

// Last reports what is known without asking anybody: the last result of each resource, with the time at which it
// was found. Opening a resource counts as a check. What is not open is KindNotOpen. With Every, a result that is
// older than twice Every and the check's own timeout is KindTimeout: nobody knows how the resource is. Last never
// waits.
func (r *Registry) Last() Report {
	rows, every := r.current().rows, r.applied().every
	results := make([]Result, len(rows))
	for i, row := range rows {
		s := r.sessionOf(row)
		if s == nil {
			results[i] = row.notOpenResult()
			continue
		}
		results[i] = row.result(s.checks.Last())
		age := time.Since(results[i].CheckedAt)
		if every > 0 && age > 2*every+row.limits.Load().Check {
			stale := fmt.Errorf("the last check ended %v ago", age.Round(time.Second))
			results[i].Err = &Error{OpCheck, row.name, KindTimeout, stale}
		}
	}
	return Report{Results: results}
}

// sessionOf returns the session in which the row may be checked, or nil.
func (r *Registry) sessionOf(row row) *session {
	if r.ending.Load() {
		return nil
	}
	return row.session.Load()
}

// check checks the rows. If patience is not negative, optional rows get no more than that after the required ones.
func (r *Registry) check(ctx context.Context, rows []row, patience time.Duration) []Result {
	results := make([]Result, len(rows))
	if len(rows) == 0 {
		return results
	}
	if ctx.Err() != nil {
		for i, row := range rows {
			if results[i] = row.notOpenResult(); r.sessionOf(row) != nil {
				results[i].Err = row.stoppedWaiting(ctx)
			}
		}
		return results
	}
	flights, optional := r.startChecks(rows), 0
	for i, row := range rows {
		if row.optional && patience >= 0 {
			optional++
		} else {
			results[i] = row.await(ctx, flights[i])
		}
	}
	if optional == 0 {
		return results
	}
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for i, row := range rows {
		if row.optional {
			results[i] = row.awaitOptional(ctx, short, flights[i])
		}
	}
	return results
}

// startChecks returns the check in flight of each row, nil where none can be. Those that it starts share a context for
// each timeout.
func (r *Registry) startChecks(rows []row) []*flight.Flight {
	flights := make([]*flight.Flight, len(rows))
	var rounds []*flight.Round
	for i, row := range rows {
		if s := r.sessionOf(row); s != nil {
			flights[i] = s.checks.Join(roundFor(&rounds, row.limits.Load().Check, len(rows)))
		}
	}
	for _, round := range rounds {
		round.Begun()
	}
	return flights
}

func roundFor(rounds *[]*flight.Round, limit time.Duration, room int) *flight.Round {
	for _, round := range *rounds {
		if round.Limit() == limit {
			return round
		}
	}
	*rounds = append(*rounds, flight.NewRound(limit, room))
	return (*rounds)[len(*rounds)-1]
}

// await returns the answer of a check, or the reason why the caller does not wait for it any longer.
func (row row) await(ctx context.Context, f *flight.Flight) Result {
	if f == nil {
		return row.notOpenResult()
	}
	select {
	case <-f.Done(): // as it mostly is, once the first checks have been waited for
		return row.result(f.Answer())
	default:
	}
	select {
	case <-f.Done():
		return row.result(f.Answer())
	case <-ctx.Done():
		return row.unanswered(f, row.stoppedWaiting(ctx))
	}
}

// unanswered is the result of a caller who does not wait for the answer, unless it has just come.
func (row row) unanswered(f *flight.Flight, err error) Result {
	select {
	case <-f.Done():
		return row.result(f.Answer())
	default:
		return Result{Name: row.name, Optional: row.optional, Err: err, Duration: time.Since(f.Began())}
	}
}

func (row row) stoppedWaiting(ctx context.Context) *Error {
	return newError(OpCheck, row.name, fmt.Errorf("the caller stopped waiting: %w", cause(ctx)))
}

// awaitOptional is await until short is done: after that the last result has to do, if it is young enough.
func (row row) awaitOptional(ctx, short context.Context, f *flight.Flight) Result {
	if f == nil {
		return row.notOpenResult()
	}
	select {
	case <-f.Done():
		return row.result(f.Answer())
	case <-short.Done():
	}
	if ctx.Err() != nil {
		return row.unanswered(f, row.stoppedWaiting(ctx))
	}
	if s := row.session.Load(); s != nil {
		if last := row.result(s.checks.Last()); time.Since(last.CheckedAt) < row.limits.Load().Check {
			return last
		}
	}
	return row.unanswered(f, &Error{OpCheck, row.name, KindTimeout, errNoAnswer})
}
