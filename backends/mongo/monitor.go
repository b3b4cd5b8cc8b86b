package mongo

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/tag"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// monitor is what the driver tells about its servers and connections: its errors say only that none could be selected,
// and it does not tell when asked.
type monitor struct {
	vars  config.Variables
	lost  func(error)        // called with the cause when no server is left to hope for
	given []string           // the hosts that the URI or a hook names
	reads *readpref.ReadPref // of checks
	set   string             // the replica set that the URI names
	most  int                // connections to one server; 0 means any number
	moves kit.Pool

	mu       sync.Mutex // guards the rest
	topology event.TopologyDescription
	answered bool             // a heartbeat has succeeded
	stranger bool             // the last one was of a server of another replica set than the one asked for
	failures map[string]error // of the servers whose last heartbeat failed
	pools    map[string]*pool // by server
	waits    registry.PoolStats
}

// pool counts the connections to one server. What is in use when the driver drops the server comes back later.
type pool struct {
	active          bool
	open, lent      int
	asking, waiting int // callers without a connection yet, and those of them who came when the pool was full
}

// listen hears what happens, together with the monitors that a hook may have set.
func (m *monitor) listen(o *options.ClientOptions) {
	m.set, m.most = *cmp.Or(o.ReplicaSet, new(string)), int(*cmp.Or(o.MaxPoolSize, new(uint64)))
	if m.given == nil {
		m.given = o.Hosts
	}
	m.failures, m.pools = make(map[string]error), make(map[string]*pool)
	pool, server := *cmp.Or(o.PoolMonitor, new(event.PoolMonitor)), *cmp.Or(o.ServerMonitor, new(event.ServerMonitor))
	pool.Event = both(&m.mu, m.poolEvent, pool.Event)
	server.ServerHeartbeatSucceeded = both(&m.mu, m.heartbeatSucceeded, server.ServerHeartbeatSucceeded)
	server.ServerHeartbeatFailed = both(&m.mu, m.heartbeatFailed, server.ServerHeartbeatFailed)
	server.TopologyDescriptionChanged = both(&m.mu, m.topologyChanged, server.TopologyDescriptionChanged)
	o.SetPoolMonitor(&pool).SetServerMonitor(&server)
}

// both calls ours while it holds mu, and then theirs.
func both[E any](mu *sync.Mutex, ours, theirs func(*E)) func(*E) {
	return func(e *E) {
		mu.Lock()
		ours(e)
		mu.Unlock()
		if theirs != nil {
			theirs(e)
		}
	}
}

func (m *monitor) poolEvent(e *event.PoolEvent) {
	p := m.pools[e.Address]
	if p == nil {
		p = new(pool)
		m.pools[e.Address] = p
	}
	switch e.Type {
	case event.ConnectionPoolCreated, event.ConnectionPoolClosed:
		p.active = e.Type == event.ConnectionPoolCreated
	case event.ConnectionCreated:
		p.open++
	case event.ConnectionClosed:
		p.open--
	case event.ConnectionCheckOutStarted:
		if p.asking++; m.most > 0 && p.lent+p.asking > m.most {
			p.waiting++
			m.waits.WaitCount++
		}
	case event.ConnectionCheckOutFailed, event.ConnectionCheckedOut:
		if p.asking--; p.waiting > p.asking { // who asks first is served first
			p.waiting--
			m.waits.WaitDuration += e.Duration
		}
		if e.Type == event.ConnectionCheckedOut {
			p.lent++
			m.moves.Lent()
		}
	case event.ConnectionCheckedIn:
		p.lent--
		m.moves.Returned()
	}
}

// fullest returns the numbers of the pool that has the most connections in use: each server has one.
func (m *monitor) fullest() registry.PoolStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	stats := registry.PoolStats{Max: m.most, WaitCount: m.waits.WaitCount}
	for _, p := range m.pools {
		stats.InUse = max(stats.InUse, p.lent)
	}
	return stats
}

func (m *monitor) stats() registry.PoolStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	stats := m.waits
	for _, p := range m.pools {
		if p.active {
			stats.Max += m.most
		}
		stats.Open += p.open
		stats.InUse += p.lent
	}
	stats.Idle = max(stats.Open-stats.InUse, 0)
	return stats
}

func (m *monitor) heartbeatSucceeded(e *event.ServerHeartbeatSucceededEvent) {
	m.answered, m.stranger = true, m.set != "" && m.set != e.Reply.SetName
	delete(m.failures, serverOf(e.ConnectionID))
}

