package redis

import (
	"context"
	"maps"
	"slices"
	"strings"
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
	life     context.Context // of what runs in the background
	end      context.CancelFunc
	renewals sync.WaitGroup

	mu       sync.Mutex // guards what is below, and is held before the lock of a pool
	state    lending
	lent     int           // connections that the program has not closed yet
	returned chan struct{} // has room for one: a connection has come back
	nodes    map[string]*client
	renewing chan struct{} // closed when the renewal under way ends; nil if there is none
	failure  error         // of the last renewal
}

type lending int

const (
	isLending lending = iota
	isClosing         // what is lent may finish
	isClosed
)

func (s *settings) openCluster(ctx context.Context) (service, error) {
	r := &router{settings: s, conns: &kit.Conns{Family: s.family}}
	r.nodes, r.returned = make(map[string]*client), make(chan struct{}, 1)
	r.life, r.end = context.WithCancel(context.WithoutCancel(ctx))
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
	if r.state != isLending {
		return nil, kit.Errorf(registry.KindNotOpen, "%w: it was closed", registry.ErrNotOpen)
	}
	r.lent++
	return &routed{of: r}, nil
}

func (r *router) giveBack() {
	r.mu.Lock()
	r.lent--
	r.mu.Unlock()
	select {
	case r.returned <- struct{}{}:
	default:
	}
}

// become changes the state, and returns how many connections are lent and what pools there are.
func (r *router) become(state lending) (lent int, nodes []*client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = state
	return r.lent, slices.Collect(maps.Values(r.nodes))
}

// Check asks for the map, and then each master whether it can be used and what it thinks of the cluster.
func (r *router) Check(ctx context.Context) error {
	select {
	case <-r.renew():
	case <-ctx.Done():
		return Classify(ctx.Err())
	}
	r.mu.Lock()
	failure := r.failure
	r.mu.Unlock()
	if failure != nil {
		return failure
	}
	slots := r.slots.Load()
	errs := make([]error, len(slots.masters))
	var checks sync.WaitGroup
	for i, addr := range slots.masters {
		checks.Go(func() { errs[i] = r.node(addr).Check(ctx) })
	}
	checks.Wait()
	failed, err := 0, error(nil)
	for _, e := range errs {
		if err = worse(err, e); e != nil {
			failed++
		}
	}
	if err != nil {
		return kit.Errorf(registry.KindOf(err), "%d of %d masters: %w", failed, len(errs), err)
	}
	if !slots.isWhole() {
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

// renew asks for the map in the background, unless somebody does, and returns what is closed in the end.
func (r *router) renew() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.renewing != nil:
		return r.renewing
	case r.state == isClosed:
		ended := make(chan struct{})
		close(ended)
		return ended
	}
	asked := r.addrs // those that are known by the configuration, at first and when the others do not answer
	if slots := r.slots.Load(); slots != nil && r.failure == nil {
		asked = slots.masters
	}
	done := make(chan struct{})
	r.renewing = done
	r.renewals.Go(func() {
		slots, err := r.learn(asked)
		r.mu.Lock()
		var gone []*client
		if r.failure = err; err == nil {
			r.slots.Store(slots)
			for addr, node := range r.nodes {
				if !slices.Contains(slots.masters, addr) {
					gone = append(gone, node)
					delete(r.nodes, addr)
				}
			}
		}
		r.renewing = nil
		r.mu.Unlock()
		close(done)
		for _, node := range gone {
			_ = node.Pool.Close() // what is lent closes on its return
		}
	})
	return done
}

// learn asks all these nodes at once for the map, and takes the first answer. The others may finish.
func (r *router) learn(addrs []string) (slots *slotMap, err error) {
	type answer struct {
		slots *slotMap
		err   error
	}
	answers := make(chan answer, len(addrs))
	for _, addr := range addrs {
		r.renewals.Go(func() {
			ctx, cancel := context.WithTimeout(r.life, renewWithin)
			defer cancel()
			var a answer
			node := r.node(addr)
			a.err = node.probe(ctx, func(ctx context.Context, conn driver.Conn) (err error) {
				a.slots, err = node.askSlots(ctx, conn)
				return err
			})
			answers <- a
		})
	}
	for range addrs {
		a := <-answers
		if a.slots != nil {
			return a.slots, nil
		}
		err = worse(err, a.err)
	}
	return nil, kit.Errorf(registry.KindOf(err), "no node of the cluster tells of its slots: %w", err)
}

// askSlots asks a node for the map.
func (c *client) askSlots(ctx context.Context, conn driver.Conn) (*slotMap, error) {
	reply, err := driver.DoContext(conn, ctx, "CLUSTER", "SLOTS")
	if err == nil {
		if slots := parseSlots(reply, c.addr); slots != nil {
			return slots, nil
		}
		return nil, kit.Errorf(registry.KindLoading, "no slot of the cluster has a master")
	}
	if refused(err) {
		if wrong := c.identify(ctx, conn); registry.KindOf(wrong) == registry.KindConfig {
			return nil, wrong
		}
	}
	return nil, c.firstWord(err)
}

// askState asks a master whether it thinks that the cluster works.
func askState(ctx context.Context, conn driver.Conn) error {
	fields, err := text(driver.DoContext(conn, ctx, "CLUSTER", "INFO"))
	if err == nil && strings.Contains(fields, "cluster_state:") && !strings.Contains(fields, "cluster_state:ok") {
		return kit.Errorf(registry.KindLoading, "the state of the cluster is not ok: slots have no master, or most are gone")
	}
	return Classify(err)
}

// PoolStats returns the sum of the numbers of the nodes' pools.
func (r *router) PoolStats() (sum registry.PoolStats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, node := range r.nodes {
		s := node.PoolStats()
		sum.Max, sum.Open, sum.InUse, sum.Idle = sum.Max+s.Max, sum.Open+s.Open, sum.InUse+s.InUse, sum.Idle+s.Idle
		sum.WaitCount, sum.WaitDuration = sum.WaitCount+s.WaitCount, sum.WaitDuration+s.WaitDuration
	}
	return sum
}

// Close lends nothing from its beginning on, and lets finish what is lent as that of one server does.
func (r *router) Close(ctx context.Context) error {
	working, stop := kit.Working(ctx)
	defer stop()
	for lent, _ := r.become(isClosing); lent > 0 && working.Err() == nil; lent, _ = r.become(isClosing) {
		select {
		case <-r.returned:
		case <-working.Done():
		}
	}
	_, nodes := r.become(isClosed)
	r.end()
	cut := r.conns.Drain(ctx, func() {
		for _, node := range nodes {
			_ = node.Pool.Close()
		}
	})
	r.renewals.Wait()
	if cut > 0 {
		return kit.Errorf(registry.KindTimeout, stillInUse, cut)
	}
	return nil
}
