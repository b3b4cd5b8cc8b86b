package mongo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// Config is what the MONGO_* variables set; package config documents its tags. In code a zero field means its default.
// A variable of 0 means what the driver means by it, or is refused. An option of 0 in the URI says the same in code.
type Config struct {
	URI      config.Secret `env:"URI" alias:"MONGO_URI=MONGODB_URI" doc:"mongodb://user:password@host:27017/database"`
	Database string        `env:"DATABASE" doc:"name of the database; the one in the URI unless set"`

	TLS config.TLS

	MaxPoolSize     int           `env:"MAX_POOL_SIZE" envDefault:"100" doc:"most to one server; 0 is any number"`
	MinPoolSize     int           `env:"MIN_POOL_SIZE" envDefault:"0" doc:"fewest connections kept to each server"`
	MaxConnIdleTime time.Duration `env:"MAX_CONN_IDLE_TIME" envDefault:"5m" doc:"idle ones go after this; 0 is never"`

	ServerSelectionTimeout time.Duration `env:"SERVER_SELECTION_TIMEOUT" envDefault:"5s" doc:"longest wait for a server"`
	ConnectTimeout         time.Duration `env:"CONNECT_TIMEOUT" envDefault:"5s" doc:"longest wait for a new connection"`
}

const (
	mostConns    = 65535            // to one server; the driver allocates room for all of them at once
	minStaleness = 90 * time.Second // the driver accepts less, and then finds no server
	x509         = "MONGODB-X509"
)

// settings are a Config that has been checked.
type settings struct {
	Config
	prefix   string
	defaults Config
	tls      *tls.Config   // by the variables
	uri      config.Secret // with the escapes that the driver wants
	plain    config.Secret // the same with nothing in it to be looked up
	srv      bool
	turn     chan struct{} // taken while the driver looks up the host of mongodb+srv://
}

// resolve checks cfg. Its error lists all that is wrong, by variable and option, and quotes no value.
func resolve(name string, cfg Config) (*settings, error) {
	s := &settings{
		Config:   cfg,
		prefix:   config.Prefix(name),
		defaults: config.Defaults(Config{}),
		turn:     make(chan struct{}, 1),
	}
	if cfg.URI.IsZero() {
		return nil, fmt.Errorf("%sURI is not set", s.prefix)
	}
	var err error
	s.tls, err = s.TLS.Config(name, "") // each host is verified by its own name
	errs := []error{s.readURI(), err}
	if s.Database != "" && !validDatabase(s.Database) {
		errs = append(errs, fmt.Errorf("%sDATABASE: not a name for a database", s.prefix))
	}
	if s.MaxPoolSize < 0 || s.MaxPoolSize > mostConns {
		errs = append(errs, fmt.Errorf("%sMAX_POOL_SIZE: want at most %d, or 0 for any number", s.prefix, mostConns))
	}
	if s.ServerSelectionTimeout <= 0 {
		errs = append(errs, fmt.Errorf("%sSERVER_SELECTION_TIMEOUT: want more than 0", s.prefix))
	}
	if s.ConnectTimeout <= 0 {
		errs = append(errs, fmt.Errorf("%sCONNECT_TIMEOUT: want more than 0", s.prefix))
	}
	if s.MaxPoolSize != 0 && s.MinPoolSize > s.MaxPoolSize {
		errs = append(errs, fmt.Errorf("%[1]sMIN_POOL_SIZE: is more than %[1]sMAX_POOL_SIZE", s.prefix))
	}
	return s, errors.Join(errs...)
}

func validDatabase(name string) bool {
	return name != "" && len(name) < 64 && !strings.ContainsAny(name, "/\\. \"$") && !kit.HasControl(name)
}

// readURI takes the connection string apart and has the driver read all of it that need not be looked up.
func (s *settings) readURI() error {
	u, unused, errs := parse(s.URI.Reveal())
	if len(u.Hosts) > 0 {
		s.uri, s.plain, s.srv = text(u, false), text(u, true), isSRV(u)
		if s.Database == "" {
			s.Database = u.Path
		}
		if o, err := read(s.plain); err != nil {
			errs = append(errs, blame(u)...)
		} else {
			errs = append(append(errs, s.contradictions(u, o)...), s.merge(o)...)
		}
	}
	for i, err := range errs {
		errs[i] = fmt.Errorf("%sURI: %w", s.prefix, err)
	}
	if len(errs) == 0 && len(unused) > 0 {
		names := strings.Join(slices.Compact(unused), ", ")
		inform(s.prefix+"URI: options that mean nothing to Go's driver are skipped", names)
	}
	return errors.Join(errs...)
}

