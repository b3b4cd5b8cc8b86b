// Package queue calls functions that may be slow, without anybody waiting for them. What is full drops: whoever posts
// must not wait, and memory has an end. The oldest goes, since who is late wants to know how things are, not how they
// were.
package queue

import "sync"

// Size is how many functions a queue holds. It bounds the memory that an observer costs which hangs, and leaves one
// that is slow for a moment all of its events.
const Size = 1024

// Queue calls functions one after the other, in order. A goroutine lives while there is something to call. When the
// queue is full, the oldest function is dropped. The zero value is empty and ready.
type Queue struct {
	// Dropped, unless it is nil, is told how many functions were dropped, once the queue is half empty again. It runs
	// where the functions run.
	Dropped func(int)

	mu      sync.Mutex
	waiting []func()
	lost    int // how many were dropped since Dropped was called
	stopped bool
	idle    chan struct{} // closed when nothing is left; nil while there is nothing
}

// Post adds a function. It never blocks. The function may block, and may call runtime.Goexit; it must not panic.
func (q *Queue) Post(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return
	}
	if len(q.waiting) == Size {
		q.waiting = q.waiting[1:]
		q.lost++
	}
	q.waiting = append(q.waiting, f)
	if q.idle == nil {
		q.idle = make(chan struct{})
		go q.run()
	}
}

// Stop drops what waits. No call begins afterwards; one that has begun may still be running, and may be the caller.
func (q *Queue) Stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped, q.waiting, q.lost = true, nil, 0
}

// Idle returns what is closed when everything posted so far, and meanwhile, has been called. It is nil when that is so
// now.
func (q *Queue) Idle() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.idle
}

// run calls the oldest function and leaves the next to another goroutine: a function may end the one that it runs on.
func (q *Queue) run() {
	q.mu.Lock()
	if len(q.waiting) == 0 {
		close(q.idle)
		q.idle = nil
		q.mu.Unlock()
		return
	}
	f, lost := q.waiting[0], 0
	if len(q.waiting) <= Size/2 {
		lost, q.lost = q.lost, 0
	}
	q.waiting = q.waiting[1:]
	q.mu.Unlock()
	defer func() { go q.run() }()
	if lost > 0 && q.Dropped != nil {
		q.Dropped(lost)
	}
	f()
}
