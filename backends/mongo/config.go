package mongo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// Config is what the MONGO_* variables set; package config documents its tags. In code a zero field means its default.
// A variable of 0 means what the driver means by it, or is refused. An option of 0 in the URI says the same in code.
type Config struct {
	URI      config.Secret `env:"URI" alias:"MONGO_URI=MONGODB_URI,MONGO_URL,MONGODB_URL" doc:"mongodb://user:pw@host/db"`
	Database string        `env:"DATABASE" doc:"name of the database; the one in the URI unless set"`
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
	hook   func(*options.ClientOptions)
	prefix string
	role   kit.Role
	tls    *tls.Config   // by the variables
	uri    config.Secret // with the escapes that the driver wants
	plain  config.Secret // the same with nothing in it to be looked up
	srv    bool
	turn   kit.Turn // of what the driver does without a context: it looks names up
}

// resolve checks the configuration. Its error lists all that is wrong, by variable and option, and quotes no value.
func resolve(name string, in setup, turn kit.Turn) (*settings, error) {
	cfg, loadErr := kit.Load(name, in.config)
	s := &settings{Config: cfg, hook: in.hook, prefix: config.Prefix(name), turn: turn}
	switch {
	case loadErr != nil && cfg.URI.IsZero(): // it may say why there is none
		return nil, loadErr
	case cfg.URI.IsZero():
		return nil, fmt.Errorf("%sURI is not set", s.prefix)
	}
	var err error
	s.tls, err = s.TLS.Config(name, "") // each host is verified by its own name
	found := problems{loadErr, s.readURI(), err}
	add := func(wrong bool, format string) { found.add(wrong, format, s.prefix) }
	s.role, err = kit.ParseRole(s.Role)
	add(err != nil, "%sROLE: not primary, replica or any")
	add(s.Database != "" && !validDatabase(s.Database), "%sDATABASE: not a name for a database")
	add(s.MaxPoolSize < 0 || s.MaxPoolSize > mostConns, "%sMAX_POOL_SIZE: want at most 65535, or 0 for any number")
	add(s.MaxPoolSize > 0 && s.MinPoolSize > s.MaxPoolSize, "%[1]sMIN_POOL_SIZE: is more than %[1]sMAX_POOL_SIZE")
	add(s.ServerSelectionTimeout <= 0 && loadErr == nil, "%sSERVER_SELECTION_TIMEOUT: want more than 0")
	add(s.ConnectTimeout <= 0 && loadErr == nil, "%sCONNECT_TIMEOUT: want more than 0")
	return s, errors.Join(found...)
}

// Open makes a client and verifies that the server can be used.
func (s *settings) Open(ctx context.Context) (*client, error) {
	c := &client{settings: s}
	if err := c.connect(ctx, s.options); err != nil {
		return nil, err
	}
	if err := c.wantsLogin(ctx); err != nil {
		_ = c.Close(ctx)
		return nil, err
	}
	return c, nil
}

// options returns what the driver reads in the URI, and what the variables say besides.
func (s *settings) options() (*options.ClientOptions, error) {
	o, err := read(s.uri)
	if err != nil {
		return nil, s.refusal(err, "its options, its TXT record or the files that it names do not fit together")
	}
	merged := *s
	return o, merged.merge(o)
}

// newClient makes the driver's client. For mongodb+srv:// the driver asks the name server, and its name server alone.
func (s *settings) newClient(o *options.ClientOptions) (*driver.Client, error) {
	client, err := driver.Connect(o)
	switch {
	case err == nil:
		return client, nil
	case o.Auth != nil && o.Auth.AuthMechanism == "GSSAPI":
		return nil, s.refusal(err, "authMechanism: GSSAPI needs a program that was built with -tags gssapi")
	}
	return nil, s.refusal(err, "the driver refuses it: "+
		"a character in the password that SCRAM forbids, or what a hook has set")
}

// merge brings the variables and the options together. What o has goes before the defaults of the variables; where o
// and a variable that is set differ, that is an error.
func (s *settings) merge(o *options.ClientOptions) error {
	usual := config.Defaults(Config{})
	clash := func(agree bool, option, variable string) error {
		if agree {
			return nil
		}
		return fmt.Errorf("%[2]sURI: %[1]s: conflicts with %[2]s%[3]s; remove one", option, s.prefix, variable)
	}
	if s.TLS != (config.TLS{}) {
		o.TLSConfig = s.tls.Clone()
	}
	return errors.Join(
		clash(same(&s.MaxPoolSize, usual.MaxPoolSize, &o.MaxPoolSize), "maxPoolSize", "MAX_POOL_SIZE"),
		clash(same(&s.MinPoolSize, usual.MinPoolSize, &o.MinPoolSize), "minPoolSize", "MIN_POOL_SIZE"),
		clash(same(&s.MaxConnIdleTime, usual.MaxConnIdleTime, &o.MaxConnIdleTime), "maxIdleTimeMS", "MAX_CONN_IDLE_TIME"),
		clash(same(&s.ServerSelectionTimeout, usual.ServerSelectionTimeout, &o.ServerSelectionTimeout),
			"serverSelectionTimeoutMS", "SERVER_SELECTION_TIMEOUT"),
		clash(same(&s.ConnectTimeout, usual.ConnectTimeout, &o.ConnectTimeout), "connectTimeoutMS", "CONNECT_TIMEOUT"),
	)
}

// same makes the variable and the option the same and reports whether they can be.
func same[V, O ~int | ~int64 | ~uint64](variable *V, usual V, option **O) bool {
	if *option == nil {
		*option = new(O(*variable))
	}
	if *variable != usual && *variable != V(**option) {
		return false
	}
	*variable = V(**option)
	return true
}
