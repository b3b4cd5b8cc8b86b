package pubsub

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
)

// Resolved is what the driver is going to be given.
type Resolved struct {
	Project, Addr, Topic string
	TLS, Credentials     bool
	GRPCConns            int
	PublishTimeout       time.Duration
}

// Resolve reads the environment as Configure does.
func Resolve(t *testing.T, name string) Resolved {
	t.Helper()
	cfg, err := config.Load[Config](name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := resolve(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return Resolved{
		Project: s.ProjectID, Addr: s.addr, Topic: s.topic, TLS: s.tls != nil, Credentials: s.creds != nil,
		GRPCConns: s.GRPCConns, PublishTimeout: s.PublishTimeout,
	}
}

// Redirect configures r and lets it take addr for the service.
func Redirect(t *testing.T, r *Resource, addr string, roots *x509.CertPool) {
	t.Helper()
	err := r.settings.Configure(r.name, func(name string, cfg Config) (*settings, error) {
		s, err := resolve(name, cfg)
		if err == nil {
			s.addr, s.tls.RootCAs = addr, roots
		}
		return s, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// UseOn is Use for a resource other than the default instance.
func UseOn(r *Resource, opts ...Option) { r.use(opts) }

// Within bounds a call that knows no context.
var Within = within[int]
