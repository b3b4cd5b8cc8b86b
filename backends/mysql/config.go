package mysql

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// Config is what the MYSQL_* variables set; package config documents its tags. A zero field means its default, and a
// negative number what 0 is in the environment: no limit, and no idle connections.
type Config struct {
	URL config.Secret `env:"URL" doc:"mysql://user:password@host:3306/database?option=value; mariadb:// too"`
	DSN config.Secret `env:"DSN" doc:"user:password@tcp(host:3306)/database?option=value, instead of URL"`

	Host     string        `env:"HOST" doc:"name or address of the server, instead of URL"`
	Port     config.Port   `env:"PORT" doc:"port, with HOST; 3306 unless set"`
	User     string        `env:"USER" doc:"user, with HOST"`
	Password config.Secret `env:"PASSWORD" doc:"password, with HOST"`
	Database string        `env:"DATABASE" doc:"name of the database, with HOST; none unless set"`

	TLS config.TLS

	Role string `env:"ROLE" envDefault:"any" doc:"primary, replica or any: what the server has to be"`

	MaxOpenConns    int           `env:"MAX_OPEN_CONNS" envDefault:"10" doc:"most connections at a time; 0 is no limit"`
	MaxIdleConns    int           `env:"MAX_IDLE_CONNS" envDefault:"1000" doc:"most idle ones kept; 0 keeps none"`
	ConnMaxLifetime time.Duration `env:"CONN_MAX_LIFETIME" envDefault:"5m" doc:"they are replaced after this; 0 is never"`
	ConnMaxIdleTime time.Duration `env:"CONN_MAX_IDLE_TIME" envDefault:"1m" doc:"idle ones are closed then; 0 is never"`
	DialTimeout     time.Duration `env:"DIAL_TIMEOUT" envDefault:"5s" doc:"longest wait for a connection, login included"`
	ReadTimeout     time.Duration `env:"READ_TIMEOUT" doc:"longest wait for an answer to a query; none unless set"`
	WriteTimeout    time.Duration `env:"WRITE_TIMEOUT" envDefault:"30s" doc:"longest wait to send a packet; 0 is no limit"`
}

const usualPort = 3306

// settings are a Config that has been checked.
type settings struct {
	Config
	setup
	prefix string
	host   string // or an address, without the port
	role   kit.Role
	driver *driver.Config // all but the password and the dialler
}

// resolve checks the configuration and finds out where the server is. Its error names variables and quotes no value.
func resolve(name string, in setup) (*settings, error) {
	cfg, err := kit.Load(name, in.config)
	if err != nil {
		return nil, err
	}
	d := driver.NewConfig()
	d.ParseTime, d.MaxAllowedPacket, d.Logger = true, 0, logger{name}
	s := &settings{Config: cfg, setup: in, prefix: config.Prefix(name), driver: d}
	t, err := s.locate()
	if err != nil {
		return nil, err
	}
	if d.TLS, err = s.TLS.Config(name, t.host.Name); err != nil {
		return nil, err
	}
	if s.role, err = kit.ParseRole(s.Role); err != nil {
		return nil, fmt.Errorf("%sROLE: %w", s.prefix, err)
	}
	s.host = t.host.Name
	d.Net, d.Addr = "tcp", t.host.Addr(usualPort)
	if t.socket != "" {
		d.Net, d.Addr = "unix", t.socket
		if d.TLS != nil {
			return nil, fmt.Errorf("%sTLS: there is no TLS over a Unix socket", s.prefix)
		}
	}
	d.User, s.Password, d.DBName = t.user, t.password, t.database
	d.Timeout, d.ReadTimeout, d.WriteTimeout = s.DialTimeout, s.ReadTimeout, s.WriteTimeout
	if s.MaxOpenConns > 0 {
		s.MaxIdleConns = min(s.MaxIdleConns, s.MaxOpenConns)
	}
	return s, nil
}

// locate reads the one form that is set.
func (s *settings) locate() (t target, err error) {
	forms := s.forms()
	switch {
	case len(forms) == 0:
		return t, fmt.Errorf("%[1]sURL is not set, nor is %[1]sDSN or %[1]sHOST", s.prefix)
	case len(forms) > 1:
		return t, fmt.Errorf("%s are set together: keep one", strings.Join(forms, " and "))
	case s.Host != "":
		return s.fromParts()
	case !s.URL.IsZero():
		t, err = parseURL(s.URL.Reveal())
	default:
		t, err = parseDSN(s.DSN.Reveal(), s.prefix)
	}
	if err == nil {
		err = s.reconcile(forms[0], t)
	}
	if err != nil {
		return t, fmt.Errorf("%s: %w", forms[0], err)
	}
	return t, nil
}

// forms returns the variables that are set and each say where the server is.
func (s *settings) forms() (names []string) {
	for _, form := range []struct {
		key string
		set bool
	}{{"URL", !s.URL.IsZero()}, {"DSN", !s.DSN.IsZero()}, {"HOST", s.Host != ""}} {
		if form.set {
			names = append(names, s.prefix+form.key)
		}
	}
	return names
}

// reconcile puts what a URL or a DSN says besides the address together with the other variables.
func (s *settings) reconcile(form string, t target) error {
	if !s.Password.IsZero() {
		return fmt.Errorf("is set together with %sPASSWORD: put the password into %s", s.prefix, form)
	}
	s.ignore(form, "PORT", s.Port != 0)
	s.ignore(form, "USER", s.User != "")
	s.ignore(form, "DATABASE", s.Database != "")
	return s.setOptions(t.options)
}

func (s *settings) fromParts() (target, error) {
	var errs []error
	if !kit.ValidHost(s.Host) {
		errs = append(errs, fmt.Errorf("%sHOST: not a host name or address", s.prefix))
	}
	if s.User == "" && !s.Password.IsZero() {
		errs = append(errs, fmt.Errorf("%[1]sUSER is not set, but %[1]sPASSWORD is", s.prefix))
	}
	return target{
		host: kit.Host{Name: s.Host, Port: s.Port},
		user: s.User, password: s.Password, database: s.Database,
	}, errors.Join(errs...)
}

// ignore tells of a variable that some platforms set beside the URL.
func (s *settings) ignore(form, key string, set bool) {
	if set {
		slog.Info(s.prefix+key+" is ignored because "+form+" is set", "variable", s.prefix+key)
	}
}
