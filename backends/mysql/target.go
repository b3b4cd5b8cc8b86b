package mysql

import (
	"errors"
	"net/url"
	"strings"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// target is what a URL or a DSN says, with the escapes undone.
type target struct {
	host     kit.Host
	socket   string // path of a Unix socket, instead of host
	user     string
	password config.Secret
	database string
	options  url.Values
}

func parseURL(raw string) (target, error) {
	u, err := kit.ParseURI(raw, "mysql", "mariadb")
	switch {
	case err != nil:
		return target{}, err
	case len(u.Hosts) != 1:
		return target{}, errors.New("want one host")
	case strings.Contains(u.Path, "/"):
		return target{}, errors.New("the path must be the name of a database, such as /shop")
	}
	t := target{host: u.Hosts[0], user: u.User, password: u.Password, database: u.Path, options: u.Query}
	if strings.HasPrefix(t.host.Name, "/") {
		t.host, t.socket = kit.Host{}, t.host.Name
	}
	return t, nil
}

var errDSN = errors.New("want user:password@tcp(host:port)/database, or unix(/path) for tcp(host:port); " +
	"a / in an option must be percent-encoded (%2F)")

// parseDSN takes raw apart as the driver would, whose own parser quotes it in errors and even panics: the last /
// ends the address, the last @ before it the password, the first : the user. So the password may hold any of
// these, and is not escaped. No part of it is taken for an address, which has to be spelled out.
func parseDSN(raw, prefix string) (target, error) {
	if strings.HasPrefix(raw, "mysql://") || strings.HasPrefix(raw, "mariadb://") {
		return target{}, errors.New("this is a URL: put it into " + prefix + "URL")
	}
	if kit.HasControl(raw) {
		return target{}, errors.New("has a control character")
	}
	slash := strings.LastIndexByte(raw, '/')
	if slash < 0 {
		return target{}, errDSN
	}
	var t target
	address := raw[:slash]
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		user, password, _ := strings.Cut(address[:at], ":")
		t.user, t.password = user, config.NewSecret(password)
		address = address[at+1:]
	}
	database, query, _ := strings.Cut(raw[slash+1:], "?")
	if err := errors.Join(t.setAddress(address), t.setTail(database, query)); err != nil {
		return target{}, err
	}
	return t, nil
}

func (t *target) setAddress(text string) (err error) {
	network, inner, _ := strings.Cut(text, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	switch {
	case closed && network == "tcp":
		t.host, err = kit.ParseHost(inner)
		return err
	case closed && network == "unix" && strings.HasPrefix(inner, "/"):
		t.socket = inner
		return nil
	default:
		return errDSN
	}
}

func (t *target) setTail(database, query string) error {
	plain, err := url.PathUnescape(database)
	if err != nil {
		return errors.New("a % in the name of the database must be percent-encoded (%25)")
	}
	if kit.HasControl(plain) {
		return errors.New("the name of the database has a control character")
	}
	options, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("the options after the ? are malformed")
	}
	t.database, t.options = plain, options
	return nil
}
