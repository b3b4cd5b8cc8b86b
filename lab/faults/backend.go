package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/lab/internal/server"
	"github.com/vibework/mooring/lab/internal/wire"
	"github.com/vibework/mooring/registry"
)

// A backend is what the faults happen to: a kind of resource, and servers for it.
type backend struct {
	name   string
	server *server.Process
	secure *secure // nil: see cannot
	stops  []func() error

	// connect returns a resource, not open yet.
	connect func(target) registry.Resource
	// hold takes all connections of the pool of an open resource until release is called.
	hold func(ctx context.Context, res registry.Resource, size int) (release func(), err error)
	// work returns calls of an open resource that want an answer: one on a connection that is there, and perhaps one
	// for which a connection has to be made.
	work func(context.Context, registry.Resource) ([]call, error)
	// count asks the server how many connections it has, without the one that asks, by what it calls lists.
	count func(context.Context) (int, error)
	lists string
	// fill makes the server refuse more connections, until undo is called.
	fill func(context.Context) (undo func() error, err error)

	// admit lets the user of the first server in at the second one, or no longer.
	admit func(ctx context.Context, in bool) error

	states   map[string]state         // what its servers can be in, by the fault
	greeting int64                    // bytes into the server's part of the handshake, where to cut it
	cannot   map[string]string        // why a fault cannot be shown, by its name
	wants    map[string]wants         // kinds that differ from those of other backends, by the fault
	closes   map[string]registry.Kind // of Close alone
	looks    []string                 // functions in which an open client looks for its server, more of them in a fault
	outlive  []string                 // functions in which a call may be still when Close has returned
	slower   map[string]slower        // faults after which it takes longer to be well
}

// call is something that a program asks of a resource. It returns when it has an answer, or an error.
type call func(context.Context) error

// holdAll takes so many connections, until release gives them back.
func holdAll[C io.Closer](size int, take func() (C, error)) (release func(), err error) {
	var held []C
	for range size {
		conn, err := take()
		if err != nil {
			return nil, err
		}
		held = append(held, conn)
	}
	return func() {
		for _, conn := range held {
			_ = conn.Close()
		}
	}, nil
}

// slower is a longer time to be well in, and why.
type slower struct {
	heal time.Duration
	why  string
}

// secure is a second server, with TLS and another password.
type secure struct {
	addr, plain      string // with TLS, and without
	password         string
	process          *server.Process // nil: see cannot
	trusted, unknown *wire.Certificate
	present          func(context.Context, *wire.Certificate) error // changes the server's certificate
}

// target is what a resource is configured with.
type target struct {
	addr     string
	password string
	pool     int    // most connections; 0 means the default
	primary  bool   // it has to take writes
	caFile   string // TLS, verified with this
}

func (t target) tls() config.TLS {
	return config.TLS{CAFile: t.caFile} // which is off without a file
}

// stop stops what was started, the last first.
func (b *backend) stop() error {
	var errs []error
	for len(b.stops) > 0 {
		last := len(b.stops) - 1
		errs = append(errs, b.stops[last]())
		b.stops = b.stops[:last]
	}
	return errors.Join(errs...)
}

// begin starts a server, to be stopped with the backend.
func (b *backend) begin(ctx context.Context, p *server.Process) error {
	b.stops = append(b.stops, p.Stop)
	return p.Start(ctx)
}

// certificates makes one that clients trust and one that they have never heard of.
func certificates(folder string) (trusted, unknown *wire.Certificate, err error) {
	if trusted, err = wire.NewCertificate(folder, "trusted"); err != nil {
		return nil, nil, err
	}
	unknown, err = wire.NewCertificate(folder, "unknown")
	return trusted, unknown, err
}
