// Package nats is a backend for NATS, made outside of Mooring and from its documentation alone: the worked example of
// "Adding a backend" in CONTRIBUTING.md. A program that imports it has it opened, checked and closed with the others:
//
//	import nats "github.com/vibework/mooring/examples/thirdparty"
//
//	err := registry.OpenAll(ctx)
//	err = nats.Conn().Publish("orders", data)
//
// Config has the variables: NATS_HOST and so on, or for New("nats-eu") NATS_EU_HOST.
//
// A connection that breaks is made again, for as long as that takes, about once a second. What is published meanwhile
// waits in a buffer of 8 MB. A server that answers no ping for half a minute counts as gone. A program that wants to
// hear of slow consumers and forbidden subjects calls SetErrorHandler on the connection.
package nats

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	driver "github.com/nats-io/nats.go"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/registry"
)

// Name is the name of the default instance.
const Name = "nats"

// Conn returns the connection of the default instance. It panics unless that is open.
func Conn() *driver.Conn {
	conn, err := std.Handle()
	if err != nil {
		panic("nats is not open: call registry.OpenAll first")
	}
	return conn
}

// Handle is Conn with registry.ErrNotOpen instead of a panic.
func Handle() (*driver.Conn, error) { return std.Handle() }

// Config is what the environment says. It has no URL: no parser sees a password that has a field of its own.
type Config struct {
	Host     string        `env:"HOST" envDefault:"localhost" doc:"name or address of the server"`
	Port     config.Port   `env:"PORT" envDefault:"4222" doc:"port of the server"`
	User     string        `env:"USER" doc:"user, if the server wants one"`
	Password config.Secret `env:"PASSWORD" doc:"password of the user"`
	TLS      config.TLS
}

// Option changes what was read from the environment.
type Option func(*Config)

// New returns the instance of that name, which is not open. It only records its arguments.
func New(name string, opts ...Option) *Resource { return &Resource{name: name, opts: opts} }

// Resource is one connection to NATS. Its methods may be called concurrently.
type Resource struct {
	name    string
	opts    []Option
	session atomic.Pointer[session] // nil unless it is open
}

// Name returns what New was given.
func (r *Resource) Name() string { return r.name }

// Configure reads and validates the configuration.
func (r *Resource) Configure() error {
	_, err := r.options()
	return err
}

// Open connects and logs in; what is open stays as it is. It reads the configuration anew, to see a renewed password.
func (r *Resource) Open(ctx context.Context) error {
	options, err := r.options()
	if err != nil {
		return registry.Classify(registry.KindConfig, err)
	}
	s := &session{drop: func() {}}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx)) // ctx bounds the opening alone
	options.CustomDialer = s
	release := context.AfterFunc(ctx, s.end)
	s.conn, err = options.Connect()
	if !release() || err != nil || !r.session.CompareAndSwap(nil, s) {
		s.end()
		s.conn.Close()
		err = errors.Join(ctx.Err(), err)
	}
	return classify(err)
}

// Check sends a ping, which everybody may, and waits for the answer until ctx is done, at most 5s.
func (r *Resource) Check(ctx context.Context) error {
	conn, err := r.Handle()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answer := make(chan error, 2)
	context.AfterFunc(ctx, func() { answer <- ctx.Err() })
	go func() { answer <- ping(ctx, conn) }() // late if the driver holds its lock, as it does to connect
	return classify(<-answer)
}

// Close waits until the server has what was published and subscriptions have handled what they received, until ctx is
// done, at most 10s. The connection is closed in any case.
func (r *Resource) Close(ctx context.Context) error {
	s := r.session.Swap(nil)
	if s == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	context.AfterFunc(ctx, s.end)
	closed := s.conn.StatusChanged(driver.CLOSED)
	// Drain alone would not wait for a connection that is being made again.
	err := errors.Join(s.conn.FlushWithContext(ctx), s.conn.Drain())
	if err == nil {
		<-closed
	}
	s.conn.Close()
	if err = errors.Join(ctx.Err(), err); err != nil {
		return fmt.Errorf("%w: what was published last may be lost", classify(err))
	}
	return nil
}

// Handle returns the connection, or registry.ErrNotOpen.
func (r *Resource) Handle() (*driver.Conn, error) {
	if s := r.session.Load(); s != nil {
		return s.conn, nil
	}
	return nil, registry.ErrNotOpen
}

func (r *Resource) options() (driver.Options, error) {
	o := driver.GetDefaultOptions()
	cfg, err := config.Load[Config](r.name)
	if err != nil {
		return o, err
	}
	for _, opt := range r.opts {
		opt(&cfg)
	}
	o.TLSConfig, err = cfg.TLS.Config(r.name, cfg.Host)
	o.Secure, o.Servers = o.TLSConfig != nil, []string{net.JoinHostPort(cfg.Host, fmt.Sprint(cfg.Port))}
	// From a function, the password is in no field that somebody could print.
	o.UserInfo = func() (string, string) { return cfg.User, cfg.Password.Reveal() }
	// Otherwise the driver closes the connection for good after 60 attempts, or two refused logins.
	o.MaxReconnect, o.IgnoreAuthErrorAbort = -1, true
	o.Name, o.ReconnectWait, o.PingInterval = r.name, time.Second, 10*time.Second
	o.SkipHostLookup = true // the dialer does it, under a context
	// The driver's own prints what servers say.
	o.AsyncErrorCB = func(*driver.Conn, *driver.Subscription, error) {}
	return o, err
}

// session is one opening. The driver knows no contexts: end breaks off what it is doing.
type session struct {
	conn      *driver.Conn
	life      context.Context
	end, drop context.CancelFunc // of life, and of the latest TCP connection
}

// Dial is for the driver, which never calls it twice at once.
func (s *session) Dial(network, addr string) (net.Conn, error) {
	s.drop() // not all that have failed are closed by the driver
	conn, err := (&net.Dialer{Timeout: driver.DefaultTimeout}).DialContext(s.life, network, addr)
	if err == nil {
		untie := context.AfterFunc(s.life, func() { conn.Close() })
		s.drop = func() { untie(); conn.Close() }
	}
	return conn, err
}

func ping(ctx context.Context, conn *driver.Conn) error {
	if !conn.IsConnected() {
		return errors.Join(conn.LastError(), driver.ErrDisconnected)
	}
	return conn.FlushWithContext(ctx)
}

// classify says in words of its own what err is, because the driver quotes what servers say.
func classify(err error) error {
	kind, text := registry.KindOf(err), "no answer from the server"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, driver.ErrAuthorization), errors.Is(err, driver.ErrAuthExpired):
		kind, text = registry.KindAuth, "access denied"
	case errors.Is(err, driver.ErrSecureConnWanted), kind == registry.KindTLS:
		kind, text = registry.KindTLS, "no TLS session with the server"
	case kind == registry.KindUnknown:
		kind = registry.KindUnreachable
	}
	return registry.Classify(kind, errors.New(text))
}

var std = New(Name)

func init() { registry.Register(std) }
