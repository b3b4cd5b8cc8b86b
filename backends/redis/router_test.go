package redis_test

import (
	"net"
	"sync"
	"testing"
)

// router passes connections on to a server that can be another one for those that are made later, as the address of a
// primary is behind a fail-over, and can forget those that there are, as firewalls do: nothing passes, nobody is told.
type router struct {
	listener net.Listener

	mu     sync.Mutex
	target string
	gates  []*sync.RWMutex
}

func newRouter(t *testing.T, target string) *router {
	t.Helper()
	r := &router{listener: listen(t), target: target}
	serve(t, r.listener, func(client net.Conn) {
		r.mu.Lock()
		to, gate := r.target, new(sync.RWMutex)
		r.gates = append(r.gates, gate)
		r.mu.Unlock()
		server, err := net.Dial("tcp", to)
		if err != nil {
			client.Close()
			return
		}
		var both sync.WaitGroup
		both.Go(func() { pass(server, client, gate) })
		both.Go(func() { pass(client, server, gate) })
		both.Wait()
	})
	return r
}

func pass(to, from net.Conn, gate *sync.RWMutex) {
	defer to.Close()
	buffer := make([]byte, 1<<12)
	for {
		n, err := from.Read(buffer)
		gate.RLock()
		_, failed := to.Write(buffer[:n])
		gate.RUnlock()
		if err != nil || failed != nil {
			return
		}
	}
}

func (r *router) addr() string { return r.listener.Addr().String() }

func (r *router) route(target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = target
}

// forget lets nothing pass over the connections that there are, until the test ends.
func (r *router) forget(t *testing.T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, gate := range r.gates {
		gate.Lock()
		t.Cleanup(gate.Unlock)
	}
	r.gates = nil
}
