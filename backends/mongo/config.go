package mongo

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// Config is what the MONGO_* variables set; package config documents its tags. In code a zero field means its default.
// A variable of 0 means what the driver means by it, or is refused. An option of 0 in the URI says the same in code.
type Config struct {
	URI      config.Secret `env:"URI" alias:"MONGO_URI=MONGODB_URI,MONGO_URL,MONGODB_URL" doc:"mongodb://user:pw@host/db"`
	Database string        `env:"DATABASE" alias:"MONGO_DATABASE=MONGODB_DATABASE" doc:"database; the URI's unless set"`
	Role     string        `env:"ROLE" envDefault:"any" doc:"what a check wants: primary, replica or any"`

	TLS config.TLS

	MaxPoolSize     int           `env:"MAX_POOL_SIZE" envDefault:"20" doc:"most to one server; 0 is any number"`
	MinPoolSize     int           `env:"MIN_POOL_SIZE" envDefault:"0" doc:"fewest connections kept to each server"`
	MaxConnIdleTime time.Duration `env:"MAX_CONN_IDLE_TIME" envDefault:"1m" doc:"idle ones go after this; 0 is never"`

	ServerSelectionTimeout time.Duration `env:"SERVER_SELECTION_TIMEOUT" envDefault:"5s" doc:"longest wait for a server"`
	ConnectTimeout         time.Duration `env:"CONNECT_TIMEOUT" envDefault:"5s" doc:"longest wait for a new connection"`
}

// settings are a Config that has been checked.
type settings struct {
	Config
	setup
	vars   config.Variables
	role   kit.Role
	tls    *tls.Config   // by the variables, or by the files that the URI names
	uri    config.Secret // with the escapes that the driver wants
	mode   string        // of monitoring: the driver (v2.9) reads it in the URI, and leaves it at that
	target kit.Target
}

// resolve checks the configuration. Its error lists all that is wrong, by variable and option, and quotes no value.
func resolve(name string, in setup) (*settings, error) {
	cfg, vars, loadErr := config.LoadOr(name, in.config)
	s := &settings{Config: cfg, setup: in, vars: vars}
	uriErr := kit.In(vars.Name("URI"), s.readURI())
	if cfg.URI.IsZero() {
		uriErr = vars.NotSet("URI")
	}
	role, roleErr := kit.ParseRole(vars, s.Role)
	secure, tlsErr := vars.TLS(s.TLS, "") // each host is verified by its own name
	s.role, s.tls = role, secure
	found := kit.Problems{loadErr, uriErr, tlsErr, roleErr}
	add := func(wrong bool, key, text string) { found.Add(wrong, "%s: %s", vars.Name(key), text) }
	add(!validDatabase(cfg.Database), "DATABASE", "not a name for a database")
	most := s.MaxPoolSize
	add(most > mostConns, "MAX_POOL_SIZE", "want at most 65535, or 0 for any number")
	add(most > 0 && s.MinPoolSize > most, "MIN_POOL_SIZE", "is more than "+vars.Name("MAX_POOL_SIZE"))
	add(most == 0 && s.MinPoolSize > mostConns, "MIN_POOL_SIZE", "want at most 65535")
	add(s.ServerSelectionTimeout <= 0 && loadErr == nil, "SERVER_SELECTION_TIMEOUT", "want more than 0")
	add(s.ConnectTimeout <= 0 && loadErr == nil, "CONNECT_TIMEOUT", "want more than 0")
	return s, found.Err()
}

// Target returns where the servers are, by the URI.
func (s *settings) Target() kit.Target { return s.target }

// Open makes a client and verifies that the server can be used. Names are looked up without a context: a look-up that
// is abandoned keeps the turn until it has ended.
func (s *settings) Open(ctx context.Context) (*client, error) {
	o, err := kit.Within(ctx, func() (*options.ClientOptions, error) {
		select {
		case s.turn <- struct{}{}:
			defer func() { <-s.turn }()
			return s.options()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}, nil)
	switch {
	case err != nil && s.target.SRV != "" && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, kit.Errorf(registry.KindTimeout, "the name server did not answer in time")
	case err != nil:
		return nil, kit.Classify(err)
	}
	c := &client{settings: s, options: o}
	return c, c.connect(ctx)
}

// options returns what the driver reads in the URI, and what the variables say besides: none of them is in the URI that
// the driver is given.
func (s *settings) options() (*options.ClientOptions, error) {
	o, err := read(s.uri)
	if err != nil {
		return nil, s.refusal(err, "its options, its TXT record or the files that it names do not fit together")
	}
	o.SetMaxPoolSize(uint64(s.MaxPoolSize)).SetMinPoolSize(uint64(s.MinPoolSize)).
		SetMaxConnIdleTime(s.MaxConnIdleTime).SetConnectTimeout(s.ConnectTimeout).
		SetServerSelectionTimeout(s.ServerSelectionTimeout).SetServerMonitoringMode(s.mode)
	if s.TLS != (config.TLS{}) {
		secure := s.tls.Clone()
		if secure != nil && o.TLSConfig != nil { // a key may have a password
			secure.Certificates = o.TLSConfig.Certificates
		}
		o.TLSConfig = secure
	}
	return o, nil
}

// wants is what may be missing for a way to log in that is not in every program.
var wants = map[string]string{
	"GSSAPI": "authMechanism: GSSAPI needs a program that was built with -tags gssapi",
	oidc: "authMechanism: MONGODB-OIDC wants an ENVIRONMENT in authMechanismProperties, " +
		"or a callback that mongo.WithHook sets",
}
