package tlstest

import (
	"context"
	"slices"
	"sync"
	"testing"
)

// The files of a client.
const (
	CA   = "ca.pem"
	Cert = "cert.pem"
	Key  = "key.pem"
)

// A Rotation renews the certificates of a server and its client, and the authorities behind both.
type Rotation struct {
	Client *Mount // has CA, Cert and Key
	// Serve makes the server show this certificate, and trust the clients of these authorities only.
	Serve func(server Pair, clients []byte)

	server, clients *Authority // of now
	first           *Authority // of the server
}

// NewRotation returns one whose server has to be started with the certificate and the authorities that it returns.
func NewRotation(t *testing.T) (r *Rotation, server Pair, clients []byte) {
	t.Helper()
	r = &Rotation{server: NewAuthority(t), clients: NewAuthority(t)}
	r.first = r.server
	pair := r.clients.Issue(t)
	r.Client = NewMount(t, map[string][]byte{CA: r.server.PEM, Cert: pair.Cert, Key: pair.Key})
	return r, r.server.Issue(t), r.clients.PEM
}

// Run renews everything 20 times while ask, which makes a new connection, is called without a pause. Both ends have an
// overlap, in which the old and the new are good, and no call may fail. The client's files are replaced and written
// over in turn.
func (r *Rotation) Run(t *testing.T, ask func(context.Context) error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	defer asking.Wait()
	defer stop()
	asked := make(chan error)
	asking.Go(func() {
		for {
			select {
			case asked <- ask(t.Context()):
			case <-ctx.Done():
				return
			}
		}
	})
	calls, failed := 0, 0
	for i := range 20 {
		for _, step := range r.steps(t, i) {
			step()
			for range 5 {
				calls++
				if err := <-asked; err != nil {
					failed++
					t.Errorf("rotation %d: %v", i, err)
				}
			}
		}
	}
	t.Logf("20 rotations: %d of %d queries failed", failed, calls)
}

func (r *Rotation) steps(t *testing.T, i int) []func() {
	t.Helper()
	server, clients := NewAuthority(t), NewAuthority(t)
	before := r.server.Issue(t)
	pair := clients.Issue(t)
	change := r.Client.Replace
	if i%2 == 1 {
		change = r.Client.Overwrite
	}
	both := func(a, b *Authority) []byte { return slices.Concat(a.PEM, b.PEM) }
	oldServer, oldClients := r.server, r.clients
	r.server, r.clients = server, clients
	return []func(){
		func() { r.Serve(before, both(oldClients, clients)) },
		func() {
			change(map[string][]byte{CA: both(oldServer, server), Cert: pair.Cert, Key: pair.Key})
		},
		func() { r.Serve(server.Issue(t), clients.PEM) },
		func() { change(map[string][]byte{CA: server.PEM, Cert: pair.Cert, Key: pair.Key}) },
	}
}

// Withdrawn makes the server show a certificate of its first authority, which the client's file no longer has.
func (r *Rotation) Withdrawn(t *testing.T) {
	t.Helper()
	r.Serve(r.first.Issue(t), r.clients.PEM)
}

// Trusted writes that authority into the client's file.
func (r *Rotation) Trusted() { r.Client.Overwrite(map[string][]byte{CA: r.first.PEM}) }
