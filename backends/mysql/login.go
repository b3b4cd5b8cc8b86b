package mysql

import (
	"context"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// WithCredentials asks for a user and a password for each new connection, instead of those of the configuration: for
// tokens that are valid for minutes, such as those of RDS and Cloud SQL with IAM. The context ends after DialTimeout.
// An error is registry.KindAuth, and its text is not shown.
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
	return kit.Credentials{User: s.User, Password: s.Password, Rest: config.NewSecret(s.driver.FormatDSN())}
}
