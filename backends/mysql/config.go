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
	Database string        `env:"DATABASE" doc:"name of the database, if URL or DSN has none"`

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
	vars   config.Variables
	host   kit.Host // or the path of a Unix socket
	role   kit.Role
	driver *driver.Config // all but who logs in and the dialler
	login  *kit.Login

	options url.Values // for the driver
}

// read checks the configuration and finds out where the server is.
func read(name string, in setup) (*settings, error) {
	cfg, vars, loadErr := config.LoadOr(name, in.config)
	s := &settings{Config: cfg, setup: in, vars: vars}
	s.options = url.Values{"parseTime": {"true"}, "maxAllowedPacket": {"0"}}
	err := s.locate()
	role, roleErr := kit.ParseRole(vars, s.Role)
	secure, tlsErr := vars.TLS(s.TLS, s.host.Name)
	s.role = role
	if err := errors.Join(loadErr, err, roleErr, tlsErr); err != nil {
		return s, err
	}
	return s, s.setDriver(secure)
}

// setDriver makes what the driver is given.
func (s *settings) setDriver(secure *tls.Config) error {
	d, err := driver.ParseDSN("/?" + s.options.Encode())
	if err != nil {
		return fmt.Errorf("%s: the options do not go together", s.vars.Name("URL"))
	}
	d.Net, d.Addr = "tcp", s.host.Addr(usualPort)
	if strings.HasPrefix(d.Addr, "/") {
		d.Net = "unix"
	}
	d.TLS, d.Logger = secure, &driver.NopLogger{} // it would print what a server sends
	d.DBName = s.Database
	d.Timeout, d.ReadTimeout, d.WriteTimeout = s.DialTimeout, s.ReadTimeout, s.WriteTimeout
	s.driver = d
	return nil
}

// locate reads the form that is set.
func (s *settings) locate() (err error) {
	form, parse, raw := s.vars.Name("URL"), parseURL, s.URL
	if raw.IsZero() {
		form, parse, raw = s.vars.Name("DSN"), parseDSN, s.DSN
	}
	switch {
	case !s.URL.IsZero() && !s.DSN.IsZero():
		return fmt.Errorf("%s and %s are set together: keep one", s.vars.Name("URL"), s.vars.Name("DSN"))
	case raw.IsZero() && s.Host == "":
		return s.vars.NotSet("URL", "DSN", "HOST")
	case raw.IsZero():
		return s.fromParts()
	}
	u, err := parse(raw.Reveal(), s.vars.Prefix())
	if err != nil {
		return kit.In(form, err)
	}
	u, err = kit.Parts{
		Vars: s.vars, UserKey: "USER", User: s.User, Password: s.Password, Database: s.Database,
		Others: []string{"HOST", "PORT"},
	}.Beside(form, u)
	s.host, s.User, s.Password, s.Database = u.Hosts[0], u.User, u.Password, u.Path
	return kit.In(form, errors.Join(err, s.known().Read(form, u.Query)))
}

// fromParts takes the path of a Unix socket for a host, too, and host:port.
func (s *settings) fromParts() (err error) {
	s.host, err = kit.HostOf(s.vars, s.Host, s.Port)
	found := kit.Problems{err}
	nobody := s.User == "" && !s.Password.IsZero()
	found.Add(nobody, "%s is not set, but %s is", s.vars.Name("USER"), s.vars.Name("PASSWORD"))
	return found.Err()
}
