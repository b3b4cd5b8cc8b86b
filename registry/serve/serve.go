package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
	"github.com/vibework/mooring/registry/internal/guard"
	"github.com/vibework/mooring/registry/internal/wait"
)

// Options are the options of [Run]. The zero value serves registry.Default() on port 8080.
type Options struct {
	Registry *registry.Registry // nil means registry.Default()
	Health   health.Options     // of the probes

	// Server says where and how to serve; nil is an empty one. Run fills in what is zero: Addr is ":8080",
	// ReadHeaderTimeout 5s and IdleTimeout 620s. It serves TLS if TLSConfig is set, which then has the certificate.
	// Run sets Handler and ConnContext, and calls what was there: a Handler serves where start returns none. No
	// server can be run twice.
	Server *http.Server

	// Drain is how long readiness is red before connections are refused; 0 means 5s, but at most half of Timeout,
	// and less than 0 means not at all. It must be shorter than Timeout.
	Drain time.Duration

	// Timeout is the time for draining, for shutting the server down and for CloseAll together; 0 means 25s.
	Timeout time.Duration
}

// Run runs a service until SIGTERM, SIGINT or the end of ctx. It listens, and answers /livez, /readyz and /startupz
// from then on; opens all resources; calls start, and serves the handler that it returns. When it is told to stop it
// drains, shuts the server down and closes all, within Timeout; the doc of the package says who has how much of it. A
// second signal ends the program at once, also where the program itself is notified of signals; those within 100ms of
// the first are taken for one.
//
// The context of start ends at once when the service is told to stop while start runs, and otherwise when no request is
// under way any more, before anything is closed. start may be nil, and so may its handler: then there are only the
// probes. Until the handler serves, /readyz and /startupz are red and all other paths answer 503. After that the paths
// of the probes remain theirs. A panic in start is an error.
//
// Nil is a clean end. It is an error if the port is taken, if the server fails, if OpenAll, start or CloseAll fails,
// even for being told to stop, or if requests were cut off. Run has then stopped the service as well as it could. The
// text of the error is one line, and errors.Is and errors.As find all that went wrong. One record of the registry's
// Logger says how long each part has taken.
func Run(ctx context.Context, o Options, start func(context.Context) (http.Handler, error)) error {
	if err := o.complete(); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Server.Addr)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return run(ctx, listener, o, start)
}

// complete fills in what is zero.
func (o *Options) complete() error {
	o.Registry = cmp.Or(o.Registry, registry.Default())
	o.Server = cmp.Or(o.Server, new(http.Server))
	o.Server.Addr = cmp.Or(o.Server.Addr, ":8080")
	o.Server.ReadHeaderTimeout = cmp.Or(o.Server.ReadHeaderTimeout, 5*time.Second)
	// Longer than load balancers keep a connection (Google's for 600s): whoever closes first must not be the one who
	// may be sent a request at that moment.
	o.Server.IdleTimeout = cmp.Or(o.Server.IdleTimeout, 620*time.Second)
	if o.Timeout <= 0 {
		o.Timeout = 25 * time.Second
	}
	if o.Drain == 0 {
		o.Drain = min(5*time.Second, o.Timeout/2)
	}
	if o.Drain >= o.Timeout {
		return fmt.Errorf("serve: config: Drain (%v) must be shorter than Timeout (%v)", o.Drain, o.Timeout)
	}
	c := o.Server.TLSConfig
	if c != nil && len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil {
		return errors.New("serve: config: TLSConfig has no certificate")
	}
	return nil
}

// service is one Run.
type service struct {
	Options
	front *front

	life    context.Context // its end stops the service, and its cause says why
	stop    context.CancelCauseFunc
	work    context.Context // start's
	endWork context.CancelFunc

	served, opened, started *part
}

// part is a call that is a part of the service's life, on a goroutine of its own.
type part struct {
	name  string
	ended chan struct{} // closed when the call has returned; nil if it is not made
	err   error         // how it ended; this and took may be read then
	took  slog.Attr     // how long it took
}

func run(
	ctx context.Context, listener net.Listener, o Options, start func(context.Context) (http.Handler, error),
) error {
	defer listener.Close() // ServeTLS leaves it open when it cannot speak HTTP/2, and a group may make newFront panic
	s := &service{Options: o, front: newFront(o), started: new(part)}
	s.life, s.stop = context.WithCancelCause(ctx)
	s.work, s.endWork = context.WithCancel(context.WithoutCancel(ctx))
	defer s.stop(nil)
	defer s.endWork()
	defer stopAtSignal(s.stop)()

	s.log("listening", slog.String("addr", listener.Addr().String()))
	s.served = s.begin("serve", "serve: ", func() error { return s.serve(listener) })
	s.opened = s.begin("open", "", func() error { return s.Registry.OpenAll(s.life) })
	wait.For(s.life, s.opened.ended)
	if s.life.Err() == nil {
		s.started = s.begin("start", "start: ", func() error { return s.start(start) })
	}
	<-s.life.Done()
	return s.end()
}

// begin begins a part. A failure stops the service; so does a panic or a Goexit, which must not leave resources open.
func (s *service) begin(name, prefix string, call func() error) *part {
	p, began := &part{name: name, ended: make(chan struct{})}, time.Now()
	go guard.Call(call, func(err error) {
		if p.took = slog.Duration(name, time.Since(began)); err != nil {
			p.err = fmt.Errorf("%s%w", prefix, err)
			s.stop(p.err)
		}
		close(p.ended)
	})
	return p
}

// result is how a part has ended, and how long it took. One that does not end within patience is given up.
func (p *part) result(patience time.Duration) (took slog.Attr, err error) {
	if !wait.All(patience, p.ended) {
		return took, registry.Classify(registry.KindHung, fmt.Errorf("%s: hung: it has not returned in time", p.name))
	}
	return p.took, p.err
}

func (s *service) serve(listener net.Listener) (err error) {
	if s.Server.TLSConfig == nil {
		err = s.Server.Serve(listener)
	} else {
		err = s.Server.ServeTLS(listener, "", "")
	}
	if s.life.Err() != nil && errors.Is(err, http.ErrServerClosed) {
		return nil // it was told to
	}
	return err
}

// start lets the handler serve.
func (s *service) start(start func(context.Context) (http.Handler, error)) (err error) {
	release := context.AfterFunc(s.life, s.endWork)
	var handler http.Handler
	if start != nil {
		if handler, err = start(s.work); err != nil {
			return err
		}
	}
	if release() { // so nobody has told the service to stop meanwhile
		s.front.open(handler)
		s.log("serving")
	}
	return nil
}

func (s *service) log(message string, attrs ...slog.Attr) {
	logger := cmp.Or(s.Registry.Logger, slog.Default())
	guard.Try(func() { logger.LogAttrs(context.Background(), slog.LevelInfo, message, attrs...) })
}
