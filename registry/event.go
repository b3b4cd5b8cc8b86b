package registry

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/registry/internal/guard"
	"github.com/vibework/mooring/registry/internal/queue"
)

// Event is something that was done to a resource: one for each attempt to open it, each check that was run
// (however many callers waited for it), and each close. It may get more fields: write it with their names.
type Event struct {
	Op       Op            // OpOpen, OpCheck or OpClose
	Name     string        // the resource's name
	Attempt  int           // from 1, for OpOpen; 0 otherwise
	Time     time.Time     // when it began
	Duration time.Duration // how long it took
	Err      error         // nil, or an *Error
}

// Observe calls f for each event from now on, until stop is called. f gets one event after the other, in order, on a
// goroutine of its own: it may block and may use the registry, and nothing waits for it. 1,024 events wait for a
// slow f; of more, the oldest are dropped, and a Warn record says how many. CloseAll gives f at most 100ms for what
// waits. A panic in f is contained; the first is an Error record. Observe panics if f is nil.
//
// stop may be called at any time, also by f. It drops what waits; no call of f begins after stop has returned.
func (r *Registry) Observe(f func(Event)) (stop func()) {
	if f == nil {
		panic("registry: Observe of a nil function at " + callSite())
	}
	return r.records.observe(f)
}

// records tells the log and the observers what happens. Its methods are safe for concurrent use.
type records struct {
	logger    atomic.Pointer[slog.Logger] // nil means slog.Default()
	observers atomic.Pointer[[]*queue.Queue[Event]]
	health    atomic.Pointer[queue.Queue[func()]] // the records of checks: no check waits for a logger that blocks
}

func (rec *records) observe(f func(Event)) (stop func()) {
	var panicked atomic.Bool
	q := queue.New(func(ev Event) {
		err := guard.Run(func() error { f(ev); return nil })
		if err != nil && !panicked.Swap(true) {
			rec.log(slog.LevelError, "an observer panicked", slog.String("error", oneLine(err.Error())))
		}
	}, rec.dropped)
	rec.change(func(list []*queue.Queue[Event]) []*queue.Queue[Event] { return append(list, q) })
	return func() {
		rec.change(func(list []*queue.Queue[Event]) []*queue.Queue[Event] {
			return slices.DeleteFunc(list, func(other *queue.Queue[Event]) bool { return other == q })
		})
		q.Stop()
	}
}

func (rec *records) change(edit func([]*queue.Queue[Event]) []*queue.Queue[Event]) {
	for {
		before := rec.observers.Load()
		var list []*queue.Queue[Event]
		if before != nil {
			list = slices.Clone(*before)
		}
		if list = edit(list); rec.observers.CompareAndSwap(before, &list) {
			return
		}
	}
}

func (rec *records) dropped(n int) {
	rec.log(slog.LevelWarn, "events dropped: an observer is too slow", slog.Int("events", n))
}

// post hands an event to the observers. It never blocks, so it may be called with a lock held, where that keeps the
// events of a resource in order.
func (rec *records) post(ev Event) {
	if list := rec.observers.Load(); list != nil {
		for _, q := range *list {
			q.Post(ev)
		}
	}
}

// logLater queues a record of a check. It never blocks.
func (rec *records) logLater(write func()) {
	q := rec.health.Load()
	if q == nil {
		rec.health.CompareAndSwap(nil, queue.New(func(write func()) { write() }, func(int) {}))
		q = rec.health.Load()
	}
	q.Post(write)
}

// flush waits at most so long until the observers and the log have what was posted.
func (rec *records) flush(most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	var waits []<-chan struct{}
	if list := rec.observers.Load(); list != nil {
		for _, q := range *list {
			waits = append(waits, q.Idle())
		}
	}
	if q := rec.health.Load(); q != nil {
		waits = append(waits, q.Idle())
	}
	awaitAll(waits, timer.C)
}

// awaitAll waits until every channel that is not nil is closed, and reports whether that came before end.
func awaitAll[T any](waits []<-chan struct{}, end <-chan T) bool {
	for _, wait := range waits {
		if wait == nil {
			continue
		}
		select {
		case <-wait:
		case <-end:
			return false
		}
	}
	return true
}

// enabled returns the logger, or nil if it wants no records of the level.
func (rec *records) enabled(level slog.Level) *slog.Logger {
	logger := rec.logger.Load()
	if logger == nil {
		logger = slog.Default()
	}
	if !logger.Enabled(context.Background(), level) {
		return nil
	}
	return logger
}

// log writes a record about no resource in particular. No lock may be held: a logger may block or use the registry.
func (rec *records) log(level slog.Level, message string, attrs ...slog.Attr) {
	if logger := rec.enabled(level); logger != nil {
		logger.LogAttrs(context.Background(), level, message, attrs...)
	}
}

// about writes a record about a resource, with its kind and its error if err is not nil, and with what the resource
// says of itself if it is a slog.LogValuer: where it connects to, say. No lock may be held.
func (rec *records) about(level slog.Level, message string, op Op, e *entry, err *Error, attrs ...slog.Attr) {
	logger := rec.enabled(level)
	if logger == nil {
		return
	}
	all := make([]slog.Attr, 0, len(attrs)+5)
	all = append(all, slog.String("resource", e.name), slog.String("op", string(op)))
	if valuer, ok := e.res.(slog.LogValuer); ok {
		all = append(all, slog.Any("", valuer)) // a group without a name: its attributes stand beside the others
	}
	all = append(all, attrs...)
	if err != nil {
		all = append(all, slog.String("kind", string(err.Kind)), slog.String("error", err.Error()))
	}
	logger.LogAttrs(context.Background(), level, message, all...)
}
