package registry_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/registry"
)

var modelTime = flag.Duration("model", 2*time.Second, "how long the registry is held against its model")

// model is what a registry has promised about one resource, whatever its callers and the resource itself do.
type model struct {
	mu      sync.Mutex
	broken  []string
	calls   int // of Open and Close in flight
	open    bool
	checks  int // in flight since the last Open
	session int // counts the successes of Open
}

func (m *model) breach(format string, args ...any) {
	m.broken = append(m.broken, fmt.Sprintf(format, args...))
}

func (m *model) begin(op registry.Op) (session int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch op {
	case registry.OpCheck:
		if m.checks++; m.checks > 1 {
			m.breach("%d checks of one session in flight", m.checks)
		}
		return m.session
	case registry.OpOpen:
		if m.open {
			m.breach("Open of what is open")
		}
	case registry.OpClose:
		if !m.open {
			m.breach("Close of what is not open")
		}
	}
	if m.calls++; m.calls > 1 {
		m.breach("%s meets another Open or Close", op)
	}
	return m.session
}

func (m *model) end(op registry.Op, session int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch op {
	case registry.OpCheck:
		if session == m.session {
			m.checks--
		}
		return
	case registry.OpOpen:
		if err == nil {
			m.open, m.checks = true, 0
			m.session++
		}
	case registry.OpClose:
		m.open = false
	}
	m.calls--
}

// modeled is a resource that does something else with every call.
type modeled struct {
	model

	name   string
	random *rand.Rand
}

func (m *modeled) Name() string                    { return m.name }
func (m *modeled) Open(ctx context.Context) error  { return m.call(ctx, registry.OpOpen) }
func (m *modeled) Check(ctx context.Context) error { return m.call(ctx, registry.OpCheck) }
func (m *modeled) Close(ctx context.Context) error { return m.call(ctx, registry.OpClose) }

func (m *modeled) call(ctx context.Context, op registry.Op) (err error) {
	session := m.begin(op)
	defer func() { m.end(op, session, err) }()
	m.mu.Lock()
	what, wait := m.random.IntN(12), time.Duration(m.random.IntN(3000))*time.Millisecond
	m.mu.Unlock()
	switch what {
	case 0:
		return errRefused
	case 1:
		return errDenied
	case 2: // until its context ends
		<-ctx.Done()
		return ctx.Err()
	case 3: // a success that comes late
		<-ctx.Done()
		<-time.After(wait)
		return nil
	case 4:
		<-time.After(wait)
		return nil
	case 5: // longer than anybody waits
		<-time.After(20*time.Second + wait)
		return errLost
	default:
		return nil
	}
}

// TestTheRegistryKeepsItsPromisesInRandomHistories runs as many histories as there is time for; make model gives more.
func TestTheRegistryKeepsItsPromisesInRandomHistories(t *testing.T) {
	for end := time.Now().Add(*modelTime); time.Now().Before(end) && !t.Failed(); {
		seed := rand.Uint64()
		synctest.Test(t, func(t *testing.T) { history(t, seed) })
	}
}

// history lets several callers loose on one registry, and then closes it until nothing is open.
func history(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	resources := make([]*modeled, 1+random.IntN(5))
	r := quiet()
	names := make([]string, len(resources))
	for i := range resources {
		names[i] = fmt.Sprintf("r%d", i)
		resources[i] = &modeled{name: names[i], random: rand.New(rand.NewPCG(seed, uint64(i+1)))}
		r.Register(resources[i])
	}
	r.OpenTimeout, r.CloseTimeout = 8*time.Second, 6*time.Second
	if random.IntN(2) == 0 {
		r.SetStages(names[:random.IntN(len(names)+1)])
	}
	if random.IntN(2) == 0 {
		r.SetOptional(names[random.IntN(len(names))])
	}
	if random.IntN(3) == 0 {
		r.Every = 2 * time.Second
	}
	var callers sync.WaitGroup
	for range 4 {
		own := rand.New(rand.NewPCG(seed, random.Uint64()))
		callers.Go(func() {
			for range 6 {
				act(t, r, own, len(names))
				<-time.After(time.Duration(own.IntN(2000)) * time.Millisecond)
			}
		})
	}
	callers.Wait()
	for range 5 {
		_ = r.CloseAll(t.Context())
		<-time.After(time.Minute) // what was abandoned returns, and is closed if it has opened something
	}
	for _, res := range resources {
		res.mu.Lock()
		if res.open || res.calls > 0 {
			res.breach("it is open, or being opened, after CloseAll")
		}
		if res.broken != nil {
			t.Errorf("seed %d, %s: %q", seed, res.name, res.broken)
		}
		res.mu.Unlock()
	}
}

// act does one thing and looks whether it ends in its time.
func act(t *testing.T, r *registry.Registry, random *rand.Rand, resources int) {
	patience := time.Duration(random.IntN(9000)) * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	start := time.Now()
	most, what := time.Duration(0), ""
	switch random.IntN(6) {
	case 0, 1:
		what, most = "OpenAll", patience+r.CloseTimeout+2*time.Second
		_ = r.OpenAll(ctx)
	case 2:
		what, most = "CloseAll", patience+time.Duration(resources)*250*time.Millisecond+300*time.Millisecond
		_ = r.CloseAll(ctx)
	case 3, 4:
		what, most = "CheckAll", min(patience, 5*time.Second)
		for _, result := range r.CheckAll(ctx).Results {
			if kind := registry.KindOf(result.Err); kind == registry.KindPanic || kind == registry.KindUnknown {
				t.Errorf("%s: %v", result.Name, result.Err)
			}
		}
	case 5:
		what = "Last"
		if names := r.Names(); len(r.Last().Results) != len(names) {
			t.Errorf("Last knows nothing of %q", names)
		}
		stop := r.Observe(func(registry.Event) { <-time.After(time.Millisecond) })
		time.AfterFunc(patience, stop)
	}
	if took := time.Since(start); took > most {
		t.Errorf("%s took %v, and it may take %v", what, took, most)
	}
}
