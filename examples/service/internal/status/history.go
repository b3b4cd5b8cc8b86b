package status

import (
	"sync"
	"time"

	"github.com/vibework/mooring/registry"
)

// keep is how many checks of each resource are remembered.
const keep = 60

// history is what the registry has told of each resource. It belongs in Registry.Observe.
type history struct {
	mu     sync.Mutex
	tracks map[string]*track
}

// track is the history of one resource.
type track struct {
	checks    []check // the oldest first
	lastKind  registry.Kind
	lastError time.Time // zero if there was none
}

type check struct {
	duration time.Duration
	failed   bool
}

// record takes in an event. That a check was given up is no news of the resource.
func (h *history) record(event registry.Event) {
	kind := registry.KindOf(event.Err)
	if event.Op == registry.OpClose || kind == registry.KindCanceled {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tracks[event.Name]
	if t == nil {
		t = new(track)
		h.tracks[event.Name] = t
	}
	if event.Err != nil {
		t.lastKind, t.lastError = kind, time.Now()
	}
	if event.Op != registry.OpCheck {
		return
	}
	t.checks = append(t.checks, check{event.Duration, event.Err != nil})
	if len(t.checks) > keep {
		t.checks = t.checks[len(t.checks)-keep:]
	}
}

// of returns a copy of the track of the named resource.
func (h *history) of(name string) track {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tracks[name]
	if t == nil {
		return track{}
	}
	return track{append([]check(nil), t.checks...), t.lastKind, t.lastError}
}
