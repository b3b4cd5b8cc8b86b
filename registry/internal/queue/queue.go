// Package queue hands values to a receiver that may be slow, without anybody waiting for it.
package queue

import "sync"

// Size is how many values a queue holds.
const Size = 1024

// Queue delivers values one after the other, in order. A goroutine lives while there is something to deliver. When the
// queue is full the oldest value is dropped.
type Queue[T any] struct {
	deliver func(T)
	dropped func(int)

	mu      sync.Mutex
	waiting []T
	lost    int // values dropped and not told yet
	running bool
	stopped bool
	idle    chan struct{} // closed when nothing is left; made when somebody waits for that
}

// New returns a queue. deliver may panic no more than any goroutine; it may call runtime.Goexit. dropped is told how
// many values were dropped, once the queue is half empty again, on the goroutine of deliver.
func New[T any](deliver func(T), dropped func(int)) *Queue[T] {
	return &Queue[T]{deliver: deliver, dropped: dropped}
}

// Post adds a value. It never blocks.
func (q *Queue[T]) Post(v T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return
	}
	if len(q.waiting) == Size {
		q.waiting = q.waiting[1:]
		q.lost++
	}
	q.waiting = append(q.waiting, v)
	if !q.running {
		q.running = true
		go q.run()
	}
}

// Stop drops what waits. No delivery begins afterwards.
func (q *Queue[T]) Stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped, q.waiting, q.lost = true, nil, 0
}

// Idle returns what is closed when everything posted so far, and meanwhile, is delivered; it is nil when that is so
// now.
func (q *Queue[T]) Idle() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.running {
		return nil
	}
	if q.idle == nil {
		q.idle = make(chan struct{})
	}
	return q.idle
}

func (q *Queue[T]) run() {
	finished := false
	defer func() {
		if !finished { // deliver has ended the goroutine
			go q.run()
		}
	}()
	for {
		v, lost, ok := q.next()
		if !ok {
			finished = true
			return
		}
		if lost > 0 {
			q.dropped(lost)
		}
		q.deliver(v)
	}
}

func (q *Queue[T]) next() (v T, lost int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.running = false
		if q.idle != nil {
			close(q.idle)
			q.idle = nil
		}
		return v, 0, false
	}
	if len(q.waiting) <= Size/2 {
		lost, q.lost = q.lost, 0
	}
	v, q.waiting = q.waiting[0], q.waiting[1:]
	return v, lost, true
}
