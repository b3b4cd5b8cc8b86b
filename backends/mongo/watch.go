package mongo

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// watch is what the driver tells about its servers. That none could be selected is all that its errors say.
type watch struct {
	mu       sync.Mutex
	topology event.TopologyDescription
	closed   bool
	answered bool             // a heartbeat has succeeded
	failures map[string]error // of the servers whose last heartbeat failed

	prefix string      // of the variables
	lost   func(error) // called with the cause when no server is left to hope for
}

// listen hears what happens, together with the monitors that a hook may have set.
func (c *client) listen(o *options.ClientOptions) {
	var pool event.PoolMonitor
	if o.PoolMonitor != nil {
		pool = *o.PoolMonitor
	}
	var server event.ServerMonitor
	if o.ServerMonitor != nil {
		server = *o.ServerMonitor
	}
	pool.Event = both(c.pool.event, pool.Event)
	server.ServerHeartbeatSucceeded = both(c.watch.heartbeatSucceeded, server.ServerHeartbeatSucceeded)
	server.ServerHeartbeatFailed = both(c.watch.heartbeatFailed, server.ServerHeartbeatFailed)
	server.TopologyDescriptionChanged = both(c.watch.topologyChanged, server.TopologyDescriptionChanged)
	server.TopologyClosed = both(c.watch.topologyClosed, server.TopologyClosed)
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

func (w *watch) heartbeatSucceeded(e *event.ServerHeartbeatSucceededEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered = true
	delete(w.failures, serverOf(e.ConnectionID))
}

func (w *watch) heartbeatFailed(e *event.ServerHeartbeatFailedEvent) {
	if errors.Is(e.Failure, context.Canceled) { // by the driver, when an operation has found the server broken
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failures == nil {
		w.failures = make(map[string]error)
	}
	w.failures[serverOf(e.ConnectionID)] = e.Failure
	for _, server := range w.topology.Servers {
		if w.failures[server.Addr.String()] == nil {
			return
		}
	}
	w.giveUp()
}

func (w *watch) topologyChanged(e *event.TopologyDescriptionChangedEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.topology = e.NewDescription
	if len(w.topology.Servers) == 0 {
		w.giveUp()
	}
}

// giveUp calls lost if there is a cause. w.mu is held.
func (w *watch) giveUp() {
	if cause := w.explain(); cause != nil {
		w.lost(cause)
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

// cause says why an operation finds no server to go to. It is nil if there is one, or nothing is known yet.
func (w *watch) cause() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.explain()
}

// hosts returns the servers that are known, or those that are given if there are none.
func (w *watch) hosts(given []string) (hosts []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, server := range w.topology.Servers {
		hosts = append(hosts, server.Addr.String())
	}
	if hosts == nil {
		return given
	}
	return hosts
}

// explain is cause for those who hold w.mu.
func (w *watch) explain() error {
	switch {
	case w.closed:
		return nil
	case w.topology.CompatibilityErr != nil:
		return kit.Errorf(registry.KindConfig, "the server's version is not one that the driver supports")
	case len(w.topology.Servers) == 0:
		return kit.Errorf(registry.KindConfig,
			"none of the hosts belongs to the replica set that is asked for (%sURI: replicaSet)", w.prefix)
	}
	var failure error
	for _, server := range w.topology.Servers {
		switch {
		case server.Kind == "Unknown":
			failure = cmp.Or(failure, w.failures[server.Addr.String()])
		case w.topology.Kind == "ReplicaSetNoPrimary":
			return kit.Errorf(registry.KindLoading, "the replica set has no primary")
		default:
			return nil
		}
	}
	if errors.Is(failure, io.EOF) && !w.answered {
		return kit.Errorf(registry.KindUnreachable, "the connection was closed before any answer; is TLS on at one end only?")
	}
	return fromNetwork(failure)
}
