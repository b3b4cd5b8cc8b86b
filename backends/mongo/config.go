package mongo

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/internal/uri"
	"github.com/vibework/mooring/backends/kit"
)

// Config is what the MONGO_* variables set; package config documents its tags. A zero field means its default.
type Config struct {
	URI      config.Secret `env:"URI" alias:"MONGO_URI=MONGODB_URI" doc:"mongodb://user:password@host:27017/database"`
	Database string        `env:"DATABASE" doc:"name of the database; the one in the URI unless set"`

	TLS config.TLS

	MaxPoolSize     int           `env:"MAX_POOL_SIZE" envDefault:"100" doc:"most connections to one server"`
	MinPoolSize     int           `env:"MIN_POOL_SIZE" envDefault:"0" doc:"fewest connections kept to each server"`
	MaxConnIdleTime time.Duration `env:"MAX_CONN_IDLE_TIME" envDefault:"5m" doc:"idle connections are closed after this"`

	ServerSelectionTimeout time.Duration `env:"SERVER_SELECTION_TIMEOUT" envDefault:"5s" doc:"longest wait for a server"`
	ConnectTimeout         time.Duration `env:"CONNECT_TIMEOUT" envDefault:"5s" doc:"longest wait for a new connection"`
}

const (
	usualPort = 27017
	mostConns = 65535 // per server; the driver allocates room for all of them at once
	external  = "$external"
	plain     = "PLAIN"
	x509      = "MONGODB-X509"
)

// settings are a Config that has been checked.
type settings struct {
	Config
	prefix string
	usual  Config // nothing but defaults
	tls    *tls.Config

	srv                     bool // hosts are yet to be looked up
	hosts                   []uri.Host
	user                    string
	password                config.Secret
	path, source, mechanism string
	read                    readPreference
	inURI                   config.TLS
	others                  *options.ClientOptions // options of the URI that have no variable
}

// resolve checks cfg and takes the URI apart. Its error names variables and quotes no value.
func resolve(name string, cfg Config) (*settings, error) {
	s := &settings{
		Config: config.Defaults(cfg),
		prefix: config.Prefix(name),
		usual:  config.Defaults(Config{}),
		others: options.Client(),
	}
	if cfg.URI.IsZero() {
		return nil, fmt.Errorf("%sURI is not set", s.prefix)
	}
	u, err := uri.Parse(cfg.URI.Reveal(), "mongodb", "mongodb+srv")
	if err != nil {
		return nil, fmt.Errorf("%sURI: %w", s.prefix, err)
	}
	s.srv = u.Scheme == "mongodb+srv"
	s.hosts, s.user, s.password, s.path = u.Hosts, u.User, u.Password, u.Path
	if err := errors.Join(s.apply(u.Query), s.nameDatabase()); err != nil {
		return nil, err
	}
	if err := s.secure(name); err != nil {
		return nil, err
	}
	return s, s.validate()
}

// nameDatabase finds out which database is meant.
func (s *settings) nameDatabase() error {
	switch {
	case s.Database != "" && !validDatabase(s.Database):
		return fmt.Errorf("%sDATABASE: not a name for a database", s.prefix)
	case s.path != "" && !validDatabase(s.path):
		return fmt.Errorf("%sURI: the path must be the name of a database", s.prefix)
	case s.Database == "":
		s.Database = s.path
	}
	return nil
}

func validDatabase(name string) bool {
	return name != "" && len(name) < 64 && !strings.ContainsAny(name, "/\\. \"$") && !kit.HasControl(name)
}

// secure finds out how to encrypt: the URI says it, or the variables do.
func (s *settings) secure(name string) (err error) {
	none := config.TLS{}
	switch {
	case s.inURI != none && s.TLS != none:
		return fmt.Errorf("%[1]sURI: has TLS options, and so has %[1]sTLS or %[1]sTLS_*: drop one", s.prefix)
	case s.inURI.Mode == config.TLSOff && s.inURI != config.TLS{Mode: config.TLSOff}:
		return fmt.Errorf("%sURI: has other TLS options, but tls is false", s.prefix)
	case s.inURI != none:
		s.TLS = s.inURI
	}
	if s.srv && s.TLS.Mode == "" {
		s.TLS.Mode = config.TLSVerify
	}
	s.tls, err = s.TLS.Config(name, "") // each host is verified by its own name
	return err
}

// validate checks what holds only together.
func (s *settings) validate() error {
	switch {
	case s.MaxPoolSize > mostConns:
		return fmt.Errorf("%sMAX_POOL_SIZE: want at most %d", s.prefix, mostConns)
	case s.MaxPoolSize != 0 && s.MinPoolSize > s.MaxPoolSize:
		return fmt.Errorf("%[1]sMIN_POOL_SIZE: is more than %[1]sMAX_POOL_SIZE", s.prefix)
	}
	if text := s.contradiction(); text != "" {
		return fmt.Errorf("%sURI: %s", s.prefix, text)
	}
	if err := s.credentials(); err != nil {
		return fmt.Errorf("%sURI: %w", s.prefix, err)
	}
	return nil
}

// contradiction says which parts of the URI do not go together.
func (s *settings) contradiction() string {
	o := s.others
	direct := o.Direct != nil && *o.Direct
	balanced := o.LoadBalanced != nil && *o.LoadBalanced
	switch {
	case s.srv && (len(s.hosts) > 1 || s.hosts[0].Port != 0):
		return "mongodb+srv:// wants one host and no port"
	case direct && (s.srv || len(s.hosts) > 1):
		return "directConnection wants mongodb:// and one host"
	case balanced && (direct || o.ReplicaSet != nil || len(s.hosts) > 1):
		return "loadBalanced wants one host, no directConnection and no replicaSet"
	case !o.WriteConcern.IsValid():
		return "journal is true, but w is 0"
	}
	return s.read.contradiction()
}

func (s *settings) credentials() error {
	switch hasPassword := !s.password.IsZero(); {
	case s.mechanism == x509 && hasPassword:
		return errors.New("authMechanism: MONGODB-X509 takes no password")
	case s.mechanism == x509 && s.source != "" && s.source != external:
		return errors.New("authSource: must be $external for MONGODB-X509")
	case s.mechanism == x509 && (s.tls == nil || len(s.tls.Certificates) == 0):
		return fmt.Errorf("authMechanism: MONGODB-X509 wants tlsCertificateKeyFile or %sTLS_CERT_FILE", s.prefix)
	case s.user == "" && hasPassword:
		return errors.New("the password has no user name")
	case s.mechanism != x509 && s.user != "" && !hasPassword:
		return errors.New("the user has no password")
	case s.mechanism != x509 && s.mechanism != "" && s.user == "":
		return errors.New("authMechanism: there is no user name")
	}
	return nil
}

// authSource returns the database to look the user up in, by the rules of connection strings.
func (s *settings) authSource() string {
	switch {
	case s.source != "":
		return s.source
	case s.mechanism == x509:
		return external
	case s.path != "":
		return s.path
	case s.mechanism == plain:
		return external
	default:
		return "admin"
	}
}
