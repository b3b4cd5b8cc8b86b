package redis

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// schemes are those of a URL, and whether each asks for TLS.
var schemes = map[string]bool{"redis": false, "rediss": true, "valkey": false, "valkeys": true}

// fromURL reads the URL. What it says counts, whatever the parts say besides.
func (s *settings) fromURL() ([]kit.Host, error) {
	raw, topology := cutTopology(s.URL.Reveal())
	if err := otherForm(raw, s.prefix); err != nil {
		return nil, err
	}
	u, err := kit.ParseURI(socketAsHost(raw), "redis", "rediss", "valkey", "valkeys")
	if err != nil {
		return nil, err
	}
	s.topology = topology
	if len(u.Hosts) != 1 && topology == oneServer {
		return nil, fmt.Errorf("want one host; %s for several", topologies)
	}
	if schemes[u.Scheme] {
		if s.TLS.Mode == config.TLSOff {
			return u.Hosts, fmt.Errorf("asks for TLS, but %sTLS is off", s.prefix)
		}
		s.wantTLS()
	}
	return u.Hosts, errors.Join(s.setLogin(u), s.setMaster(&u), s.setDatabase(u), s.setOptions(u.Query))
}

const topologies = "write redis+sentinel://s1,s2/NAME or redis+cluster://n1,n2"

// cutTopology takes the topology out of the scheme: of redis+sentinel://, say, it leaves redis://.
func cutTopology(raw string) (string, topology) {
	scheme, rest, _ := strings.Cut(raw, "://")
	for _, t := range []topology{sentinel, cluster} {
		if name, found := strings.CutSuffix(strings.ToLower(scheme), "+"+string(t)); found {
			return name + "://" + rest, t
		}
	}
	return raw, oneServer
}

// setMaster takes the name of the primary that Sentinels watch from the path: it stands before the database.
func (s *settings) setMaster(u *kit.URI) error {
	if s.topology != sentinel {
		return nil
	}
	var master string
	if master, u.Path, _ = strings.Cut(u.Path, "/"); master != "" {
		s.SentinelMaster = master
	}
	if s.SentinelMaster == "" {
		return errors.New("want the name of the primary after the hosts: redis+sentinel://s1,s2/NAME")
	}
	return nil
}

// otherForm recognizes what other programs call a connection string.
func otherForm(raw, prefix string) error {
	lower := strings.ToLower(raw)
	switch {
	case strings.Contains(raw, ",password=") || strings.Contains(lower, ",ssl="):
		return fmt.Errorf("is in the form of .NET: write the host and its port as rediss://host:6380, "+
			"and set %sPASSWORD", prefix)
	case strings.HasPrefix(lower, "jdbc:"):
		return errors.New("begins with jdbc: drop that word")
	case strings.HasPrefix(lower, "redis-"), strings.HasPrefix(lower, "rediss-"), strings.HasPrefix(lower, "sentinel:"):
		return errors.New("is in another program's form: " + topologies)
	case strings.HasPrefix(lower, "redis+tls://"), strings.HasPrefix(lower, "redis+ssl://"):
		return errors.New("the scheme is that of another language: write rediss://")
	case strings.HasPrefix(lower, "https://"):
		return fmt.Errorf("is the address of an HTTP service: want the one that begins with rediss://, "+
			"or %[1]sHOST and %[1]sPASSWORD", prefix)
	}
	return nil
}

// socketAsHost writes unix://user:password@/path?options as a URL whose host is the path.
func socketAsHost(raw string) string {
	for _, scheme := range []string{"unix://", "redis+socket://"} {
		if len(raw) < len(scheme) || !strings.EqualFold(raw[:len(scheme)], scheme) {
			continue
		}
		userinfo, path, found := strings.Cut(raw[len(scheme):], "/")
		if !found || userinfo != "" && !strings.HasSuffix(userinfo, "@") || strings.Contains(path, "@") {
			return raw
		}
		path, query, _ := strings.Cut(path, "?")
		if plain, err := url.PathUnescape(path); err == nil {
			path = plain
		}
		return "redis://" + userinfo + url.PathEscape("/"+path) + "?" + query
	}
	return raw
}

// setLogin puts the user and the password of the URL together with those of the variables.
func (s *settings) setLogin(u kit.URI) error {
	user, password := u.User, u.Password
	if !u.HasPassword && u.User != "" && s.Password.IsZero() && s.credentials == nil { // as redis-cli has it
		s.inform("URL", ": the name before the @ is taken for the password; write user:password@, or :password@")
		user, password = "", config.NewSecret(u.User)
	}
	parts := kit.Parts{
		Prefix: s.prefix, UserKey: "USERNAME", User: s.Username, Password: s.Password,
		Others: map[string]bool{
			"HOST": s.Host != "", "PORT": s.Port != 0, "DB": s.DB != 0, "SENTINEL_HOSTS": s.SentinelHosts != "",
			"SENTINEL_MASTER": s.SentinelMaster != "" && (s.topology != sentinel || strings.Trim(u.Path, "/") != ""),
		},
	}
	who, err := parts.Beside(s.prefix+"URL", kit.Credentials{User: user, Password: password})
	if err != nil {
		return err
	}
	if user == "" && who.Password.IsZero() { // a name alone, which the platform has set, is nobody to log in as
		who.User = ""
	}
	user, password = who.User, who.Password
	if user != "" && password.IsZero() && s.credentials == nil {
		return errors.New("the user has no password")
	}
	s.Username, s.Password = user, password
	return nil
}

