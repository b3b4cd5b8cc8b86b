package redis

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// Resolved is what the driver is going to be given.
type Resolved struct {
	Addr, Username, Password               string
	DB, MaxActive, MaxIdle                 int
	IdleTimeout, MaxConnLifetime           time.Duration
	DialTimeout, ReadTimeout, WriteTimeout time.Duration
	TLS, SkipVerify                        bool
	ServerName, Family, ClientName         string
	Topology, Master                       string
}

// Resolve reads the environment as Configure does.
func Resolve(t *testing.T, name string) Resolved {
	t.Helper()
	return shown(resolved(t, name, setup{}))
}

// ResolveConfig is Resolve for a Config made in code.
func ResolveConfig(t *testing.T, cfg Config) Resolved {
	t.Helper()
	return shown(resolved(t, "redis", setup{config: &cfg}))
}

func shown(s *settings) Resolved {
	r := Resolved{
		Addr: strings.Join(s.addrs, " "), Username: s.Username, Password: s.Password.Reveal(),
		DB: s.DB, MaxActive: s.MaxActive, MaxIdle: s.MaxIdle,
		IdleTimeout: s.IdleTimeout, MaxConnLifetime: s.MaxConnLifetime,
		DialTimeout: s.DialTimeout, ReadTimeout: s.ReadTimeout, WriteTimeout: s.WriteTimeout,
		Family: s.family, ClientName: s.ClientName,
		Topology: string(s.topology), Master: s.SentinelMaster,
	}
	if s.tls != nil {
		r.TLS, r.SkipVerify, r.ServerName = true, s.tls.InsecureSkipVerify, s.tls.ServerName
	}
	return r
}

// TLSOf is the TLS configuration that the environment asks for.
func TLSOf(t *testing.T, name string) *tls.Config {
	t.Helper()
	return resolved(t, name, setup{}).tls
}

// TLSTo is the one for a server that Sentinels or nodes name.
func TLSTo(t *testing.T, addr string) *tls.Config {
	t.Helper()
	secure, err := resolved(t, "redis", setup{}).tlsTo(addr)
	if err != nil {
		t.Fatal(err)
	}
	return secure
}

func resolved(t *testing.T, name string, in setup) *settings {
	t.Helper()
	s, err := resolve(name, in)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ForgetLookups does what half a minute does.
func ForgetLookups(r *Resource) {
	c, _ := kit.ClientOf(r.Resource)
	c.(*client).notes.Lookups = kit.Lookups{}
}

// SlotOfKey is where a cluster keeps a key.
var SlotOfKey = slotOfKey

// KeyOf returns the first key of a command.
func KeyOf(name string, args ...any) (string, bool) { return (&command{name: name, args: args}).key() }

// Await waits for a primary as [Resource.Conn] does, with what borrows a connection. The client closes after a while.
func Await(
	ctx context.Context, timeout, closes time.Duration, borrow func(context.Context) (driver.Conn, error),
) error {
	c := &client{settings: &settings{Config: Config{DialTimeout: timeout}}, conns: new(kit.Conns)}
	c.Pool = &driver.Pool{DialContext: borrow}
	c.primary = &sentinels{client: c}
	c.primary.latest.Store(newPlace(""))
	c.life, c.end = context.WithCancelCause(ctx)
	defer time.AfterFunc(closes, func() { c.conns.Drain(ctx, func() {}) }).Stop()
	_, err := c.Conn(ctx)
	return err
}

// FullLongAfter is what a full pool is 30s after a connection has come back last, while Sentinels are asked for another.
func FullLongAfter(t *testing.T, cfg Config) (err error) {
	t.Helper()
	settings := resolved(t, "redis", setup{config: &cfg})
	synctest.Test(t, func(t *testing.T) {
		s := &sentinels{client: settings.newClient("", new(kit.Conns))}
		s.latest.Store(newPlace(""))
		s.notes.Returned()
		time.Sleep(30 * time.Second)
		if _, err := s.find(t.Context()); err != nil {
			t.Error(err)
		}
		err = s.notes.Full(registry.PoolStats{Max: 1, InUse: 1})
	})
	return err
}
