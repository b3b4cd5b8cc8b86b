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
	known    []string // whom to ask for the map: the renewal under way has it

	mu       sync.Mutex // guards what is below, and is held before the lock of a pool
	nodes    map[string]*client
	left     []*client     // nodes that are no masters any more, and have connections
	renewal  *renewal      // the latest; nil before the first
	lent     int           // connections that the program has not closed yet, and one more until Close begins
	returned chan struct{} // closed when lent is 0
	closing  bool
}

// renewal is one of the map of slots. At its end done is closed, and err is to be read.
type renewal struct {
	underWay bool // guarded by mu
	done     chan struct{}
	err      error
}

func (s *settings) openCluster(ctx context.Context) (service, error) {
	r := &router{settings: s, conns: &kit.Conns{Family: s.family}, nodes: make(map[string]*client)}
	r.known, r.lent, r.returned = s.addrs, 1, make(chan struct{})
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
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return nil, errClosed
	}
	r.lent++
	c := &routed{of: r}
	c.calls = calls{c}
	return c, nil
}

func (r *router) giveBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lent--; r.lent == 0 {
		close(r.returned)
	}
}

// Check asks for the map, and then each master whether it can be used and what it thinks of the cluster.
func (r *router) Check(ctx context.Context) error {
	renewal := r.renew()
	select {
	case <-renewal.done:
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
	if last := r.renewal; last != nil && (last.underWay || r.conns.Err() != nil) {
		return last
	}
	now := &renewal{underWay: true, done: make(chan struct{})}
	r.renewal = now
	r.renewals.Go(func() {
		defer close(now.done)
		now.err = r.learn()
		r.mu.Lock()
		defer r.mu.Unlock()
		now.underWay = false
	})
	return now
}

// learn asks all known nodes at once for the map, and follows the first answer. The others may finish.
func (r *router) learn() (failure error) {
	ask := func(addr string) (slots *slotMap, err error) {
		ctx, cancel := r.conns.Dialling(context.Background(), renewWithin)
		defer cancel()
		node := r.node(addr)
		err = node.probe(ctx, func(ctx context.Context, conn driver.Conn) (err error) {
			slots, err = node.askSlots(ctx, conn)
			return err
		})
		if slots != nil { // a full pool is no reason not to follow the map
			err = nil
		}
		return slots, err
	}
	for slots, err := range askAll(&r.renewals, r.known, ask) {
		if err == nil {
			r.known = slots.masters
			r.follow(slots)
			return nil
		}
		failure = worse(failure, err)
	}
	r.known = r.addrs // those that the configuration names
	return kit.Errorf(registry.KindOf(failure), "no node of the cluster tells of its slots: %w", failure)
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
	left := slices.Clone(r.left)
	r.mu.Unlock()
	ended, end := context.WithCancel(context.Background())
	end()
	retire(ended, errLeft, left...)
}

var errLeft = kit.Errorf(registry.KindLoading, "the node is no master of the cluster any more")

// askSlots asks a node for the map.
func (c *client) askSlots(ctx context.Context, conn driver.Conn) (*slotMap, error) {
	reply, err := driver.DoContext(conn, ctx, "CLUSTER", "SLOTS")
	slots := parseSlots(reply, c.addr)
	if err == nil && slots == nil {
		err = kit.Errorf(registry.KindLoading, "no slot of the cluster has a master")
	}
	return slots, c.because(ctx, conn, c.firstWord(err))
}

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
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	r.giveBack() // its own
	working, stop := kit.Working(ctx)
	defer stop()
	select {
	case <-r.returned:
	case <-working.Done():
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
