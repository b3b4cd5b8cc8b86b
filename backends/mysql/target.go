package mysql

import (
	"errors"
	"net/url"
	"strings"
	"unicode"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// target is what a URL or a DSN says, with the escapes undone.
type target struct {
	host     kit.Host // or the path of a Unix socket
	user     string
	password config.Secret
	database string
	options  url.Values
}

const wantURL = "write mysql://user:password@host/database"

func parseURL(raw, prefix string) (target, error) {
	switch scheme, _, _ := strings.Cut(strings.ToLower(raw), "://"); {
	case scheme == "mysql" || scheme == "mariadb":
	case strings.Contains(raw, "(") && strings.Contains(raw, ")/"):
		return target{}, errors.New("this is a DSN: put it into " + prefix + "DSN")
	default:
		if err := otherForm(raw); err != nil {
			return target{}, err
		}
	}
	u, err := kit.ParseURI(raw, "mysql", "mariadb")
	switch {
	case err != nil:
		return target{}, err
	case len(u.Hosts) != 1:
		return target{}, errors.New("want one host; a second server is a second instance")
	case strings.Contains(u.Path, "/"):
		return target{}, errors.New("the path must be the name of a database, such as /shop")
	}
	return target{u.Hosts[0], u.User, u.Password, u.Path, u.Query}, nil
}

// otherForm recognizes what other languages and tools call a connection string.
func otherForm(raw string) error {
	scheme, _, isURL := strings.Cut(strings.ToLower(raw), "://")
	switch {
	case strings.HasPrefix(scheme, "jdbc:"):
		return errors.New("this is a URL of Java: drop jdbc:, and put the user and the password before the @")
	case isURL && (strings.HasPrefix(scheme, "mysql") || strings.HasPrefix(scheme, "mariadb+")): // mysql2, mysql+pymysql
		return errors.New("the scheme is that of another language: write mysql://")
	case strings.HasPrefix(scheme, "mysql:host="), strings.HasPrefix(scheme, "mysql:dbname="),
		strings.HasPrefix(scheme, "mysql:unix_"):
		return errors.New("this is the form of PHP: " + wantURL)
	case strings.Contains(scheme, ";") && strings.Contains(scheme, "="):
		return errors.New("this is the form of .NET: " + wantURL)
	}
	return nil
}

var errDSN = errors.New("want user:password@tcp(host:port)/database, or unix(/path) for tcp(host:port); " +
	"a / in an option must be percent-encoded (%2F)")

// parseDSN takes raw apart as the driver would, whose own parser quotes it in errors and even panics: the last /
// ends the address, the last @ before it the password, the first : the user. So the password may hold any of
// these, and is not escaped. No part of it is taken for an address, which has to be spelled out.
func parseDSN(raw, prefix string) (t target, err error) {
	if scheme, _, _ := strings.Cut(strings.ToLower(raw), "://"); scheme == "mysql" || scheme == "mariadb" {
		return t, errors.New("this is a URL: put it into " + prefix + "URL")
	}
	if address := strings.Contains(raw, "("); !address { // in a password it may look like anything
		if err := otherForm(raw); err != nil {
			return t, err
		}
	}
	if strings.ContainsFunc(raw, unicode.IsControl) {
		return t, errors.New("has a control character")
	}
	slash := strings.LastIndexByte(raw, '/')
	if slash < 0 {
		return t, errDSN
	}
	address := raw[:slash]
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		user, password, _ := strings.Cut(address[:at], ":")
		t.user, t.password = user, config.NewSecret(password)
		address = address[at+1:]
	}
	network, inner, _ := strings.Cut(address, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	switch {
	case closed && network == "tcp":
		t.host, err = kit.ParseHost(inner)
	case closed && network == "unix" && strings.HasPrefix(inner, "/"):
		t.host.Name = inner
	default:
		err = errDSN
	}
	database, query, _ := strings.Cut(raw[slash+1:], "?")
	return t, errors.Join(err, t.setTail(database, query))
}

func (t *target) setTail(database, query string) (err error) {
	if t.database, err = url.PathUnescape(database); err != nil {
		return errors.New("a % in the name of the database must be percent-encoded (%25)")
	}
	if kit.HasControl(t.database) {
		return errors.New("the name of the database has a control character")
	}
	if t.options, err = url.ParseQuery(query); err != nil {
		return errors.New("the options after the ? are malformed")
	}
	return nil
}
