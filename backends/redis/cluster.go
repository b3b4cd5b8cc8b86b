package redis

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// renewWithin is the time for an answer to CLUSTER SLOTS.
const renewWithin = time.Second

// router sends commands to the nodes of a cluster. It has a pool for each master, and a map of the slots that it renews
// when a node says that it is out of date or does not answer. It runs in the background only while it renews the map.
type router struct {
	*settings
	conns    *kit.Conns
	slots    atomic.Pointer[slotMap]
	renewals sync.WaitGroup
	known    []string     // whom to ask for the map: the renewal under way has it
	lent     atomic.Int64 // connections that the program has not closed yet
	closing  atomic.Bool

	mu      sync.Mutex // guards what is below, and is held before the lock of a pool
	nodes   map[string]*client
	left    []*client // nodes that are no masters any more, and have connections; follow changes it
	renewal *renewal  // the latest; nil before the first
}

// renewal is one of the map of slots. At its end over is done, and err is to be read.
type renewal struct {
	over context.Context
	err  error
}

func (s *settings) openCluster(ctx context.Context) (service, error) {
	r := &router{settings: s, conns: &kit.Conns{Family: s.family}, known: s.addrs, nodes: make(map[string]*client)}
	r.conns.InUse = func() int { return r.PoolStats().InUse }
	ctx, cancel := kit.Working(ctx) // it has a deadline
	defer cancel()
	if err := r.Check(ctx); err != nil && registry.KindOf(err) != registry.KindDegraded {
		_ = r.Close(ctx)
		return nil, err
	}
	return r, nil
}

// Handle returns nil: there is a pool for each node.
func (r *router) Handle() *driver.Pool { return nil }

// Conn returns a connection that borrows one of a node for each command.
func (r *router) Conn(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.lent.Add(1)
	if r.closing.Load() { // or else Close waits for what is lent here
		r.lent.Add(-1)
		return nil, errClosed
	}
	c := &routed{of: r}
	c.calls = calls{c}
	return c, nil
}

// Check asks for the map, and then each master whether it can be used and what it thinks of the cluster.
func (r *router) Check(ctx context.Context) error {
	renewal := r.renew()
	select {
	case <-renewal.over.Done():
	case <-ctx.Done():
		return Classify(ctx.Err())
	}
	if renewal.err != nil {
		return renewal.err
	}
	slots := r.slots.Load()
	var checks sync.WaitGroup
	defer checks.Wait()
	check := func(addr string) (none struct{}, err error) { return none, r.node(addr).Check(ctx) }
	var worst error
	masters := make(map[registry.Kind]int)
	for _, err := range askAll(&checks, slots.masters, check) {
		worst = worse(worst, err)
		masters[registry.KindOf(err)]++
	}
	switch kind := registry.KindOf(worst); {
	case worst != nil:
		return kit.Errorf(kind, "%d of %d masters: %w", masters[kind], len(slots.masters), worst)
	case !slots.isWhole():
		return kit.Errorf(registry.KindLoading, "slots of the cluster have no master")
	}
	return nil
}

// node returns the pool of the node at addr.
func (r *router) node(addr string) *client {
	r.mu.Lock()
	defer r.mu.Unlock()
	node := r.nodes[addr]
	if node == nil {
		node = r.newClient(addr, r.conns)
		r.nodes[addr] = node
	}
	return node
}

// renew asks for the map in the background, unless somebody does.
func (r *router) renew() *renewal {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last := r.renewal; last != nil && (last.over.Err() == nil || r.conns.Err() != nil) {
		return last
	}
	over, end := context.WithCancel(context.Background())
	now := &renewal{over: over}
	r.renewal = now
	r.renewals.Go(func() {
		defer end()
		now.err = r.learn()
	})
	return now
}

// learn asks all known nodes at once for the map, and follows the first answer. The others may finish.
func (r *router) learn() (failure error) {
	for slots, err := range askAll(&r.renewals, r.known, r.ask) {
		if slots != nil { // a full pool is no reason not to follow the map
			r.known = slots.masters
			r.follow(slots)
			return nil
		}
		failure = worse(failure, err)
	}
	r.known = r.addrs // those that the configuration names
	return kit.Errorf(registry.KindOf(failure), "no node of the cluster tells of its slots: %w", failure)
}

// ask asks the node at addr for the map.
func (r *router) ask(addr string) (slots *slotMap, err error) {
	ctx, cancel := r.conns.Dialling(context.Background(), renewWithin)
	defer cancel()
	node := r.node(addr)
	err = node.probe(ctx, func(ctx context.Context, conn driver.Conn) error {
		reply, err := driver.DoContext(conn, ctx, "CLUSTER", "SLOTS")
		if slots = parseSlots(reply, addr); err == nil && slots == nil {
			err = kit.Errorf(registry.KindLoading, "no slot of the cluster has a master")
		}
		return node.because(ctx, conn, node.firstWord(err))
	})
	return slots, err
}

// follow uses the map from now on, and retires the nodes that are no masters in it.
func (r *router) follow(slots *slotMap) {
	r.slots.Store(slots)
	r.mu.Lock()
	r.left = slices.DeleteFunc(r.left, func(node *client) bool { return node.ActiveCount() == 0 })
	for addr, node := range r.nodes {
		if !slices.Contains(slots.masters, addr) {
			r.left = append(r.left, node)
			delete(r.nodes, addr)
		}
	}
	r.mu.Unlock()
	ended, end := context.WithCancel(context.Background())
	end()
	retire(ended, errLeft, r.left...)
}

var errLeft = kit.Errorf(registry.KindLoading, "the node is no master of the cluster any more")

// askState asks a master whether it thinks that the cluster works.
func askState(ctx context.Context, conn driver.Conn) error {
	state, err := field(ctx, conn, "cluster_state", "CLUSTER", "INFO")
	if state != "" && state != "ok" {
		return kit.Errorf(registry.KindLoading, "the state of the cluster is not ok: slots have no master, or most are gone")
	}
	return err
}

// PoolStats returns the sum of the numbers of the nodes' pools.
func (r *router) PoolStats() (sum registry.PoolStats) {
	for _, node := range r.pools() {
		s := node.PoolStats()
		sum.Max, sum.Open, sum.InUse, sum.Idle = sum.Max+s.Max, sum.Open+s.Open, sum.InUse+s.InUse, sum.Idle+s.Idle
		sum.WaitCount, sum.WaitDuration = sum.WaitCount+s.WaitCount, sum.WaitDuration+s.WaitDuration
	}
	return sum
}

// Close lends nothing from its beginning on, and lets finish what is lent as that of one server does.
func (r *router) Close(ctx context.Context) error {
	r.closing.Store(true)
	working, stop := kit.Working(ctx)
	defer stop()
	for r.lent.Load() > 0 && pause(working, nil, 10*time.Millisecond) {
	}
	err := r.conns.Close(ctx, func() { retire(working, errClosed, r.pools()...) })
	r.renewals.Wait() // none begins from now on
	return err
}

// pools returns the clients of all nodes that have connections.
func (r *router) pools() []*client {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.AppendSeq(slices.Clone(r.left), maps.Values(r.nodes))
}
