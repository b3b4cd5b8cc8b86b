// Command mooring is github.com/vibework/mooring/cmd/mooring with PostgreSQL as the fifth backend: doctor, wait and env
// know it, too. Install it with
//
//	go install github.com/vibework/mooring/backends/postgres/cmd/mooring@latest
package main

import (
	"context"
	"strings"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/postgres"
	"github.com/vibework/mooring/internal/backends"
	"github.com/vibework/mooring/internal/command"
)

func main() { command.Main(fifth) }

var fifth = backends.Backend{
	Name: postgres.Name, Title: "PostgreSQL", Driver: "github.com/jackc/pgx/v5", Accessors: []string{"Pool"},
	New: func(name string) backends.Resource { return instance{postgres.New(name)} },
	NewFrom: func(name string, environ []string) (backends.Resource, error) {
		cfg, err := config.LoadFrom[postgres.Config](name, environ)
		return instance{postgres.New(name, postgres.WithConfig(config.InCode(cfg)))}, err
	},
	Describe: config.Describe[postgres.Config],
	Owns: func(variable, value string) bool { // DATABASE_URL may be one of another database
		url := strings.TrimPrefix(strings.ToLower(value), "jdbc:")
		return strings.HasPrefix(variable, "PG") || strings.HasPrefix(url, "postgres")
	},
}

// instance is a resource that knows how many connections its server takes.
type instance struct{ *postgres.Resource }

// ConnectionLimit returns how many of them ordinary users have; 0 if the server does not say.
func (i instance) ConnectionLimit(ctx context.Context) (n int) {
	pool, err := i.Handle()
	if err == nil {
		_ = pool.QueryRow(ctx, "SELECT current_setting('max_connections')::int "+
			"- current_setting('superuser_reserved_connections')::int").Scan(&n)
	}
	return n
}
