package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	driver "github.com/jackc/pgx/v5/pgxpool"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// Config is what the POSTGRES_* variables set; package config documents its tags. A zero field means its default, and a
// negative number what 0 is in the environment: no limit.
type Config struct {
	URL    config.Secret `env:"URL" doc:"postgres://user:password@host:5432/database?option=value; postgresql:// too"`
	Shared config.Secret `env:"DATABASE_URL" alias:"POSTGRES_DATABASE_URL=DATABASE_URL" doc:"URL, unless that is set, if it is one of PostgreSQL"` //nolint:lll // one tag

	Host     string        `env:"HOST" alias:"POSTGRES_HOST=PGHOST" doc:"servers, or the folder of a socket, without URL"`
	Port     config.Port   `env:"PORT" alias:"POSTGRES_PORT=PGPORT" doc:"port, with HOST; 5432 unless set"`
	User     string        `env:"USER" alias:"POSTGRES_USER=PGUSER" doc:"user, if URL has none"`
	Password config.Secret `env:"PASSWORD" alias:"POSTGRES_PASSWORD=PGPASSWORD" doc:"password, if URL has none"`
	Database string        `env:"DATABASE" alias:"POSTGRES_DATABASE=POSTGRES_DB,PGDATABASE" doc:"database, if not in URL"`

	TLS            config.TLS
	SSLMode        string `env:"SSLMODE" alias:"POSTGRES_SSLMODE=PGSSLMODE" doc:"TLS as libpq has it: disable, require"`
	ChannelBinding string `env:"CHANNEL_BINDING" alias:"POSTGRES_CHANNEL_BINDING=PGCHANNELBINDING" doc:"disable, prefer or require; prefer unless set"` //nolint:lll // one tag

	Role    string `env:"ROLE" envDefault:"any" alias:"POSTGRES_ROLE=PGTARGETSESSIONATTRS" doc:"primary, replica or any: what the server has to be"` //nolint:lll // one tag
	AppName string `env:"APP_NAME" alias:"POSTGRES_APP_NAME=PGAPPNAME" doc:"name of the connections; none unless set"`
	Options string `env:"OPTIONS" alias:"POSTGRES_OPTIONS=PGOPTIONS" doc:"variables of the server: -c search_path=shop"`

	MaxOpenConns    int           `env:"MAX_OPEN_CONNS" envDefault:"10" doc:"most connections at a time; 0 is no limit"`
	ConnMaxLifetime time.Duration `env:"CONN_MAX_LIFETIME" envDefault:"5m" doc:"they are replaced after this; 0 is never"`
	ConnMaxIdleTime time.Duration `env:"CONN_MAX_IDLE_TIME" envDefault:"1m" doc:"idle ones are closed then; 0 is never"`
	DialTimeout     time.Duration `env:"DIAL_TIMEOUT" envDefault:"5s" doc:"longest wait for a connection, login included"`
}

const (
	usualPort = 5432
	unlimited = 1 << 30          // connections: the driver knows no such word
	forever   = 1 << 62          // nanoseconds
	sweep     = 15 * time.Second // between two looks at which connections have been idle for too long
)

// settings are a Config that has been checked.
type settings struct {
	Config
	setup
	vars   config.Variables
	hosts  []kit.Host
	given  map[string]string // options that the driver's parser takes
	driver *driver.Config    // all but the password and the dialler
	login  *kit.Login

	service error // why the driver cannot read what PGSERVICE names: it would not tell anything else
}

// read checks the configuration and finds out where the server is.
func read(name string, in setup) (*settings, error) {
	cfg, vars, loadErr := config.LoadOr(name, in.config)
	s := &settings{Config: cfg, setup: in, vars: vars, given: make(map[string]string)}
	s.Role = roleOf(s.Role)
	if _, err := driver.ParseConfig(harmless); err != nil {
		s.service = errors.New("PGSERVICE: the driver would read it and cannot: unset it, and write what the service says")
	}
	found := kit.Problems{loadErr, s.readSSLMode(), s.locate()}
	_, err := kit.ParseRole(vars, s.Role)
	noSystem := s.TLS.CAFile == "system" && s.trustSystem() != nil
	found = append(found, err, s.service)
	found.Add(noSystem, "%s: system wants sslmode=verify-full", vars.Name("TLS_CA_FILE"))
	for _, libpq := range [][3]string{
		{"CHANNEL_BINDING", "channel_binding", s.ChannelBinding},
		{"APP_NAME", "application_name", s.AppName},
		{"OPTIONS", "options", s.Options},
	} {
		if key, option, value := libpq[0], libpq[1], libpq[2]; value != "" {
			found = append(found, kit.In(vars.Name(key), s.try(option, value)))
		}
	}
	if err = found.Err(); err == nil {
		err = s.setDriver()
	}
	return s, err
}

// Target returns where the servers are, as the driver is told.
func (s *settings) Target() kit.Target {
	t := kit.Target{Database: s.Database, User: s.login.User()}
	for _, host := range s.hosts {
		_, addr := pgconn.NetworkAddress(host.Name, uint16(cmp.Or(host.Port, usualPort)))
		t.Addrs = append(t.Addrs, addr)
	}
	return t
}

// attrs are what libpq calls a role: target_session_attrs.
var attrs = map[string]string{
	"read-write": "primary", "master": "primary",
	"read-only": "replica", "standby": "replica", "secondary": "replica", "slave": "replica",
}

func roleOf(word string) string {
	word = strings.ToLower(word)
	return cmp.Or(attrs[word], word)
}

