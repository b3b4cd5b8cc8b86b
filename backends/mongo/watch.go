package mongo

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/internal/fault"
	"github.com/vibework/mooring/registry"
)

// patience is what connections in use get to come back before they are cut.
const patience = time.Second

// watch is what the driver tells about its servers and connections. Its errors tell too little: not why no server
// could be selected, nor that an operation was waiting for a connection.
type watch struct {
	mu       sync.Mutex
	lent     map[string]int // connections in use, by server
	back     chan struct{}  // closed when the last of them is back, while somebody waits for that
	topology event.TopologyDescription
	closed   bool
	failing  map[string]bool // servers whose last heartbeat failed
	failure  error           // the last of these failures

	prefix string      // of the variables
	lost   func(error) // called with the cause when no server is left to hope for
}

// attach lets w hear what happens, together with the monitors that a hook may have set.
func (w *watch) attach(o *options.ClientOptions) {
	var pool event.PoolMonitor
	if o.PoolMonitor != nil {
		pool = *o.PoolMonitor
	}
	var server event.ServerMonitor
	if o.ServerMonitor != nil {
		server = *o.ServerMonitor
	}
	pool.Event = both(w.poolEvent, pool.Event)
	server.ServerHeartbeatSucceeded = both(w.heartbeatSucceeded, server.ServerHeartbeatSucceeded)
	server.ServerHeartbeatFailed = both(w.heartbeatFailed, server.ServerHeartbeatFailed)
	server.TopologyDescriptionChanged = both(w.topologyChanged, server.TopologyDescriptionChanged)
	server.TopologyClosed = both(w.topologyClosed, server.TopologyClosed)
	o.SetPoolMonitor(&pool).SetServerMonitor(&server)
}

func both[E any](ours, theirs func(*E)) func(*E) {
	if theirs == nil {
		return ours
	}
	return func(e *E) {
		ours(e)
		theirs(e)
	}
}

func (w *watch) poolEvent(e *event.PoolEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e.Type {
	case event.ConnectionCheckedOut:
		if w.lent == nil {
			w.lent = make(map[string]int)
		}
		w.lent[e.Address]++
	case event.ConnectionCheckedIn:
		w.lent[e.Address]--
		if w.back != nil && w.inUse() == 0 {
			close(w.back)
			w.back = nil
		}
	}
}

func (w *watch) heartbeatSucceeded(e *event.ServerHeartbeatSucceededEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.failing, serverOf(e.ConnectionID))
}

func (w *watch) heartbeatFailed(e *event.ServerHeartbeatFailedEvent) {
	if errors.Is(e.Failure, context.Canceled) { // by the driver, when an operation has found the server broken
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing == nil {
		w.failing = make(map[string]bool)
	}
	w.failing[serverOf(e.ConnectionID)] = true
	w.failure = e.Failure
	if len(w.failing) >= len(w.topology.Servers) {
		w.lost(w.explain())
	}
}

func (w *watch) topologyChanged(e *event.TopologyDescriptionChangedEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.topology = e.NewDescription
	if len(w.topology.Servers) == 0 {
		w.lost(w.explain())
	}
}

func (w *watch) topologyClosed(*event.TopologyClosedEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}

// serverOf returns the host:port of the server in a connection's name, "host:port[-7]".
func serverOf(connection string) string {
	return connection[:max(strings.LastIndexByte(connection, '['), 0)]
}

// full says whether all connections that one server may have are in use.
func (w *watch) full(most int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.lent {
		if most > 0 && n >= most {
			return true
		}
	}
	return false
}

// drain waits until no connection is in use, for at most a second and within ctx, and returns how many still are.
func (w *watch) drain(ctx context.Context) int {
	w.mu.Lock()
	back := make(chan struct{})
	if w.inUse() == 0 {
		close(back)
	} else {
		w.back = back
	}
	w.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-back:
	case <-timer.C:
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.back = nil
	return w.inUse()
}

// inUse counts the connections in use. w.mu is held.
func (w *watch) inUse() (n int) {
	for _, lent := range w.lent {
		n += lent
	}
	return n
}

// cause says why an operation finds no server to go to. It is nil if there is one, or nothing is known yet.
func (w *watch) cause() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.explain()
}

// explain is cause for those who hold w.mu.
func (w *watch) explain() error {
	switch {
	case w.closed:
		return nil
	case w.topology.CompatibilityErr != nil:
		return fault.New(registry.KindConfig, "the server's version is not one that the driver supports")
	case len(w.topology.Servers) == 0:
		return fault.New(registry.KindConfig,
			"none of the hosts belongs to the replica set that is asked for (%sURI: replicaSet)", w.prefix)
	case w.anyKnown() && w.topology.Kind == "ReplicaSetNoPrimary":
		return fault.New(registry.KindLoading, "the replica set has no primary")
	case w.anyKnown() || len(w.failing) == 0:
		return nil
	}
	return fromNetwork(w.failure)
}

// anyKnown says whether a server has answered. w.mu is held.
func (w *watch) anyKnown() bool {
	for _, server := range w.topology.Servers {
		if server.Kind != "Unknown" {
			return true
		}
	}
	return false
}
