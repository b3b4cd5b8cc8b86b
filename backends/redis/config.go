package redis

import (
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// Config is what the REDIS_* variables set; package config documents its tags. As a variable, a limit or duration of 0
// means none: any number of connections, no idle one, no end. In a Config made in code a zero field means its default,
// and a limit or duration below zero means none.
type Config struct {
	URL config.Secret `env:"URL" doc:"redis://user:password@host:6379/0; also rediss, redis+sentinel, redis+cluster"`

	Host     string        `env:"HOST" doc:"name or address of the server, or the path of a socket, instead of URL"`
	Port     config.Port   `env:"PORT" doc:"port, with HOST; 6379 unless set"`
	Username string        `env:"USERNAME" doc:"ACL user, with HOST"`
	Password config.Secret `env:"PASSWORD" doc:"password, with HOST"`
	DB       int           `env:"DB" doc:"number of the database, with HOST; 0 unless set"`

	SentinelHosts    string        `env:"SENTINEL_HOSTS" doc:"Sentinels, instead of HOST: s1:26379,s2"`
	SentinelMaster   string        `env:"SENTINEL_MASTER" doc:"name that the Sentinels give to the primary"`
	SentinelUsername string        `env:"SENTINEL_USERNAME" doc:"ACL user at the Sentinels"`
	SentinelPassword config.Secret `env:"SENTINEL_PASSWORD" doc:"password at the Sentinels"`

	TLS config.TLS

	Role       string `env:"ROLE" envDefault:"any" doc:"primary, replica or any: what the server has to be"`
	ClientName string `env:"CLIENT_NAME" doc:"name of the connections in CLIENT LIST; none unless set"`

	MaxActive       int           `env:"MAX_ACTIVE" envDefault:"10" doc:"most connections at a time; 0 is no limit"`
	MaxIdle         int           `env:"MAX_IDLE" envDefault:"10" doc:"most idle connections kept; 0 keeps none"`
	IdleTimeout     time.Duration `env:"IDLE_TIMEOUT" envDefault:"1m" doc:"idle connections are closed after this"`
	MaxConnLifetime time.Duration `env:"MAX_CONN_LIFETIME" envDefault:"30m" doc:"connections are replaced after this"`
	DialTimeout     time.Duration `env:"DIAL_TIMEOUT" envDefault:"5s" doc:"longest wait for a connection, login included"`
	ReadTimeout     time.Duration `env:"READ_TIMEOUT" envDefault:"3s" doc:"longest wait for one reply; 0 is no limit"`
	WriteTimeout    time.Duration `env:"WRITE_TIMEOUT" envDefault:"3s" doc:"longest wait to send one command"`
}

// topology is what the configuration leads to.
type topology string

const (
	oneServer topology = ""
	sentinel  topology = "sentinel"
	cluster   topology = "cluster"
)

// usualPorts are those of hosts without one.
var usualPorts = map[topology]config.Port{oneServer: 6379, sentinel: 26379, cluster: 6379}

// settings are a Config that has been checked.
type settings struct {
	Config
	setup
	vars        config.Variables
	topology    topology
	host        string // of one server, without the port; or the path of a socket
	addrs       []string
	family      string // 4 or 6 if only such an address will do
	role        kit.Role
	tls         *tls.Config
	secure      sync.Map // by host, where there are several: *tls.Config
	login       *kit.Login
	toSentinels *kit.Login // nil if there are none
}

// nameLetters are those of which every server takes a name.
const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:/@#+"

const isAlone = "%s is not set, but %s is"

// read checks the configuration and finds out where the server is.
func read(name string, in setup) (*settings, error) {
	cfg, vars, loadErr := config.LoadOr(name, in.config)
	s := &settings{Config: cfg, setup: in, vars: vars}
	hosts, err := s.locate()
	p := kit.Problems{loadErr, err}
	for _, host := range hosts {
		s.addrs = append(s.addrs, host.Addr(usualPorts[s.topology]))
		if s.topology == oneServer {
			s.host = host.Name
		}
	}
	s.tls, err = vars.TLS(s.TLS, s.host)
	p = append(p, err)
	s.role, err = kit.ParseRole(vars, s.Role)
	p = append(p, err)
	p.Add(s.Username != "" && s.Password.IsZero() && s.URL.IsZero() && s.credentials == nil, isAlone,
		vars.Name("PASSWORD"), vars.Name("USERNAME"))
	p.Add(s.SentinelUsername != "" && s.SentinelPassword.IsZero(), isAlone,
		vars.Name("SENTINEL_PASSWORD"), vars.Name("SENTINEL_USERNAME"))
	p.Add(s.role == kit.Replica && s.topology != oneServer,
		"%s: Sentinels and a cluster lead to primaries: want primary or any", vars.Name("ROLE"))
	p.Add(strings.Trim(s.ClientName, nameLetters) != "", "%s: want printable letters without a blank",
		vars.Name("CLIENT_NAME"))
	return s, p.Err()
}

// locate reads the URL, or else the parts.
func (s *settings) locate() (hosts []kit.Host, err error) {
	switch {
	case !s.URL.IsZero():
		hosts, err = s.fromURL()
		return hosts, kit.In(s.vars.Name("URL"), err)
	case s.SentinelHosts != "":
		return s.fromSentinelHosts()
	case s.SentinelMaster != "": // also beside a host, which is none of the Sentinels then
		return nil, fmt.Errorf(isAlone, s.vars.Name("SENTINEL_HOSTS"), s.vars.Name("SENTINEL_MASTER"))
	case s.Host != "":
		host, err := kit.HostOf(s.vars, s.Host, s.Port)
		return []kit.Host{host}, err
	}
	return nil, s.vars.NotSet("URL", "HOST", "SENTINEL_HOSTS")
}

func (s *settings) fromSentinelHosts() (hosts []kit.Host, err error) {
	s.topology = sentinel
	named := s.vars.Name("SENTINEL_HOSTS")
	var found kit.Problems
	for text := range strings.SplitSeq(s.SentinelHosts, ",") {
		host, err := kit.ParseHost(strings.TrimSpace(text))
		found.Add(err != nil, "%s: %w", named, err)
		hosts = append(hosts, host)
	}
	found.Add(s.Host != "", "%s and %s are both set: keep one", s.vars.Name("HOST"), named)
	found.Add(s.SentinelMaster == "", isAlone, s.vars.Name("SENTINEL_MASTER"), named)
	return hosts, found.Err()
}
