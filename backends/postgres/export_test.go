package postgres

import (
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Resolved is what the driver and the pool are going to be given.
type Resolved struct {
	Hosts, User, Password, Database, Role string
	TLS                                   string // of the first host
	MaxConns                              int
	Lifetime, IdleTime, Timeout           time.Duration
	Mode, Params, ChannelBinding          string
}

// Resolve reads the environment as Configure does.
func Resolve(name string) (Resolved, error) {
	s, err := resolve(name, setup{})
	if err != nil {
		return Resolved{}, err
	}
	d, c := s.driver, s.driver.ConnConfig
	_, addr := pgconn.NetworkAddress(c.Host, c.Port)
	hosts := []string{addr}
	for _, more := range c.Fallbacks {
		_, addr := pgconn.NetworkAddress(more.Host, more.Port)
		hosts = append(hosts, addr)
	}
	r := Resolved{
		Hosts: strings.Join(hosts, " "), User: c.User, Password: s.Password.Reveal(), Database: c.Database,
		Role: s.Role, TLS: "off", MaxConns: int(d.MaxConns), Lifetime: d.MaxConnLifetime,
		IdleTime: d.MaxConnIdleTime, Timeout: c.ConnectTimeout, Mode: c.DefaultQueryExecMode.String(),
		Params: fmt.Sprint(c.RuntimeParams), ChannelBinding: c.ChannelBinding,
	}
	switch secure := c.TLSConfig; {
	case secure == nil:
	case secure.VerifyConnection != nil:
		r.TLS = "verify " + secure.ServerName + " by a CA"
	case secure.InsecureSkipVerify:
		r.TLS = "skip-verify"
	default:
		r.TLS = "verify " + secure.ServerName
	}
	return r, nil
}
