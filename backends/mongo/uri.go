package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

const (
	defaultPort  = 27017
	mostConns    = 65535            // to one server; the driver allocates room for all of them at once
	minStaleness = 90 * time.Second // the driver accepts less, and then finds no server
	x509         = "MONGODB-X509"
	oidc         = "MONGODB-OIDC"
)

var informed sync.Map // of the options that the log has told of

// readURI checks what the driver does not, or what it says of in words that cannot be shown, and has the driver read
// all of the rest that need not be looked up.
func (s *settings) readURI() (*options.ClientOptions, error) {
	u, unused, errs := parse(s.URI.Reveal())
	given := options.Client()
	if len(u.Hosts) > 0 {
		s.uri, s.srv, s.mode = text(u, false), isSRV(u), u.Query.Get("serverMonitoringMode")
		s.Database = cmp.Or(s.Database, u.Path)
		s.target = targetOf(u, s.Database)
		if o, err := read(text(u, true)); err != nil {
			errs = append(errs, blame(u)...)
		} else {
			errs = append(errs, s.contradictions(u, o)...)
			if files := filesIn(u, o); s.TLS == (config.TLS{}) {
				s.TLS = files
			}
			given = o
		}
	}
	all, clash := s.merge(given)
	for i, err := range errs {
		errs[i] = fmt.Errorf("%sURI: %w", s.prefix, err)
	}
	err := errors.Join(append(errs, clash)...)
	names := s.prefix + strings.Join(slices.Compact(unused), ", ")
	if _, again := informed.LoadOrStore(names, true); err == nil && len(unused) > 0 && !again {
		slog.Default().Info(s.prefix+"URI: options that mean nothing to Go's driver are skipped",
			"options", strings.TrimPrefix(names, s.prefix))
	}
	return all, err
}

// parse takes a connection string apart and returns the options that Go's driver has no use for beside it. The driver
// reads the rest, but its errors quote what it cannot read, and it ignores options that it does not know. No error of
// parse quotes a part of raw, except for the name of an option that is a misspelt one.
func parse(raw string) (u kit.URI, unused []string, errs []error) {
	head, query, _ := strings.Cut(raw, "?")
	if onlyKnown(query) { // an @ in there is no part of a password: Azure shows appName=@account@ for Cosmos DB
		raw = head + "?" + strings.ReplaceAll(query, "@", "%40")
	}
	u, err := kit.ParseURI(raw, "mongodb", "mongodb+srv")
	if err != nil {
		return u, nil, []error{err}
	}
	found := new(kit.Problems)
	found.Add(u.User == "" && !u.Password.IsZero(), "the password has no user name")
	found.Add(isSRV(u) && (len(u.Hosts) > 1 || u.Hosts[0].Port != 0 || !kit.ValidHost(u.Hosts[0].Name)),
		"mongodb+srv:// wants one host and no port")
	if u.Path != "" && !validDatabase(u.Path) {
		found.Add(true, "the path must be the name of a database")
		u.Path = ""
	}
	options := make(url.Values)
	for _, given := range slices.Sorted(maps.Keys(u.Query)) {
		name, rule := findRule(given)
		switch {
		case name == "":
			found.Add(true, "an option after the ? is unknown%s", suggestion(given))
		case rule.verdict == unneeded:
			unused = append(unused, name)
		case rule.verdict == refused:
			found.Add(true, "%s: Go's driver has no such option; %s", name, rule.text)
		default:
			options[name] = append(options[name], u.Query[given]...)
			if text := misuse(name, rule, options[name], isSRV(u)); text != "" {
				found.Add(true, "%s: %s", name, text)
				delete(options, name)
			}
		}
	}
	u.Query = options
	return u, unused, *found
}

// misuse returns what is wrong with the values of an option that the driver accepts and hardly anybody means.
func misuse(name string, rule *optionRule, values []string, srv bool) string {
	_, err := strconv.Atoi(values[0])
	switch {
	case slices.ContainsFunc(values, kit.HasControl):
		return "has a control character"
	case name == readTags: // its values are tried in their order, and an empty one is any server
		return ""
	case len(values) > 1:
		return "is set more than once"
	case values[0] == "":
		return "is empty"
	case rule.verdict == forSRV && (!srv || name == "srvMaxHosts" && err != nil):
		return "want " + rule.text
	}
	return ""
}

func validDatabase(name string) bool {
	return name != "" && len(name) < 64 && !strings.ContainsAny(name, "/\\. \"$") && !kit.HasControl(name)
}

func isSRV(u kit.URI) bool { return u.Scheme == "mongodb+srv" }

func onlyKnown(query string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if known, _ := findRule(name); known == "" {
			return false
		}
	}
	return true
}

