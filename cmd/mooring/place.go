package main

import (
	"net"
	"strconv"
	"strings"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/backends/redis"
)

// place is where a backend is: host:port, the path of a Unix socket, or a name to look up in DNS for them.
type place struct {
	addrs []string
	srv   string
}

// places say where an instance of each backend is.
var places = map[string]func(name string) (place, error){
	mysql.Name:  whereMySQL,
	mongo.Name:  whereMongo,
	redis.Name:  whereRedis,
	pubsub.Name: wherePubSub,
}

func whereMySQL(name string) (place, error) {
	cfg, err := config.Load[mysql.Config](name)
	const usual = "3306"
	switch dsn := cfg.DSN.Reveal(); {
	case err != nil:
		return place{}, err
	case cfg.Host != "":
		return at(cfg.Host, cfg.Port, usual), nil
	case dsn == "":
		return place{addrs: hosts(cfg.URL.Reveal(), usual)}, nil
	default:
		return place{addrs: []string{addrOfDSN(dsn, usual)}}, nil
	}
}

func whereMongo(name string) (place, error) {
	cfg, err := config.Load[mongo.Config](name)
	uri := cfg.URI.Reveal()
	if strings.HasPrefix(uri, "mongodb+srv://") {
		host, _, _ := net.SplitHostPort(hosts(uri, "0")[0])
		return place{srv: host}, err
	}
	return place{addrs: hosts(uri, "27017")}, err
}

func whereRedis(name string) (place, error) {
	cfg, err := config.Load[redis.Config](name)
	const usual = "6379"
	if cfg.Host != "" {
		return at(cfg.Host, cfg.Port, usual), err
	}
	return place{addrs: hosts(cfg.URL.Reveal(), usual)}, err
}

func wherePubSub(name string) (place, error) {
	cfg, err := config.Load[pubsub.Config](name)
	if cfg.EmulatorHost != "" {
		return place{addrs: []string{withPort(cfg.EmulatorHost, "8085")}}, err
	}
	return place{addrs: []string{"pubsub.googleapis.com:443"}}, err
}

func at(host string, port config.Port, usual string) place {
	if port != 0 {
		usual = strconv.Itoa(int(port))
	}
	return place{addrs: []string{net.JoinHostPort(host, usual)}}
}

// hosts returns the addresses in scheme://user:password@host:port,host:port/path, which a backend has accepted.
func hosts(url, usual string) (addrs []string) {
	_, rest, _ := strings.Cut(url, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	for host := range strings.SplitSeq(rest, ",") {
		addrs = append(addrs, withPort(host, usual))
	}
	return addrs
}

// addrOfDSN returns the address in user:password@tcp(host:port)/database, which the backend has accepted, or the
// path in unix(path).
func addrOfDSN(dsn, usual string) string {
	address := dsn[:strings.LastIndexByte(dsn, '/')]
	address = address[strings.LastIndexByte(address, '@')+1:]
	network, inner, _ := strings.Cut(strings.TrimSuffix(address, ")"), "(")
	if network == "unix" {
		return inner
	}
	return withPort(inner, usual)
}

func withPort(host, usual string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), usual)
}
