package registry

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vibework/mooring/registry/internal/flight"
)

// session is a resource from one Open to the Close after it: its checks, and what is known of its health.
type session struct {
	entry  *entry
	checks *flight.Line

	// What was logged last, guarded by the lock under which the line answers.
	kind    Kind         // "" for healthy
	since   time.Time    // when that was found
	records [6]time.Time // when the last six records were written, the oldest at next
	next    int
}

// newSession begins with a healthy answer: the opening has asked the backend.
func newSession(e *entry, took time.Duration) *session {
	now := time.Now()
	s := &session{entry: e, since: now}
	s.checks = flight.NewLine(s.check, s.answered, flight.Answer{Began: now.Add(-took), Ended: now})
	return s
}

// check runs one check; the error is examined here, where its methods can do no harm.
func (s *session) check(ctx context.Context) error {
	return examine(OpCheck, s.entry.name, s.entry.res.Check(ctx))
}

// answered makes the outcome of a check known before anybody gets it. The line calls it under a lock.
func (s *session) answered(a *flight.Answer) {
	var failed *Error
	if a.Err != nil {
		failed = newError(OpCheck, s.entry.name, a.Err)
		a.Err = failed
	}
	duration := a.Ended.Sub(a.Began)
	s.entry.records.post(Event{Op: OpCheck, Name: s.entry.name, Time: a.Began, Duration: duration, Err: a.Err})
	if kind := KindOf(a.Err); kind != s.kind {
		s.logChange(kind, failed, a.Ended, duration)
	}
}

// logChange writes a record of the new health, but no more than six a minute.
func (s *session) logChange(kind Kind, err *Error, now time.Time, took time.Duration) {
	if oldest := s.records[s.next]; !oldest.IsZero() && now.Sub(oldest) < time.Minute {
		return // the change is still there to be logged with a later check
	}
	lasted := now.Sub(s.since)
	s.kind, s.since = kind, now
	s.records[s.next] = now
	s.next = (s.next + 1) % len(s.records)
	level, message := slog.LevelInfo, "healthy again"
	if err != nil {
		level, message = slog.LevelWarn, "unhealthy"
	}
	s.entry.records.logLater(func() {
		s.entry.records.about(level, message, OpCheck, s.entry, err,
			slog.Duration("duration", took), slog.Duration("lasted", lasted))
	})
}

// end makes the resource not open for everyone, at once, and returns what is closed when the check in flight has
// returned. It is nil if nothing is worth waiting for.
func (s *session) end(cancel bool) (returned <-chan struct{}) { return s.checks.Close(cancel) }

// result is the answer in the words of a Report.
func (row row) result(a flight.Answer) Result {
	res := Result{Name: row.name, Optional: row.optional, Err: a.Err, Duration: a.Ended.Sub(a.Began), CheckedAt: a.Ended}
	if errors.Is(a.Err, flight.ErrClosed) {
		return row.notOpenResult()
	}
	return res
}

func (row row) notOpenResult() Result {
	return Result{Name: row.name, Optional: row.optional, Err: row.notOpen()}
}
