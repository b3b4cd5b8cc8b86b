package registry

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
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
// goroutine of its own: it may block and may use the registry, and nothing waits for it. 1,024 events wait for a
// slow f; of more, the oldest are dropped, and a Warn record says how many. CloseAll gives f at most 100ms for what
// waits. A panic in f is contained; the first is an Error record. Observe panics if f is nil.
//
// stop may be called at any time, also by f, and again. It drops what waits; no call of f begins after stop has
// returned, but one that had begun before may still be running.
func (r *Registry) Observe(f func(Event)) (stop func()) {
	if f == nil {
		panic("registry: Observe of a nil function at " + callSite())
	}
	return r.records.observe(f)
}

// records tells the log and the observers what happens. Its methods are safe for concurrent use.
type records struct {
	logger    atomic.Pointer[slog.Logger] // nil means slog.Default()
	observers atomic.Pointer[[]*observer] // a list is never changed, but replaced
	health    queue.Queue                 // of what to log about checks: no check waits for a logger that blocks

	mu sync.Mutex // held while observers is replaced
}

// observer is a function that Observe was given, and the events that wait for it.
type observer struct {
	f        func(Event)
	events   queue.Queue
	records  *records
	panicked atomic.Bool // one record of a panic is enough
}

// observe adds an observer, which stop removes. The queue that is stopped drops what waits, so an event that is posted
// at the same time to a list which still has the observer does no harm.
func (rec *records) observe(f func(Event)) (stop func()) {
	o := &observer{f: f, records: rec}
	o.events.Dropped = func(n int) {
		rec.log(slog.LevelWarn, "events dropped: an observer is too slow", slog.Int("events", n))
	}
	rec.replace(func(list []*observer) []*observer { return append(list, o) })
	return func() {
		rec.replace(func(list []*observer) []*observer {
			return slices.DeleteFunc(list, func(other *observer) bool { return other == o })
		})
		o.events.Stop()
	}
}

// list returns the observers.
func (rec *records) list() []*observer {
	if list := rec.observers.Load(); list != nil {
		return *list
	}
	return nil
}

// replace makes a new list of observers out of a copy: post may be reading the old one.
func (rec *records) replace(edit func([]*observer) []*observer) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	list := edit(slices.Clone(rec.list()))
	rec.observers.Store(&list)
}

// call hands the observer one event. It runs on the goroutine of the observer's queue.
func (o *observer) call(ev Event) {
	err := guard.Run(func() error { o.f(ev); return nil })
	if err != nil && !o.panicked.Swap(true) {
		o.records.log(slog.LevelError, "an observer panicked", slog.String("error", oneLine(err.Error())))
	}
}

// post hands an event to the observers, in the order in which they were added. It never blocks, so it may be called
// with a lock held, where that keeps the events of a resource in order.
func (rec *records) post(ev Event) {
	for _, o := range rec.list() {
		o.events.Post(func() { o.call(ev) })
	}
}

// flush waits at most so long until the observers and the log have what was posted. A program often ends after
// CloseAll, and what it saw last is what somebody will ask for.
func (rec *records) flush(most time.Duration) {
	waits := []<-chan struct{}{rec.health.Idle()}
	for _, o := range rec.list() {
		waits = append(waits, o.events.Idle())
	}
	wait.All(most, waits...)
}

// log writes a record about no resource in particular. No lock may be held: a logger may block or use the registry.
func (rec *records) log(level slog.Level, message string, attrs ...slog.Attr) {
	logger := rec.logger.Load()
	if logger == nil {
		logger = slog.Default()
	}
	logger.LogAttrs(context.Background(), level, message, attrs...)
}

// about writes a record about a resource, with its kind and its error if err is not nil, and with what the resource
// says of itself if it is a slog.LogValuer: where it connects to, say. No lock may be held.
func (rec *records) about(level slog.Level, message string, op Op, e *entry, err *Error, attrs ...slog.Attr) {
	about := []slog.Attr{slog.String("resource", e.name), slog.String("op", string(op))}
	if valuer, ok := e.res.(slog.LogValuer); ok {
		about = append(about, slog.Any("", valuer)) // a group without a name: its attributes stand beside the others
	}
	about = append(about, attrs...)
	if err != nil {
		about = append(about, slog.String("kind", string(err.Kind)), slog.String("error", err.Error()))
	}
	rec.log(level, message, about...)
}
