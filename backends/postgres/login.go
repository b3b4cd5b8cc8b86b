package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// WithCredentials asks for a user and a password for each new connection, instead of those of the configuration: for
// tokens that are valid for minutes, such as those of RDS, Cloud SQL and Azure. The context ends after DialTimeout. An
// error is registry.KindAuth, and its text is not shown.
func WithCredentials(ask func(context.Context) (user string, password config.Secret, err error)) Option {
	return func(s *setup) { s.credentials = ask }
}

// resolve checks the configuration, finds out where the server is, and who logs in. Its error names variables and
// quotes no value.
func resolve(name string, in setup) (*settings, error) {
	s, login, err := kit.Follow(name, in.config, in.credentials, func() (*settings, error) { return read(name, in) })
	s.login = login
	return s, err
}

// Credentials returns who logs in, and what else a file may have changed.
func (s *settings) Credentials() kit.Credentials {
	rest := fmt.Sprint(s.hosts, s.Database, s.TLS, s.SSLMode, s.Role, s.given, s.MaxOpenConns, s.DialTimeout)
	return kit.Credentials{User: s.User, Password: s.Password, Rest: config.NewSecret(rest)}
}

// logIn gives a new connection of the pool the credentials of now. The pool connects only once, so those that may be
// wrong, while a password is rotated, are tried before.
func (c *client) logIn(ctx context.Context, cfg *pgx.ConnConfig) error {
	ctx, cancel := c.conns.Dialling(ctx, c.DialTimeout)
	defer cancel()
	return c.login.Connect(ctx, func(who kit.Credentials) error {
		if c.login.Unsure() {
			return c.askAs(ctx, who, cfg)
		}
		cfg.User, cfg.Password = who.User, who.Password.Reveal()
		return nil
	})
}
