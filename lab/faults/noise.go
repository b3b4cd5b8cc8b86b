package main

import (
	"context"
	"sync"
	"time"
)

// beat is how long the timer runs that the machine is judged by.
const beat = 5 * time.Millisecond

// noise is how late a plain timer is in this process: what no call can be blamed for.
type noise struct {
	mu   sync.Mutex
	late []lapse
	due  time.Time // when the timer that runs has to fire
}

// lapse is a timer that was late.
type lapse struct{ due, fired time.Time }

// by is how much of the lapse lies after start.
func (l lapse) by(start time.Time) time.Duration {
	if l.due.Before(start) {
		return l.fired.Sub(start)
	}
	return l.fired.Sub(l.due)
}

// listen watches the machine until ctx ends.
func listen(ctx context.Context) *noise {
	n := &noise{due: time.Now().Add(beat)}
	go func() {
		for ctx.Err() == nil {
			time.Sleep(beat)
			n.fire(time.Now())
		}
	}()
	return n
}

// fire notes that the timer has fired, if late by more than is worth noting, and that the next one runs.
func (n *noise) fire(now time.Time) {
	const worth = time.Millisecond
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.due) > worth {
		n.late = append(n.late, lapse{n.due, now})
	}
	n.due = now.Add(beat)
}

// between returns by how much a timer was late at most, from start to end. The one that is due and has not fired
// counts, too.
func (n *noise) between(start, end time.Time) (worst time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	worst = max(0, lapse{n.due, end}.by(start))
	for i := len(n.late) - 1; i >= 0 && n.late[i].fired.After(start); i-- {
		worst = max(worst, n.late[i].by(start))
	}
	return worst
}