// locate reads the form that is set: a URL, and what the other variables say that it leaves out, or these alone.
func (s *settings) locate() error {
	var found kit.Problems
	form, raw := s.vars.Name("URL"), s.URL.Reveal()
	if shared := s.Shared.Reveal(); raw == "" && ours.MatchString(shared) {
		form, raw = s.vars.Name("DATABASE_URL"), shared
	}
	switch {
	case raw != "":
		found = kit.Problems{kit.In(form, s.fromURL(form, raw))}
	case s.Host != "":
		for text := range strings.SplitSeq(s.Host, ",") {
			host, err := kit.HostOf(s.vars, text, s.Port)
			found, s.hosts = append(found, err), append(s.hosts, host)
		}
	case s.Shared.IsZero() && s.vars.IsSet("DATABASE_URL"): // it cannot be read
		return nil
	default:
		return s.vars.NotSet("URL", "HOST")
	}
	for i, host := range s.hosts {
		s.hosts[i].Name, _, _ = strings.Cut(host.Name, "/.s.PGSQL.") // the driver adds the name of the socket
	}
	nobody := found.Err() == nil && s.User == "" && s.credentials == nil
	found.Add(nobody, "%s is not set, nor does a URL have a user", s.vars.Name("USER"))
	return found.Err()
}

// ours is how a URL or a command begins that is of PostgreSQL, whatever its language.
var ours = regexp.MustCompile(`^(?i)(jdbc:)?(postg|pgsql|psql)`)

func (s *settings) fromURL(form, raw string) error {
	u, err := kit.ParseURI(raw, "postgres", "postgresql")
	if err != nil {
		return err
	}
	u, err = kit.Parts{
		Vars: s.vars, UserKey: "USER", User: s.User, Password: s.Password, Database: s.Database,
		Others: []string{"HOST", "PORT"},
	}.Beside(form, u)
	s.hosts, s.User, s.Password, s.Database = u.Hosts, u.User, u.Password, u.Path
	return errors.Join(err, s.known().Read(form, u.Query))
}

// setHost reads an option that says where the servers are, as URLs have that have no host: the folder of a socket.
func (s *settings) setHost(_, value string) error {
	hosts, err := kit.ParseHosts(value)
	for i := range hosts {
		hosts[i].Port = cmp.Or(hosts[i].Port, s.hosts[0].Port)
	}
	s.hosts = hosts
	return err
}

func isSocket(host kit.Host) bool { return strings.HasPrefix(host.Name, "/") }

// readSSLMode reads the variable that libpq has besides TLS.
func (s *settings) readSSLMode() error {
	if s.SSLMode == "" {
		return nil
	}
	variable := s.vars.Name("SSLMODE")
	err := kit.In(variable, s.setSSLMode("", s.SSLMode))
	if err == nil {
		s.vars.SetBy("TLS", variable)
	}
	return err
}

// trustSystem reads what libpq calls the authorities of the system.
func (s *settings) trustSystem() error {
	s.TLS.CAFile = ""
	return s.setSSLMode("", "verify-full")
}

// setSSLMode reads what libpq calls sslmode. Its drivers take true for require.
func (s *settings) setSSLMode(_, value string) error {
	if value == "true" || value == "1" {
		value = "require"
	}
	return kit.SetTLS(&s.TLS, s.vars, value, "disable, require or verify-full")
}

// harmless keeps the driver's parser, which reads the environment and files of its own accord, from doing so: what
// these name is either set below or has no effect. A socket has no TLS, and a password no file of passwords.
const harmless = "host=/ port=5432 user=x password=x sslmode=disable sslcertmode=allow target_session_attrs=any " +
	"connect_timeout=0 channel_binding='' require_auth='' min_protocol_version='' max_protocol_version='' " +
	"sslnegotiation='' "

// setDriver makes what the driver is given.
func (s *settings) setDriver() error {
	var options strings.Builder
	for name, value := range s.given {
		options.WriteString(keyword(name, value))
	}
	d, err := driver.ParseConfig(harmless + options.String())
	if err != nil {
		return fmt.Errorf("%s: the options do not go together", s.vars.Name("URL"))
	}
	c := d.ConnConfig
	maps.DeleteFunc(c.RuntimeParams, func(name, _ string) bool { return s.given[name] == "" }) // PGTZ and so on
	c.User, c.Password, c.Database, c.ConnectTimeout = s.User, "", s.Database, s.DialTimeout
	for _, host := range s.hosts {
		secure, err := s.vars.TLS(s.TLS, host.Name)
		if err != nil {
			return err
		}
		if secure != nil && c.SSLNegotiation == "direct" {
			secure.NextProtos = []string{"postgresql"}
		}
		port := uint16(cmp.Or(host.Port, usualPort))
		c.Fallbacks = append(c.Fallbacks, &pgconn.FallbackConfig{Host: host.Name, Port: port, TLSConfig: secure})
	}
	c.Host, c.Port, c.TLSConfig = c.Fallbacks[0].Host, c.Fallbacks[0].Port, c.Fallbacks[0].TLSConfig
	c.Fallbacks = c.Fallbacks[1:]
	d.MaxConns = int32(min(cmp.Or(s.MaxOpenConns, unlimited), unlimited))
	d.MaxConnLifetime, d.MaxConnIdleTime = s.ConnMaxLifetime, cmp.Or(s.ConnMaxIdleTime, forever)
	d.PingTimeout, d.HealthCheckPeriod = s.DialTimeout, sweep
	s.driver = d
	return nil
}
