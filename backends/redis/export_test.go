package redis

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
)

// Resolved is what the driver is going to be given.
type Resolved struct {
	Addr, Username, Password               string
	DB, MaxActive, MaxIdle                 int
	IdleTimeout, MaxConnLifetime           time.Duration
	DialTimeout, ReadTimeout, WriteTimeout time.Duration
	TLS, SkipVerify                        bool
	ServerName                             string
}

// Resolve reads the environment as Configure does.
func Resolve(t *testing.T, name string) Resolved {
	t.Helper()
	return shown(resolved(t, name))
}

// ResolveConfig is Resolve for a Config made in code.
func ResolveConfig(t *testing.T, cfg Config) Resolved {
	t.Helper()
	s, err := resolve("redis", config.Defaults(cfg))
	if err != nil {
		t.Fatal(err)
	}
	return shown(s)
}

func shown(s *settings) Resolved {
	r := Resolved{
		Addr: s.addr, Username: s.Username, Password: s.Password.Reveal(),
		DB: s.DB, MaxActive: s.MaxActive, MaxIdle: s.MaxIdle,
		IdleTimeout: s.IdleTimeout, MaxConnLifetime: s.MaxConnLifetime,
		DialTimeout: s.DialTimeout, ReadTimeout: s.ReadTimeout, WriteTimeout: s.WriteTimeout,
	}
	if s.tls != nil {
		r.TLS, r.SkipVerify, r.ServerName = true, s.tls.InsecureSkipVerify, s.tls.ServerName
	}
	return r
}

// TLSOf is the TLS configuration that the environment asks for.
func TLSOf(t *testing.T, name string) *tls.Config {
	t.Helper()
	return resolved(t, name).tls
}

func resolved(t *testing.T, name string) *settings {
	t.Helper()
	cfg, err := config.Load[Config](name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := resolve(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Classify is what every error of the driver goes through.
var Classify = classify

// UseOn is Use for a resource other than the default instance.
func UseOn(r *Resource, opts ...Option) { r.use(opts) }
