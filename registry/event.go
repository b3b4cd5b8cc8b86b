package registry

import (
	"slices"
	"sync"
	"time"
)

// Event is something that was done to a resource: one for each attempt to open it, each check that was run
// (however many callers waited for it), and each close.
type Event struct {
	Op       Op     // OpOpen, OpCheck or OpClose
	Name     string // the resource's name
	Attempt  int    // from 1, for OpOpen; 0 otherwise
	Duration time.Duration
	Err      error // nil, or an *Error
}

// Observe calls f for each event from now on, until stop is called. The events of one resource come one after
// the other and in order; those of different resources may come at the same time. f is called without any lock
// held, so it may use the registry, and a panic in it is contained. It should be quick: a check counts as
// running until every observer has returned, so an observer that blocks makes the check look hung (as does one
// that checks the resource again: it waits for itself). Everything else waits at most 100ms for observers.
//
// stop does not wait for calls of f that are under way.
func (r *Registry) Observe(f func(Event)) (stop func()) {
	observer := &f
	r.mu.Lock()
	defer r.mu.Unlock()
	r.setObservers(append(slices.Clone(r.observerList()), observer))
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.setObservers(slices.DeleteFunc(slices.Clone(r.observerList()), func(o *func(Event)) bool {
			return o == observer
		}))
	}
}

func (r *Registry) observerList() []*func(Event) {
	if list := r.observers.Load(); list != nil {
		return *list
	}
	return nil
}

func (r *Registry) setObservers(list []*func(Event)) { r.observers.Store(&list) }

// post hands ev to the observers, after every earlier event of the resource, and returns what is closed when they
// have it, or nil without observers. It does not block.
func (r *Registry) post(e *entry, ev Event) (told <-chan struct{}) {
	observers := r.observerList()
	if len(observers) == 0 {
		return nil
	}
	return e.outbox.post(func() {
		for _, observe := range observers {
			notify(*observe, ev)
		}
	})
}

// untilTold is the patience of a check: nothing else waits for an observer that blocks.
const untilTold time.Duration = -1

// hearOut waits until the observers have an event, at most patience.
func hearOut(told <-chan struct{}, patience time.Duration) {
	if told == nil {
		return
	}
	if patience == untilTold {
		<-told
		return
	}
	await([]<-chan struct{}{told}, patience)
}

// notify contains what an observer may do to the goroutine that calls it.
func notify(observe func(Event), ev Event) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		observe(ev)
	}()
	<-done
}

// outbox runs functions one after the other, in the order in which they were posted.
type outbox struct {
	mu    sync.Mutex
	posts []post
	busy  bool
}

type post struct {
	send func()
	sent chan struct{}
}

func (o *outbox) post(send func()) (sent <-chan struct{}) {
	p := post{send, make(chan struct{})}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.posts = append(o.posts, p)
	if !o.busy {
		o.busy = true
		go o.run()
	}
	return p.sent
}

func (o *outbox) run() {
	for {
		o.mu.Lock()
		if len(o.posts) == 0 {
			o.busy = false
			o.mu.Unlock()
			return
		}
		next := o.posts[0]
		o.posts = o.posts[1:]
		o.mu.Unlock()
		next.send()
		close(next.sent)
	}
}
