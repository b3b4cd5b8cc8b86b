package redis

import (
	"context"
	"fmt"

	driver "github.com/gomodule/redigo/redis"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// WithCredentials asks for a user and a password for each new connection, instead of those of the configuration: for
// tokens that are valid for minutes, such as those of ElastiCache with IAM. An empty user is the server's default one.
// The context ends after DialTimeout. An error is registry.KindAuth, and its text is not shown.
func WithCredentials(ask func(context.Context) (user string, password config.Secret, err error)) Option {
	return func(s *setup) { s.credentials = ask }
}

// resolve checks the configuration, finds out where the server is, and who logs in: the program says it, or the files
// that the environment names, which are read again when they have changed. Its error lists all that is wrong, by
// variable and never by value.
func resolve(name string, in setup) (*settings, error) {
	s, login, err := kit.Follow(name, in.config, in.credentials, func() (*settings, error) { return read(name, in) })
	s.login = login
	if err == nil && s.topology == sentinel { // Sentinels have users of their own
		_, s.toSentinels, err = kit.Follow(name, in.config, nil, func() (kit.Credentials, error) {
			cfg, _, err := config.LoadOr(name, in.config)
			return kit.Credentials{User: cfg.SentinelUsername, Password: cfg.SentinelPassword}, err
		})
	}
	return s, err
}

// Credentials returns who logs in, and what else a file may have changed.
func (s *settings) Credentials() kit.Credentials {
	rest := fmt.Sprint(s.topology, s.addrs, s.SentinelMaster, s.DB, s.TLS, s.Role, s.ClientName, s.family)
	return kit.Credentials{User: s.Username, Password: s.Password, Rest: config.NewSecret(rest)}
}

// greet logs in, says who is connected, and selects the database.
func (c *client) greet(ctx context.Context, conn driver.Conn, who kit.Credentials) error {
	err := c.authenticate(ctx, conn, who)
	if err == nil && c.ClientName != "" { // it is for people who look: a refusal of it alone is no failure
		_, err = text(driver.DoContext(conn, ctx, "CLIENT", "SETNAME", c.ClientName))
	}
	if err == nil && c.DB != 0 {
		_, err = driver.DoContext(conn, ctx, "SELECT", c.DB)
	}
	return c.because(ctx, conn, err)
}

func (c *client) authenticate(ctx context.Context, conn driver.Conn, who kit.Credentials) error {
	if who.Password.IsZero() {
		return nil
	}
	var args driver.Args
	if who.User != "" {
		args = args.Add(who.User)
	}
	_, err := driver.DoContext(conn, ctx, "AUTH", args.Add(who.Password.Reveal())...)
	return err
}