// text returns the connection string for the driver. If plain, there is nothing in it for the driver to look up: it
// begins with mongodb://, and says what mongodb+srv:// means besides.
func text(u kit.URI, plain bool) config.Secret {
	port, scheme, options := config.Port(defaultPort), u.Scheme, maps.Clone(u.Query)
	var hosts []string
	for _, host := range u.Hosts {
		hosts = append(hosts, host.Addr(port))
	}
	switch {
	case isSRV(u) && plain:
		scheme = "mongodb"
		delete(options, "srvMaxHosts")
		delete(options, "srvServiceName")
		if !options.Has("tls") && !options.Has("ssl") {
			options.Set("tls", "true")
		}
	case isSRV(u):
		hosts = []string{u.Hosts[0].Name}
	}
	authority := url.URL{Scheme: scheme, Host: strings.Join(hosts, ",")}
	switch {
	case u.User != "" && u.HasPassword:
		authority.User = url.UserPassword(u.User, u.Password.Reveal())
	case u.User != "":
		authority.User = url.User(u.User)
	}
	return config.NewSecret(authority.String() + "/" + url.QueryEscape(u.Path) + "?" + options.Encode())
}

func targetOf(u kit.URI, database string) kit.Target {
	t := kit.Target{Database: database, User: u.User}
	if isSRV(u) {
		t.SRV = u.Hosts[0].Name
		return t
	}
	for _, host := range u.Hosts {
		t.Addrs = append(t.Addrs, host.Addr(defaultPort))
	}
	return t
}

// read returns what the driver reads in a connection string. The text of its error may quote any part of that.
func read(text config.Secret) (*options.ClientOptions, error) {
	o := options.Client().ApplyURI(text.Reveal())
	checked := *o
	if o.Auth != nil {
		o.Auth.AuthMechanism = strings.ToUpper(o.Auth.AuthMechanism)
		auth := *o.Auth
		if auth.AuthMechanism == oidc && auth.AuthMechanismProperties["ENVIRONMENT"] == "" {
			auth.OIDCMachineCallback = func(context.Context, *options.OIDCArgs) (*options.OIDCCredential, error) {
				return nil, nil // in the place of the one that a hook has to set
			}
		}
		checked.Auth = &auth
	}
	tooSmall := func(d *time.Duration) bool { return d != nil && *d <= 0 }
	tooStale := false
	if o.ReadPreference != nil {
		staleness, set := o.ReadPreference.MaxStaleness()
		tooStale = set && staleness < minStaleness
	}
	err := checked.Validate()
	if err == nil && (tooSmall(o.ConnectTimeout) || tooSmall(o.ServerSelectionTimeout) || tooStale ||
		o.MaxPoolSize != nil && *o.MaxPoolSize > mostConns) {
		err = errors.New("out of range")
	}
	return o, err
}

// blame returns an error for each option that the driver refuses. It tries one after the other, in the order of the
// rules, since what the driver says of them cannot be shown.
func blame(u kit.URI) (errs []error) {
	options := u.Query
	u.Query = make(url.Values)
	if _, err := read(text(u, true)); err != nil {
		return []error{errors.New("the driver refuses the user or the hosts")}
	}
	for _, rule := range optionRules {
		for unit := range strings.FieldsSeq(rule.names) {
			names, before := strings.Split(unit, "+"), maps.Clone(u.Query)
			for _, name := range names {
				if options.Has(name) {
					u.Query[name] = options[name]
				}
			}
			if _, err := read(text(u, true)); err != nil {
				errs = append(errs, fmt.Errorf("%s: want %s", strings.Join(names, ", "), rule.text))
				u.Query = before
			}
		}
	}
	return errs
}

// contradictions returns those that the driver does not see.
func (s *settings) contradictions(u kit.URI, o *options.ClientOptions) (found kit.Problems) {
	details := false // an option says how to use TLS, and not only whether
	for name := range u.Query {
		about := strings.HasPrefix(name, "tls") || strings.HasPrefix(name, "ssl")
		details = details || about && len(name) > len("tls") && !strings.HasPrefix(name, "tlsDisable")
	}
	mechanism, certified := "", s.TLS.CertFile != "" || o.TLSConfig != nil && len(o.TLSConfig.Certificates) > 0
	if o.Auth != nil {
		mechanism = o.Auth.AuthMechanism
	}
	if s.TLS != (config.TLS{}) {
		found.Add(details || u.Query.Has("tls") || u.Query.Has("ssl"),
			"has TLS options, and so has %[1]sTLS or %[1]sTLS_*; remove one", s.prefix)
	} else {
		off := o.TLSConfig == nil || u.Query.Get("tls") == "false" || u.Query.Get("ssl") == "false"
		found.Add(details && off, "has other TLS options, but tls is not true")
	}
	found.Add(mechanism == x509 && !certified, "authMechanism: %s wants tlsCertificateKeyFile or %sTLS_CERT_FILE",
		x509, s.prefix)
	found.Add(mechanism == "" && u.User != "" && u.Password.IsZero(), "the user has no password")
	found.Add(s.srv && o.Direct != nil && *o.Direct, "directConnection: want mongodb:// and one host")
	return found
}
