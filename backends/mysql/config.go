package mysql

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
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
	login  *kit.Login

	options url.Values // for the driver
	charset string
	socket  string
}

// read checks the configuration and finds out where the server is.
func read(name string, in setup) (*settings, error) {
	cfg, loadErr := kit.Load(name, in.config)
	s := &settings{
		Config: cfg, setup: in, prefix: config.Prefix(name),
		options: url.Values{"parseTime": {"true"}, "maxAllowedPacket": {"0"}},
	}
	t, err := s.locate(name, loadErr)
	role, roleErr := kit.ParseRole(s.Role)
	if roleErr != nil {
		roleErr = fmt.Errorf("%sROLE: %w", s.prefix, roleErr)
	}
	secure, tlsErr := s.TLS.Config(name, t.host.Name)
	if err := errors.Join(loadErr, err, roleErr, tlsErr); err != nil {
		return nil, err
	}
	if s.socket != "" {
		t.host = kit.Host{Name: s.socket}
	}
	s.host, s.role = t.host.Name, role
	return s, s.setDriver(name, t, secure)
}

// setDriver makes what the driver is given.
func (s *settings) setDriver(name string, t target, secure *tls.Config) error {
	d, err := driver.ParseDSN("/?" + s.options.Encode())
	if err != nil {
		return fmt.Errorf("%sURL: the options do not go together", s.prefix)
	}
	if s.charset != "" {
		_ = d.Apply(driver.Charset(s.charset, "")) // it cannot fail
	}
	d.Net, d.Addr = "tcp", t.host.Addr(usualPort)
	if strings.HasPrefix(t.host.Name, "/") {
		d.Net = "unix"
		if secure != nil {
			return fmt.Errorf("%sTLS: there is no TLS over a Unix socket", s.prefix)
		}
	}
	d.TLS, d.Logger = secure, logger{name}
	d.User, s.Password, d.DBName = t.user, t.password, t.database
	d.Timeout, d.ReadTimeout, d.WriteTimeout = s.DialTimeout, s.ReadTimeout, s.WriteTimeout
	if s.MaxOpenConns > 0 {
		s.MaxIdleConns = min(s.MaxIdleConns, s.MaxOpenConns)
	}
	s.driver = d
	return nil
}

// locate reads the form that is set.
func (s *settings) locate(name string, loadErr error) (t target, err error) {
	form := s.prefix + "URL"
	switch {
	case !s.URL.IsZero() && !s.DSN.IsZero():
		return t, fmt.Errorf("%[1]sURL and %[1]sDSN are set together: keep one", s.prefix)
	case !s.URL.IsZero():
		t, err = parseURL(s.URL.Reveal(), s.prefix)
	case !s.DSN.IsZero():
		form = s.prefix + "DSN"
		t, err = parseDSN(s.DSN.Reveal(), s.prefix)
	case s.Host != "":
		return s.fromParts()
	default:
		return t, config.NotSet(name, loadErr, "URL", "DSN", "HOST")
	}
	if err == nil {
		err = errors.Join(s.reconcile(form, &t), s.setOptions(t.options))
	}
	if err != nil {
		return t, fmt.Errorf("%s: %w", form, err)
	}
	return t, nil
}

// reconcile puts what a URL or a DSN says besides the address together with the other variables.
func (s *settings) reconcile(form string, t *target) error {
	parts := kit.Parts{
		Prefix: s.prefix, UserKey: "USER", User: s.User, Password: s.Password,
		Others: map[string]bool{"HOST": s.Host != "", "PORT": s.Port != 0, "DATABASE": s.Database != ""},
	}
	who, err := parts.Beside(form, kit.Credentials{User: t.user, Password: t.password})
	t.user, t.password = who.User, who.Password
	return err
}

// fromParts takes the path of a Unix socket for a host, too, and host:port.
func (s *settings) fromParts() (target, error) {
	host, err := kit.HostOf(s.prefix, s.Host, s.Port)
	errs := []error{err}
	if s.User == "" && !s.Password.IsZero() {
		errs = append(errs, fmt.Errorf("%[1]sUSER is not set, but %[1]sPASSWORD is", s.prefix))
	}
	return target{host: host, user: s.User, password: s.Password, database: s.Database}, errors.Join(errs...)
}
