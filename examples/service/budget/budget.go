// Package budget says how long the service may take to start and to stop. The service keeps to it, and what starts
// and stops the service has to know it: the test of the Kubernetes manifest adds it up.
package budget

import "time"

// Preparing is the most that the service takes between OpenAll and serving.
const Preparing = 20 * time.Second

// Shares are the parts of stopping, one after the other. What one does not use is there for the next.
type Shares struct {
	Draining time.Duration // unready, and serving
	Requests time.Duration // that are under way finish
	Worker   time.Duration // the events under way are handled
	Closing  time.Duration // CloseAll
}

// Share divides the time that stopping may take in all: the delay is for draining, and of the rest three fifths
// are for requests, a fifth for the worker, and a fifth for CloseAll.
func Share(total, delay time.Duration) Shares {
	fifth := (total - delay) / 5
	return Shares{Draining: delay, Requests: 3 * fifth, Worker: fifth, Closing: fifth}
}

// Overrun is how long registry.CloseAll may go on after its context has ended.
func Overrun(resources int) time.Duration {
	return time.Duration(resources)*250*time.Millisecond + 100*time.Millisecond
}
