package main

import (
	"context"
	"sync"
	"time"
)

// noise is how badly the machine keeps time.
type noise struct {
	mu   sync.Mutex
	late []lapse
}

// lapse is a moment at which the machine was late.
type lapse struct {
	at time.Time
	by time.Duration
}

// listen watches the machine until ctx ends.
func listen(ctx context.Context) *noise {
	n := new(noise)
	go func() {
		const beat, worth = 5 * time.Millisecond, 5 * time.Millisecond
		for ctx.Err() == nil {
			start := time.Now()
			time.Sleep(beat)
			if by := time.Since(start) - beat; by > worth {
				n.mu.Lock()
				n.late = append(n.late, lapse{time.Now(), by})
				n.mu.Unlock()
			}
		}
	}()
	return n
}

// since returns the worst that there was since then.
func (n *noise) since(start time.Time) (worst time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := len(n.late) - 1; i >= 0 && n.late[i].at.After(start); i-- {
		worst = max(worst, n.late[i].by)
	}
	return worst
}
