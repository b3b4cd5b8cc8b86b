package nats

import (
	"context"
	"strings"
	"time"

	driver "github.com/nats-io/nats.go"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// Config is what the NATS_* variables set. It has no URL: no parser sees a password that has a field of its own.
type Config struct {
	Host     string        `env:"HOST" envDefault:"localhost" doc:"name or address of the server"`
	Port     config.Port   `env:"PORT" envDefault:"4222" doc:"port of the server"`
	User     string        `env:"USER" doc:"user, if the server wants one"`
	Password config.Secret `env:"PASSWORD" doc:"password of the user"`
	TLS      config.TLS
}

// settings are a Config that has been checked.
type settings struct {
	Config
	addr   string
	login  *kit.Login
	driver driver.Options // all but the dialler
}

// resolve checks the configuration. Its error names variables and quotes no value.
func resolve(name string, in setup) (*settings, error) {
	read := func() (*settings, error) { return read(name, in) }
	s, login, err := kit.Follow(name, in.config, nil, read)
	s.login = login
	return s, err
}

func read(name string, in setup) (*settings, error) {
	cfg, vars, err := config.LoadOr(name, in.config)
	host, hostErr := kit.HostOf(vars, cfg.Host, cfg.Port)
	secure, tlsErr := vars.TLS(cfg.TLS, host.Name)
	s := &settings{Config: cfg, addr: host.Addr(0), driver: driver.GetDefaultOptions()}
	o := &s.driver
	o.Name, o.Servers, o.TLSConfig, o.Secure = name, []string{s.addr}, secure, secure != nil
	o.UserInfo = s.credentials
	// Otherwise the driver closes the connection for good after 60 attempts, or two refused logins.
	o.MaxReconnect, o.IgnoreAuthErrorAbort = -1, true
	o.ReconnectWait, o.PingInterval = time.Second, 10*time.Second
	o.SkipHostLookup = true // the dialler does it, under a context
	// The driver's own prints what servers say.
	o.AsyncErrorCB = func(*driver.Conn, *driver.Subscription, error) {}
	found := kit.Problems{err, hostErr, tlsErr}
	found.Add(strings.HasPrefix(host.Name, "/"), "%s: NATS has no Unix sockets", vars.Name("HOST"))
	return s, found.Err()
}

// Target returns where the server is, for records and the doctor.
func (s *settings) Target() kit.Target { return kit.Target{Addrs: []string{s.addr}, User: s.User} }

// Credentials returns who logs in by the configuration as it is now.
func (s *settings) Credentials() kit.Credentials {
	return kit.Credentials{User: s.User, Password: s.Password}
}

// credentials is called by the driver for each connection. From a function, the password is in no field that somebody
// could print.
func (s *settings) credentials() (user, password string) {
	_ = s.login.Connect(context.Background(), func(who kit.Credentials) error {
		user, password = who.User, who.Password.Reveal()
		return nil // the driver is not going to tell whether they were right
	})
	return user, password
}
