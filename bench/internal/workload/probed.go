package workload

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/vibework/mooring/bench/internal/contender"
	"github.com/vibework/mooring/bench/internal/timing"
	"github.com/vibework/mooring/registry/health"
)

// The rows of Probed beside those of the contenders, and its columns.
const (
	NoProbes           = "nobody asks"
	MooringProbed      = "**Mooring**, as it comes"
	MooringProbedFresh = "**Mooring**, `MaxAge: -1`"

	BothServers = "both servers"
)

// Probed is what the clients of a health endpoint do to a program that uses the same pools.
type Probed struct {
	P50, P99 timing.Table // of the program's own queries, in milliseconds, by server
	Requests timing.Table // answered per second by the endpoint
}

// The paces of Probed: how long a worker and a client of the endpoint wait before they ask again. Without them
// the cores would be full, and nothing but that would be measured.
const (
	workers   = 8
	workPace  = 2 * time.Millisecond
	probers   = 64
	probePace = 50 * time.Millisecond
)

// Probed measures a program that queries both servers while 64 clients ask for its health, for one endpoint
// after the other, and while nobody asks, for Cell in each pass.
func (s Servers) Probed(ctx context.Context, e timing.Effort) (*Probed, error) {
	r, backends, err := s.open(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.CloseAll(ctx) }()
	checks := []contender.Check{backends[0].pings[0], backends[1].pings[0]}
	handlers := map[string]func() (http.Handler, func()){
		NoProbes:           func() (http.Handler, func()) { return nil, func() {} },
		MooringProbed:      func() (http.Handler, func()) { return health.Handler(r, health.Options{}), func() {} },
		MooringProbedFresh: func() (http.Handler, func()) { return health.Handler(r, health.Options{MaxAge: -1}), func() {} },
	}
	rows := []string{NoProbes, MooringProbed, MooringProbedFresh}
	others := []string{contender.FloorContext, contender.HealthGo, contender.AlexCached}
	for _, c := range contender.Named(contender.Endpoints(), others...) {
		rows = append(rows, c.Name)
		handlers[c.Name] = func() (http.Handler, func()) {
			instance := c.New(checks, Timeout)
			return instance.Handler, instance.Close
		}
	}
	probed := new(Probed)
	timing.Interleave(e.Passes, []string{BothServers}, rows, func(row, _ string) {
		handler, stop := handlers[row]()
		defer stop()
		probed.one(ctx, e.Cell, row, handler, backends)
	})
	return probed, nil
}

func (p *Probed) one(ctx context.Context, long time.Duration, row string, handler http.Handler, backends []backend) {
	stopProbes := make(chan struct{})
	var probes sync.WaitGroup
	var answered int
	if handler != nil {
		client, stop := serve(handler, probers)
		defer stop()
		var mu sync.Mutex
		for range probers {
			probes.Go(func() {
				n := probe(ctx, client, stopProbes)
				mu.Lock()
				defer mu.Unlock()
				answered += n
			})
		}
	}
	for _, b := range backends {
		_ = b.work(ctx)
	}
	took, waits := use(ctx, long, backends)
	close(stopProbes)
	probes.Wait()
	for i, b := range backends {
		p.P50.Add(row, b.name, milliseconds(percentile(waits[i], 50)))
		p.P99.Add(row, b.name, milliseconds(percentile(waits[i], 99)))
	}
	p.Requests.Add(row, BothServers, float64(answered)/took.Seconds())
}

// probe asks again and again until stop is closed, and returns how often it had an answer.
func probe(ctx context.Context, c client, stop <-chan struct{}) (answered int) {
	ticker := time.NewTicker(probePace)
	defer ticker.Stop()
	for {
		c.ask(ctx)
		answered++
		select {
		case <-ticker.C:
		case <-stop:
			return answered
		}
	}
}

// use has the workers query one server after the other, and returns how long each query took, by server.
func use(ctx context.Context, long time.Duration, backends []backend) (time.Duration, [][]time.Duration) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	waits := make([][]time.Duration, len(backends))
	start := time.Now()
	for range workers {
		wg.Go(func() {
			ticker := time.NewTicker(workPace)
			defer ticker.Stop()
			for time.Since(start) < long {
				<-ticker.C
				for i, b := range backends {
					asked := time.Now()
					done(b.work(ctx))
					took := time.Since(asked)
					mu.Lock()
					waits[i] = append(waits[i], took)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start), waits
}
