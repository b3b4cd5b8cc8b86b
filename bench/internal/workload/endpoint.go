package workload

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
)

// Endpoint is a health endpoint under clients that ask again as soon as they have an answer.
type Endpoint struct {
	Contenders []contender.Contender
	Clients    int
	Checks     int           // how many backends
	Takes      time.Duration // how long each check takes
	Over       []string      // Direct, Pipe
}

// How requests reach the handler; the columns of what Endpoint finds.
const (
	Direct = "handler called directly"
	Pipe   = "through net/http"
)

// Served is what an endpoint does, by contender and by how requests reach it.
type Served struct {
	Rate   timing.Table // requests per second
	Checks timing.Table // checks per request
	P50    timing.Table // milliseconds
	P99    timing.Table // milliseconds
}

// Run measures each contender for Cell in each pass.
func (w Endpoint) Run(e timing.Effort) *Served {
	served := new(Served)
	timing.Interleave(e.Passes, w.Over, contender.Names(w.Contenders), func(row, column string) {
		w.one(e.Cell, contender.Named(w.Contenders, row)[0], column, served)
	})
	return served
}

func (w Endpoint) one(long time.Duration, c contender.Contender, over string, served *Served) {
	var checked atomic.Int64
	check := func(context.Context) error {
		checked.Add(1)
		time.Sleep(w.Takes)
		return nil
	}
	instance := c.New(slices.Repeat([]contender.Check{check}, w.Checks), Timeout)
	defer instance.Close()
	ask, stop := asker(instance.Handler, over, w.Clients)
	defer stop()
	warmUp(ask)
	before := checked.Load()
	took, waits := flood(w.Clients, long, ask)
	perRequest := float64(checked.Load()-before) / float64(len(waits))
	served.Rate.Add(c.Name, over, float64(len(waits))/took.Seconds())
	served.Checks.Add(c.Name, over, perRequest)
	served.P50.Add(c.Name, over, milliseconds(percentile(waits, 50)))
	served.P99.Add(c.Name, over, milliseconds(percentile(waits, 99)))
}

// warmUp asks until the answer is good: go-sundheit begins with a bad one.
func warmUp(ask func() int) {
	for range 1000 {
		if ask() == http.StatusOK {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	panic("an endpoint whose checks cannot fail is not well")
}

// asker returns what sends one request and returns the status of its answer.
func asker(handler http.Handler, over string, clients int) (ask func() int, stop func()) {
	if over == Direct {
		return func() int {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "/readyz", http.NoBody)
			done(err)
			w := &discard{header: make(http.Header), status: http.StatusOK}
			handler.ServeHTTP(w, req)
			return w.status
		}, func() {}
	}
	client, stop := serve(handler, clients)
	return func() int { return client.ask(context.Background()) }, stop
}

// discard is a response that nobody reads.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// flood has the clients ask for so long, and returns how long that took and how long each request waited.
func flood(clients int, long time.Duration, ask func() int) (took time.Duration, waits []time.Duration) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := time.Now()
	for range clients {
		wg.Go(func() {
			var own []time.Duration
			for asked := time.Now(); asked.Sub(start) < long; {
				ask()
				answered := time.Now()
				own = append(own, answered.Sub(asked))
				asked = answered
			}
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, own...)
		})
	}
	wg.Wait()
	return time.Since(start), waits
}

func percentile(of []time.Duration, percent int) time.Duration {
	slices.Sort(of)
	return of[min(len(of)-1, len(of)*percent/100)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