func (s *settings) setDatabase(u kit.URI) error {
	text := u.Path
	for _, option := range []string{"db", "database"} {
		if other := u.Query.Get(option); other != "" {
			if text != "" && text != other {
				return errors.New("the path and an option after the ? name different databases")
			}
			text = other
		}
	}
	s.DB = 0
	if text == "" {
		return nil
	}
	if s.topology == cluster {
		return errors.New("a cluster has no databases: drop what stands after the hosts")
	}
	db, err := strconv.Atoi(text)
	if err != nil || db < 0 {
		return errors.New("the path must be the number of a database, such as /0")
	}
	s.DB = db
	return nil
}

// variables are what to set instead of an option that other libraries have.
var variables = map[string]string{
	"password": "PASSWORD", "username": "USERNAME", "user": "USERNAME", "sslverify": "TLS=skip-verify",
	"ssl_cert_reqs": "TLS=skip-verify", "skip_verify": "TLS=skip-verify", "insecure": "TLS=skip-verify",
	"ssl_ca_certs": "TLS_CA_FILE", "ssl_certfile": "TLS_CERT_FILE", "ssl_keyfile": "TLS_KEY_FILE",
	"pool_size": "MAX_ACTIVE", "max_connections": "MAX_ACTIVE", "min_idle_conns": "MAX_IDLE",
	"dial_timeout": "DIAL_TIMEOUT", "connect_timeout": "DIAL_TIMEOUT", "socket_connect_timeout": "DIAL_TIMEOUT",
	"read_timeout": "READ_TIMEOUT", "timeout": "READ_TIMEOUT", "socket_timeout": "READ_TIMEOUT",
	"write_timeout": "WRITE_TIMEOUT", "idle_timeout": "IDLE_TIMEOUT", "conn_max_idle_time": "IDLE_TIMEOUT",
	"conn_max_lifetime": "MAX_CONN_LIFETIME",
}

// skipped are options of other libraries that mean nothing here.
var skipped = []string{
	"abortconnect", "allowusernameinuri", "decode_responses", "encoding", "health_check_interval", "lazyconnect",
	"max_retries", "maxretriesperrequest", "retry_on_timeout", "virtual_host",
}

// wants are the values of the options that are read.
var wants = map[string]string{
	"db": "want the number of a database", "database": "want the number of a database",
	"family": "want 0, 4 or 6", "protocol": "the driver speaks version 2 only",
	"tls": "want true or false", "ssl": "want true or false",
}

// setOptions reads what stands after the ?. The driver has no options of its own there.
func (s *settings) setOptions(query url.Values) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(query)) {
		key, value := strings.ToLower(name), strings.ToLower(query.Get(name))
		on, off := value == "true" || value == "1", value == "false" || value == "0"
		switch {
		case key == "db", key == "database", key == "protocol" && value == "2":
		case key == "ssl_cert_reqs" && !strings.Contains(value, "none"), (key == "skip_verify" || key == "insecure") && off:
		case key == "family" && (value == "0" || value == "4" || value == "6"):
			s.family = strings.Trim(value, "0")
		case key == "client_name", key == "clientname":
			s.ClientName = query.Get(name)
		case (key == "tls" || key == "ssl") && on:
			s.wantTLS()
		case (key == "tls" || key == "ssl") && off:
		case slices.Contains(skipped, key):
			s.inform("URL", ": the option "+key+" means nothing in Go and is skipped")
		default:
			errs = append(errs, s.refuse(key))
		}
	}
	return errors.Join(errs...)
}

// wantTLS has the server verified, unless the variable says otherwise.
func (s *settings) wantTLS() {
	if s.TLS.Mode == "" {
		s.TLS.Mode = config.TLSVerify
	}
}

// refuse names an option that somebody knows. What nobody knows may be a part of a password.
func (s *settings) refuse(key string) error {
	if variable, known := variables[key]; known {
		return fmt.Errorf("the option %s is not read here: set %s%s", key, s.prefix, variable)
	}
	if text, known := wants[key]; known {
		return fmt.Errorf("the option %s: %s", key, text)
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(wants)), maps.Keys(variables))
	if near := config.Nearest(key, append(names, "client_name")); near != "" {
		return fmt.Errorf("an option after the ? is unknown; is %s meant?", near)
	}
	return errors.New("an option after the ? is unknown; db, tls, family and client_name are known")
}

// inform tells something about a variable.
func (s *settings) inform(key, text string) { slog.Info(s.prefix+key+text, "variable", s.prefix+key) }
