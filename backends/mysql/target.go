package mysql

import (
	"cmp"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/vibework/mooring/backends/kit"
)

var schemes = []string{"mysql", "mariadb"}

// aURL is how a URL begins.
var aURL = regexp.MustCompile(`^(?i)(mysql|mariadb)://`)

// network is how a DSN says where the server is.
var network = regexp.MustCompile(`@(tcp|unix)\([^@]*\)/`)

// parseURL reads a URL with one host.
func parseURL(raw, prefix string) (kit.URI, error) {
	if !aURL.MatchString(raw) && strings.Contains(raw, "(") && strings.Contains(raw, ")/") {
		return kit.URI{}, errors.New("this is a DSN: put it into " + prefix + "DSN")
	}
	u, err := kit.ParseURI(raw, schemes...)
	switch {
	case err != nil && network.MatchString(raw): // as golang-migrate has it
		return u, errors.New("write host:port for tcp(host:port), and %2F for each / of a socket in the place of the host")
	case err != nil:
		return u, err
	case len(u.Hosts) != 1:
		return u, errors.New("want one host; a second server is a second instance")
	case strings.Contains(u.Path, "/"):
		return u, errors.New("the path must be the name of a database, such as /shop")
	}
	return u, nil
}

// dsn is a DSN as the driver takes it apart: the last / ends the address, the last @ before it the password, the first
// : the user. So the password may hold any of these, and is not escaped. No part of it is taken for an address, which
// has to be spelled out.
var dsn = regexp.MustCompile(`^(?:([^:]*?)(?::(.*))?@)?(?:tcp\(([^@]*)\)|unix\((/[^@]*)\))(/[^/]*)$`)

var errNotDSN = errors.New("want user:password@tcp(host:port)/database, or unix(/path) for tcp(host:port); " +
	"a / in an option must be percent-encoded (%2F)")

// parseDSN writes a DSN as a URL, and reads that: the driver's own parser quotes it in errors, and panics.
func parseDSN(raw, prefix string) (kit.URI, error) {
	part := dsn.FindStringSubmatch(raw)
	switch {
	case aURL.MatchString(raw) && network.MatchString(raw):
		return kit.URI{}, errors.New("drop the scheme: mysql:// or mariadb://")
	case aURL.MatchString(raw):
		return kit.URI{}, errors.New("this is a URL: put it into " + prefix + "URL")
	case strings.ContainsFunc(raw, unicode.IsControl):
		return kit.URI{}, errors.New("has a control character")
	case !strings.Contains(raw, "("): // in a password it may look like anything
		return kit.URI{}, cmp.Or(kit.OtherForm(raw, schemes...), errNotDSN)
	case part == nil:
		return kit.URI{}, errNotDSN
	}
	login := url.UserPassword(part[1], part[2]).String()
	return parseURL(schemes[0]+"://"+login+"@"+part[3]+url.PathEscape(part[4])+part[5], prefix)
}