func (m *monitor) heartbeatFailed(e *event.ServerHeartbeatFailedEvent) {
	if !errors.Is(e.Failure, context.Canceled) { // by the driver, when an operation has found the server broken
		m.failures[serverOf(e.ConnectionID)] = e.Failure
		m.giveUp()
	}
}

func (m *monitor) topologyChanged(e *event.TopologyDescriptionChangedEvent) {
	m.topology = e.NewDescription
	m.giveUp()
}

// giveUp calls lost with the cause if no server is left to hope for. m.mu is held.
func (m *monitor) giveUp() {
	hopeful := func(s event.ServerDescription) bool { return m.failures[s.Addr.String()] == nil }
	if cause := m.explain(); cause != nil && !slices.ContainsFunc(m.topology.Servers, hopeful) {
		m.lost(cause)
	}
}

// serverOf returns the host:port of the server in a connection's name, "host:port[-7]".
func serverOf(connection string) string {
	return connection[:max(strings.LastIndexByte(connection, '['), 0)]
}

// cause says why an operation finds no server to go to. It is nil if there is one, or nothing is known yet.
func (m *monitor) cause() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.explain()
}

// hosts returns the servers that are known, or those that are given if there are none.
func (m *monitor) hosts() (hosts []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, server := range m.topology.Servers {
		hosts = append(hosts, server.Addr.String())
	}
	if hosts == nil {
		return m.given
	}
	return hosts
}

// explain is cause for those who hold m.mu.
func (m *monitor) explain() error {
	var failure error
	kinds := make(map[string]bool)
	for _, server := range m.topology.Servers {
		kinds[server.Kind] = true
		if server.Kind == "Unknown" {
			failure = cmp.Or(failure, m.outside(server.Addr.String()))
		}
	}
	only := func(kind string) bool { return kinds[kind] && len(kinds) == 1 }
	switch kind := m.topology.Kind; {
	case m.topology.CompatibilityErr != nil:
		return kit.Errorf(registry.KindConfig, "the server's version is not one that the driver supports")
	case len(kinds) == 0 && kind == "Unknown": // before and after its life
		return nil
	case len(kinds) == 0, only("Unknown") && failure == nil && m.stranger: // that is kept if it is asked alone
		return kit.Errorf(registry.KindConfig,
			"none of the hosts belongs to the replica set that is asked for (%s: replicaSet)", m.vars.Name("URI"))
	case only("Unknown") && errors.Is(failure, io.EOF) && !m.answered:
		return kit.Errorf(registry.KindUnreachable, "the connection was closed before any answer; is TLS on at one end only?")
	case only("Unknown"):
		return knownOr(failure, registry.KindUnreachable, broke)
	case only("RSGhost") && kind != "Single":
		return kit.Errorf(registry.KindLoading, "the replica set is not initiated, or its servers are only just starting")
	case kind == "ReplicaSetNoPrimary" && (m.reads.Mode() == readpref.PrimaryMode || !kinds["RSSecondary"]):
		return kit.Errorf(registry.KindLoading, "the replica set has no primary")
	case kind == "ReplicaSetWithPrimary" && m.reads.Mode() == readpref.SecondaryMode && !kinds["RSSecondary"]:
		return kit.Errorf(registry.KindLoading, "the replica set has no secondary (%s: readPreference, or %s)",
			m.vars.Name("URI"), m.vars.Name("ROLE"))
	case strings.HasPrefix(kind, "ReplicaSet") && !slices.ContainsFunc(m.topology.Servers, m.tagged):
		return kit.Errorf(registry.KindLoading, "the replica set has no server with the tags that are asked for "+
			"(%s: readPreferenceTags)", m.vars.Name("URI"))
	}
	return nil
}

// tagged reports whether a server has the tags without which no server is asked.
func (m *monitor) tagged(s event.ServerDescription) bool {
	sets, mode := m.reads.TagSets(), m.reads.Mode()
	return len(sets) == 0 || mode != readpref.SecondaryMode && mode != readpref.NearestMode ||
		slices.ContainsFunc(sets, func(set tag.Set) bool { return s.Tags.ContainsAll(set) })
}

// outside returns why the last heartbeat of a server failed. Its name may be one that the replica set gave.
func (m *monitor) outside(server string) error {
	failure := m.failures[server]
	given := slices.ContainsFunc(m.given, func(host string) bool { return strings.EqualFold(host, server) })
	if dns, ok := errors.AsType[*net.DNSError](failure); ok && dns.IsNotFound && !given {
		return kit.Errorf(registry.KindUnreachable, "no such host: the replica set gives its members names that are not "+
			"known here (%s: directConnection=true asks one server alone)", m.vars.Name("URI"))
	}
	return failure
}
