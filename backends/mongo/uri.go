package mongo

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

const (
	defaultPort = 27017
	mostConns   = 65535 // to one server; the driver allocates room for all of them at once
	x509        = "MONGODB-X509"
	oidc        = "MONGODB-OIDC"
)

// azureName is how Azure shows the name of an account of Cosmos DB: appName=@account@. No other @ may stand there,
// since it may be the one behind a password.
var azureName = regexp.MustCompile(`(?i)([?&]appName=)@([^@&]*)@`)

// readURI checks what the driver does not, or what it says of in words that cannot be shown, and has the driver read
// all of the rest that need not be looked up. Its error quotes nothing but the names of options.
func (s *settings) readURI() error {
	u, err := kit.ParseURI(azureName.ReplaceAllString(s.URI.Reveal(), "${1}%40${2}%40"), "mongodb", "mongodb+srv")
	if err != nil {
		return err
	}
	found := kit.Problems{s.readOptions(&u)}
	found.Add(u.User == "" && !u.Password.IsZero(), "the password has no user name")
	found.Add(isSRV(u) && (len(u.Hosts) > 1 || u.Hosts[0].Port != 0 || strings.HasPrefix(u.Hosts[0].Name, "/")),
		"mongodb+srv:// wants one host and no port")
	found.Add(slices.ContainsFunc(u.Hosts, func(h kit.Host) bool {
		return strings.HasPrefix(h.Name, "/") && !strings.HasSuffix(h.Name, ".sock") // the driver would add a port
	}), "the path of a Unix socket must end in .sock")
	found.Add(!validDatabase(u.Path), "the path must be the name of a database")
	s.uri, s.mode = text(u, false), cmp.Or(u.Query.Get("serverMonitoringMode"), "auto")
	s.Database = cmp.Or(s.Database, u.Path)
	s.target = kit.Target{Addrs: addrs(u), Database: s.Database, User: u.User}
	if isSRV(u) {
		s.target.Addrs, s.target.SRV = nil, u.Hosts[0].Name
	}
	o, err := read(text(u, true))
	if err != nil {
		return errors.Join(found.Err(), s.blame(u))
	}
	found = append(found, s.contradictions(u, o)...)
	if s.TLS == (config.TLS{}) {
		s.TLS = filesIn(u, o)
		for _, key := range []string{"TLS_CA_FILE", "TLS_CERT_FILE", "TLS_KEY_FILE"} {
			s.vars.SetBy(key, s.vars.Name("URI")+": a file of its TLS options")
		}
	}
	return found.Err()
}

// validDatabase reports whether a database may have this name, or none.
func validDatabase(name string) bool {
	return len(name) < 64 && !strings.ContainsAny(name, "/\\. \"$") && !kit.HasControl(name)
}

func isSRV(u kit.URI) bool { return u.Scheme == "mongodb+srv" }

func addrs(u kit.URI) (list []string) {
	for _, host := range u.Hosts {
		list = append(list, host.Addr(defaultPort))
	}
	return list
}

// text returns the connection string for the driver. If plain, there is nothing in it for the driver to look up: it
// begins with mongodb://, and says what mongodb+srv:// means besides.
func text(u kit.URI, plain bool) config.Secret {
	head := url.URL{Scheme: u.Scheme, Host: strings.Join(addrs(u), ",")}
	given := maps.Clone(u.Query)
	switch {
	case isSRV(u) && plain:
		head.Scheme = "mongodb"
		delete(given, "srvMaxHosts")
		delete(given, "srvServiceName")
		if !given.Has("tls") && !given.Has("ssl") {
			given.Set("tls", "true")
		}
	case isSRV(u):
		head.Host = u.Hosts[0].Name
	}
	switch {
	case u.User != "" && u.HasPassword:
		head.User = url.UserPassword(u.User, u.Password.Reveal())
	case u.User != "":
		head.User = url.User(u.User)
	}
	return config.NewSecret(head.String() + "/" + url.QueryEscape(u.Path) + "?" + given.Encode())
}

// read returns what the driver reads in a connection string. The text of its error may quote any part of that.
func read(text config.Secret) (*options.ClientOptions, error) {
	o := options.Client().ApplyURI(text.Reveal())
	if auth := o.Auth; auth != nil {
		auth.AuthMechanism = strings.ToUpper(auth.AuthMechanism)
		if auth.AuthMechanism == oidc && auth.AuthMechanismProperties["ENVIRONMENT"] == "" {
			auth.OIDCMachineCallback = func(context.Context, *options.OIDCArgs) (*options.OIDCCredential, error) {
				return nil, nil // while this is validated, in the place of the one that a hook has to set
			}
			defer func() { auth.OIDCMachineCallback = nil }()
		}
	}
	return o, o.Validate()
}
