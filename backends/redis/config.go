package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/internal/uri"
)

// Config is what the REDIS_* variables set; package config documents its tags. As a variable, a limit or duration of 0
// means none: any number of connections, no idle one, no end. In a Config made in code a zero field means its default,
// and a limit or duration below zero means none.
type Config struct {
	URL config.Secret `env:"URL" doc:"redis://user:password@host:6379/0; rediss:// for TLS; valkey:// too"`

	Host     string        `env:"HOST" doc:"name or address of the server, instead of URL"`
	Port     config.Port   `env:"PORT" doc:"port, with HOST; 6379 unless set"`
	Username string        `env:"USERNAME" doc:"ACL user, with HOST"`
	Password config.Secret `env:"PASSWORD" doc:"password, with HOST"`
	DB       int           `env:"DB" doc:"number of the database, with HOST; 0 unless set"`

	TLS config.TLS

	MaxActive       int           `env:"MAX_ACTIVE" envDefault:"20" doc:"most connections at a time; 0 is no limit"`
	MaxIdle         int           `env:"MAX_IDLE" envDefault:"20" doc:"most idle connections kept; 0 keeps none"`
	IdleTimeout     time.Duration `env:"IDLE_TIMEOUT" envDefault:"4m" doc:"idle connections are closed after this"`
	MaxConnLifetime time.Duration `env:"MAX_CONN_LIFETIME" envDefault:"30m" doc:"connections are replaced after this"`
	DialTimeout     time.Duration `env:"DIAL_TIMEOUT" envDefault:"5s" doc:"longest wait for a connection, login included"`
	ReadTimeout     time.Duration `env:"READ_TIMEOUT" envDefault:"3s" doc:"longest wait for one reply; 0 is no limit"`
	WriteTimeout    time.Duration `env:"WRITE_TIMEOUT" envDefault:"3s" doc:"longest wait to send one command"`
}

const usualPort = 6379

// settings are a Config that has been checked.
type settings struct {
	Config
	addr string
	tls  *tls.Config
}

// resolve checks cfg and finds out where the server is. Its error names variables and quotes no value.
func resolve(name string, cfg Config) (*settings, error) {
	s := &settings{Config: cfg}
	prefix := config.Prefix(name)
	var host uri.Host
	var err error
	switch hasURL, hasHost := !cfg.URL.IsZero(), cfg.Host != ""; {
	case hasURL && hasHost:
		err = fmt.Errorf("%[1]sURL and %[1]sHOST are both set: drop one", prefix)
	case hasURL:
		host, err = s.fromURL(prefix)
	case hasHost:
		host, err = s.fromParts(prefix)
	default:
		err = fmt.Errorf("%[1]sURL is not set, nor is %[1]sHOST", prefix)
	}
	if err != nil {
		return nil, err
	}
	s.addr = host.Addr(usualPort)
	s.setLimits()
	if s.tls, err = s.TLS.Config(name, host.Name); err != nil {
		return nil, err
	}
	return s, nil
}

// setLimits writes none as the driver does, 0, and keeps no more idle connections than there may be.
func (s *settings) setLimits() {
	for _, d := range []*time.Duration{
		&s.IdleTimeout, &s.MaxConnLifetime, &s.DialTimeout, &s.ReadTimeout, &s.WriteTimeout,
	} {
		*d = max(*d, 0)
	}
	s.MaxActive, s.MaxIdle = max(s.MaxActive, 0), max(s.MaxIdle, 0)
	if s.MaxActive > 0 {
		s.MaxIdle = min(s.MaxIdle, s.MaxActive)
	}
}

func (s *settings) fromURL(prefix string) (uri.Host, error) {
	u, err := uri.Parse(s.URL.Reveal(), "redis", "rediss", "valkey", "valkeys")
	if err != nil {
		return uri.Host{}, fmt.Errorf("%sURL: %w", prefix, err)
	}
	secure := u.Scheme == "rediss" || u.Scheme == "valkeys"
	switch {
	case len(u.Hosts) != 1:
		err = errors.New("want one host")
	case len(u.Query) > 0:
		err = fmt.Errorf("options after a ? are not supported; set %sREAD_TIMEOUT and the like", prefix)
	case u.User != "" && u.HasPassword && u.Password.IsZero():
		err = errors.New("the user has no password")
	case secure && s.TLS.Mode == config.TLSOff:
		err = fmt.Errorf("asks for TLS, but %sTLS is off", prefix)
	case !s.Password.IsZero() || s.Username != "":
		err = fmt.Errorf("is set together with %[1]sUSERNAME or %[1]sPASSWORD: put these into the URL", prefix)
	}
	db := 0
	if err == nil && u.Path != "" {
		if db, err = strconv.Atoi(u.Path); err != nil || db < 0 {
			err = errors.New("the path must be the number of a database, such as /0")
		}
	}
	if err != nil {
		return uri.Host{}, fmt.Errorf("%sURL: %w", prefix, err)
	}
	s.ignore(prefix, "PORT", s.Port != 0)
	s.ignore(prefix, "DB", s.DB != 0)
	s.Username, s.Password, s.DB = u.User, u.Password, db
	if !u.HasPassword { // redis://password@host, as redis-cli has it
		s.Username, s.Password = "", config.NewSecret(u.User)
	}
	if secure && s.TLS.Mode == "" {
		s.TLS.Mode = config.TLSVerify
	}
	return u.Hosts[0], nil
}

func (s *settings) fromParts(prefix string) (uri.Host, error) {
	var errs []error
	if !uri.ValidHost(s.Host) {
		errs = append(errs, fmt.Errorf("%sHOST: not a host name or address", prefix))
	}
	if s.Username != "" && s.Password.IsZero() {
		errs = append(errs, fmt.Errorf("%[1]sPASSWORD is not set, but %[1]sUSERNAME is", prefix))
	}
	return uri.Host{Name: s.Host, Port: s.Port}, errors.Join(errs...)
}

// ignore tells of a variable that some platforms set beside the URL.
func (s *settings) ignore(prefix, key string, set bool) {
	if set {
		slog.Info(prefix+key+" is ignored because "+prefix+"URL is set", "variable", prefix+key)
	}
}