// read returns what the driver reads in a connection string. The text of its error may quote any part of that.
func read(text config.Secret) (*options.ClientOptions, error) {
	o := options.Client().ApplyURI(text.Reveal())
	checked := *o
	if o.Auth != nil {
		o.Auth.AuthMechanism = strings.ToUpper(o.Auth.AuthMechanism)
		auth := *o.Auth
		if auth.AuthMechanism == "MONGODB-OIDC" && auth.AuthMechanismProperties["ENVIRONMENT"] == "" {
			auth.OIDCMachineCallback = func(context.Context, *options.OIDCArgs) (*options.OIDCCredential, error) {
				return nil, nil // in the place of the one that a hook has to set
			}
		}
		checked.Auth = &auth
	}
	tooSmall := func(d *time.Duration) bool { return d != nil && *d <= 0 }
	tooStale := false
	if o.ReadPreference != nil {
		staleness, set := o.ReadPreference.MaxStaleness()
		tooStale = set && staleness < minStaleness
	}
	err := checked.Validate()
	if err == nil && (tooSmall(o.ConnectTimeout) || tooSmall(o.ServerSelectionTimeout) || tooStale ||
		o.MaxPoolSize != nil && *o.MaxPoolSize > mostConns) {
		err = errors.New("out of range")
	}
	return o, err
}

// contradictions returns those that the driver does not see.
func (s *settings) contradictions(u kit.URI, o *options.ClientOptions) (errs []error) {
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	mechanism, secure, details := "", o.TLSConfig, hasTLSDetails(u.Query)
	if o.Auth != nil {
		mechanism = o.Auth.AuthMechanism
	}
	if s.TLS != (config.TLS{}) {
		secure = s.tls
		add(details || u.Query.Has("tls") || u.Query.Has("ssl"),
			"has TLS options, and so has %[1]sTLS or %[1]sTLS_*; remove one", s.prefix)
	} else {
		off := o.TLSConfig == nil || u.Query.Get("tls") == "false" || u.Query.Get("ssl") == "false"
		add(details && off, "has other TLS options, but tls is not true")
	}
	add(mechanism == x509 && (secure == nil || len(secure.Certificates) == 0 && secure.GetClientCertificate == nil),
		"authMechanism: %s wants tlsCertificateKeyFile or %sTLS_CERT_FILE", x509, s.prefix)
	add(mechanism == "" && u.User != "" && u.Password.IsZero(), "the user has no password")
	add(s.srv && o.Direct != nil && *o.Direct, "directConnection: want mongodb:// and one host")
	return errs
}

// hasTLSDetails reports whether there is an option that says how to use TLS, and not only whether.
func hasTLSDetails(options url.Values) bool {
	for name := range options {
		lower := strings.ToLower(name)
		about := strings.HasPrefix(lower, "tls") || strings.HasPrefix(lower, "ssl")
		if about && len(name) > len("tls") && !strings.HasPrefix(name, "tlsDisable") {
			return true
		}
	}
	return false
}

// merge brings the variables and the options together. What o has goes before the defaults of the variables;
// where o and
// a variable that is set differ, that is an error.
func (s *settings) merge(o *options.ClientOptions) (errs []error) {
	conflict := func(option, variable string) {
		errs = append(errs, fmt.Errorf("%s: conflicts with %s%s; remove one", option, s.prefix, variable))
	}
	if !same(&s.MaxPoolSize, s.defaults.MaxPoolSize, &o.MaxPoolSize) {
		conflict("maxPoolSize", "MAX_POOL_SIZE")
	}
	if !same(&s.MinPoolSize, s.defaults.MinPoolSize, &o.MinPoolSize) {
		conflict("minPoolSize", "MIN_POOL_SIZE")
	}
	if !same(&s.MaxConnIdleTime, s.defaults.MaxConnIdleTime, &o.MaxConnIdleTime) {
		conflict("maxIdleTimeMS", "MAX_CONN_IDLE_TIME")
	}
	if !same(&s.ServerSelectionTimeout, s.defaults.ServerSelectionTimeout, &o.ServerSelectionTimeout) {
		conflict("serverSelectionTimeoutMS", "SERVER_SELECTION_TIMEOUT")
	}
	if !same(&s.ConnectTimeout, s.defaults.ConnectTimeout, &o.ConnectTimeout) {
		conflict("connectTimeoutMS", "CONNECT_TIMEOUT")
	}
	if s.TLS != (config.TLS{}) {
		o.TLSConfig = s.tls.Clone()
	}
	return errs
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

var informed sync.Map // of the options that the log has told of

func inform(text, options string) {
	if _, again := informed.LoadOrStore(text+options, true); !again {
		slog.Default().Info(text, "options", options)
	}
}
