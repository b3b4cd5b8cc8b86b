package registry

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/vibework/mooring/registry/internal/guard"
	"github.com/vibework/mooring/registry/internal/queue"
	"github.com/vibework/mooring/registry/internal/wait"
)

// The registry speaks in two ways: in records to a logger, and in events to observers. Neither may slow it down, so
// what is said while somebody waits goes through a queue. Only OpenAll and CloseAll write records themselves, one after
// the other and with no lock held: their caller sees them in order, and before they return.

// Event is something that was done to a resource: one for each attempt to open it, each check that was run
// (however many callers waited for it), and each close. It may get more fields: write it with their names.
type Event struct {
	Op   Op     // OpOpen, OpCheck or OpClose
	Name string // the resource's name

	// Attempt is from 1, for OpOpen, and goes on in the background for an optional resource. It is 0 otherwise.
	Attempt int

	// Time is when it began, and Duration how long it took: until the call returned, or was given up. A check that
	// several callers shared is one event, and its Duration is the check's, not that of a caller.
	Time     time.Time
	Duration time.Duration

	Err error // nil, or an *Error
}

// Observe calls f for each event from now on, until stop is called. f gets one event after the other, in order, on a
// goroutine of its own: it may block and may use the registry, and nothing waits for it. A slow f has 1,024 events
// waiting; of more, the oldest are dropped, and a Warn record says how many. CloseAll gives f at most 100ms for what
// waits. A panic in f is contained; the first is an Error record. Observe panics if f is nil.
//
// stop may be called at any time, also by f, and again. It drops what waits; no call of f begins after stop has
// returned, but one that had begun before may still be running.
func (r *Registry) Observe(f func(Event)) (stop func()) {
	if f == nil {
		panic("registry: Observe of a nil function at " + callSite())
	}
	panicked := false // one record of a panic is enough
	call := func(ev Event) {
		guard.Call(func() error { f(ev); return nil }, func(err error) {
			if err != nil && !panicked {
				panicked = true
				r.log(slog.LevelError, "an observer panicked", slog.String("error", oneLine(err.Error())))
			}
		})
	}
	events := &queue.Queue{Dropped: func(n int) {
		r.log(slog.LevelWarn, "events dropped: an observer is too slow", slog.Int("events", n))
	}}
	r.observers.Store(events, call)
	r.observed.Store(true)
	return func() {
		r.observers.Delete(events)
		events.Stop() // an event that is posted meanwhile is dropped
	}
}

// post hands an event to the observers. It never blocks, so it may be called with a lock held, where that keeps the
// events of a resource in order.
func (r *Registry) post(ev Event) {
	if r.observed.Load() { // else each goroutine of a check would grow its stack for nothing, and take twice the time
		for events, call := range r.observers.Range {
			events.(*queue.Queue).Post(func() { call.(func(Event))(ev) })
		}
	}
}

// flush waits at most so long until the observers and the log have what was posted. A program often ends after
// CloseAll, and what it saw last is what somebody will ask for.
func (r *Registry) flush(most time.Duration) {
	waits := []<-chan struct{}{r.health.Idle()}
	for events := range r.observers.Range {
		waits = append(waits, events.(*queue.Queue).Idle())
	}
	wait.All(most, waits...)
}

// log writes a record about no resource in particular. No lock may be held: a logger may block or use the registry.
func (r *Registry) log(level slog.Level, message string, attrs ...slog.Attr) {
	logger := cmp.Or(r.applied().logger, slog.Default())
	guard.Try(func() { logger.LogAttrs(context.Background(), level, message, attrs...) })
}

// messages are what a record says of an operation that went well, and of one that did not.
var messages = map[Op][2]string{
	OpOpen:  {"opened", "open failed"},
	OpCheck: {"healthy again", "unhealthy"},
	OpClose: {"closed", "close failed"},
}

// about writes a record about a resource, with the attempt if that is not 0, with its kind and its error if err is not
// nil, and with what the resource has said of itself if it is a slog.LogValuer: where it connects to, say. No lock may
// be held.
func (r *Registry) about(e *entry, op Op, attempt int, err *Error, attrs ...slog.Attr) {
	level, message := slog.LevelInfo, messages[op][0]
	about := []slog.Attr{slog.String("resource", e.name), slog.String("op", string(op))}
	if own := e.about.Load(); own != nil && own.Kind() == slog.KindGroup {
		about = append(about, slog.Attr{Value: *own}) // without a name: its attributes stand beside the others
	}
	if attempt > 0 {
		about = append(about, slog.Int("attempt", attempt))
	}
	about = append(about, attrs...)
	if err != nil {
		level, message = slog.LevelWarn, messages[op][1]
		about = append(about, slog.String("kind", string(err.Kind)), slog.String("error", err.Error()))
	}
	r.log(level, message, about...)
}
