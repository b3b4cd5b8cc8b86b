package redis

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

// fromURL reads the URL. What it says counts, whatever the parts say besides.
func (s *settings) fromURL() ([]kit.Host, error) {
	raw, topology := cutTopology(socketAsHost(s.URL.Reveal()))
	if err := otherForm(raw, s.vars.Prefix()); err != nil {
		return nil, err
	}
	u, err := kit.ParseURI(raw, "redis", "rediss", "valkey", "valkeys")
	if err != nil {
		return nil, err
	}
	s.topology = topology
	if len(u.Hosts) != 1 && topology == oneServer {
		return nil, fmt.Errorf("want one host; %s for several", topologies)
	}
	var database string // as an option has it
	err = s.known(&database).Read(s.vars.Name("URL"), u.Query)
	found := kit.Problems{s.setLogin(u), s.setMaster(&u)}
	found = append(found, s.setDatabase(u.Path, database), err)
	isSocket := func(host kit.Host) bool { return strings.HasPrefix(host.Name, "/") }
	found.Add(topology != oneServer && slices.ContainsFunc(u.Hosts, isSocket),
		"a %s is not found by a Unix socket", topology)
	if u.Scheme == "rediss" || u.Scheme == "valkeys" {
		found.Add(s.TLS.Mode == config.TLSOff, "asks for TLS, but %s or an option is off", s.vars.Name("TLS"))
		s.TLS.Mode = cmp.Or(s.TLS.Mode, config.TLSVerify)
	}
	return u.Hosts, found.Err()
}

const topologies = "write redis+sentinel://s1,s2/NAME or redis+cluster://n1,n2"

// cutTopology takes the topology out of the scheme: of redis+sentinel://, say, it leaves redis://.
func cutTopology(raw string) (string, topology) {
	scheme, rest, _ := strings.Cut(raw, "://")
	name, kind, _ := strings.Cut(strings.ToLower(scheme), "+")
	if t := topology(kind); t == sentinel || t == cluster {
		return name + "://" + rest, t
	}
	return raw, oneServer
}

// setMaster takes the name of the primary that Sentinels watch from the path: it stands before the database.
func (s *settings) setMaster(u *kit.URI) error {
	if s.topology != sentinel {
		return nil
	}
	master, database, more := strings.Cut(u.Path, "/")
	isDatabase := master != "" && !more && strings.Trim(master, "0123456789") == ""
	if master != "" {
		s.SentinelMaster, u.Path = master, database
	}
	if s.SentinelMaster == "" || isDatabase {
		return errors.New("want the name of the primary after the hosts: redis+sentinel://s1,s2/NAME or NAME/0")
	}
	return nil
}

// otherForms are patterns of what other programs call a connection string, in lower case, and what to say of it.
var otherForms = []struct{ pattern, say string }{
	{`^(redis-)?(sentinel|cluster)://|^rediss-|://.*,redis.*://`, "is in another program's form: " + topologies},
	{`^redis-cli`, "is a command: write only what stands behind its -u"},
	{`^(redis-socket:|redis\+unix:|unix:|socket:|/)`, "the path of a Unix socket is unix:///path"},
	{`^(redis\+tls|redis\+ssl|rediss\+)`, "the scheme is that of another language: write rediss://"},
	{`^https?:`, "is the address of an HTTP service: want redis:// or rediss://, or PREFIX_HOST and PREFIX_PASSWORD"},
	{
		`^[^/]*(,[^/]*=|=[^/]*,)`,
		"is in the form of .NET: write the host and its port as rediss://host:6380, and set PREFIX_PASSWORD",
	},
}

// otherForm recognizes what other programs call a connection string.
func otherForm(raw, prefix string) error {
	for _, other := range otherForms {
		if regexp.MustCompile(other.pattern).MatchString(strings.ToLower(raw)) {
			return errors.New(strings.ReplaceAll(other.say, "PREFIX_", prefix))
		}
	}
	return nil
}

// socket is how a URL names the path of a Unix socket: behind the user and the password, before the options.
var socket = regexp.MustCompile(`(?i)^(?:unix|redis\+socket)://([^/]*@)?(/[^?@]*)(\?[^@]*)?$`)

// socketAsHost writes unix://user:password@/path?options as a URL whose host is the path.
func socketAsHost(raw string) string {
	part := socket.FindStringSubmatch(raw)
	if part == nil {
		return raw
	}
	path, err := url.PathUnescape(part[2])
	if err != nil {
		path = part[2]
	}
	return "redis://" + part[1] + url.PathEscape(path) + part[3]
}

// setLogin puts the user and the password of the URL together with those of the variables.
func (s *settings) setLogin(u kit.URI) error {
	if !u.HasPassword && u.User != "" && s.Password.IsZero() && s.credentials == nil { // as redis-cli has it
		config.LogOnce(slog.LevelInfo, s.vars.Name("URL")+
			": the name before the @ is taken for the password; write user:password@, or :password@")
		u.User, u.Password = "", config.NewSecret(u.User)
	}
	named := u.User != ""
	parts := kit.Parts{
		Vars: s.vars, UserKey: "USERNAME", User: s.Username, Password: s.Password,
		Others: []string{"DB", "HOST", "PORT", "SENTINEL_HOSTS"},
	}
	if s.topology != sentinel || strings.Trim(u.Path, "/") != "" {
		parts.Others = append(parts.Others, "SENTINEL_MASTER")
	}
	u, err := parts.Beside(s.vars.Name("URL"), u)
	switch {
	case err != nil:
		return err
	case u.Password.IsZero() && !named: // a name alone, which the platform has set, is nobody to log in as
		u.User = ""
	case u.Password.IsZero() && s.credentials == nil:
		return errors.New("the user has no password")
	}
	s.Username, s.Password = u.User, u.Password
	return nil
}

// setDatabase takes the number of the database from the path or the option.
func (s *settings) setDatabase(path, option string) error {
	db, err := strconv.Atoi(cmp.Or(path, option, "0"))
	var found kit.Problems
	found.Add(path != "" && option != "" && path != option,
		"the path and an option after the ? name different databases")
	found.Add(s.topology == cluster && path+option != "",
		"a cluster has no databases: drop what stands after the hosts")
	found.Add(err != nil || db < 0, "the database must be a number, as in redis://host/0 or ?db=0")
	s.DB = db
	return found.Err()
}

// known returns the options that may stand after the ?. They are those of other libraries: the driver has none there.
func (s *settings) known(database *string) kit.URLOptions {
	asItIs := func(string, string) error { return nil }
	another := func(string, string) error { return errors.New("none of those above") }
	return kit.URLOptions{
		Vars: s.vars, AnyCase: true, Hint: "db, tls, family and client_name are known",
		Known: []kit.URLOption{
			{Names: "db", Also: "database", Field: database},
			{Names: "tls ssl sslmode", Set: s.setTLS},
			{Names: "family=4 family=6", Field: &s.family},
			{Names: "client_name", Also: "clientname", Field: &s.ClientName, Key: "CLIENT_NAME"},
			{Names: "protocol=2 protocol=resp2 ssl_cert_reqs=required ssl_cert_reqs=optional ssl_cert_reqs=cert_required " +
				"ssl_cert_reqs=cert_optional ssl_check_hostname=true rejectunauthorized=true verify=true sslverify=true " +
				"verifypeer=true verifypeer=full skip_verify=false skip_verify=0 insecure=false insecure=0 " +
				"insecure_skip_verify=false insecureskipverify=false family=0", Set: asItIs},

			{Names: "abortconnect allowusernameinuri decode_responses enablereadycheck encoding health_check_interval " +
				"keepalive lazyconnect max_retries maxretriesperrequest retry_on_timeout socket_keepalive virtual_host"},

			{Names: "family", Set: another, Text: "0, 4 or 6"},
			{Names: "protocol", Text: "the driver speaks version 2 only"},
			{Names: "password", Text: "set PREFIX_PASSWORD"},
			{Names: "username user", Text: "set PREFIX_USERNAME"},
			{Names: "sslverify ssl_cert_reqs ssl_check_hostname skip_verify insecure insecure_skip_verify insecureskipverify " +
				"rejectunauthorized verify verifypeer", Text: "set PREFIX_TLS=skip-verify"},
			{Names: "addr cluster", Text: "write redis+cluster://n1,n2"},
			{Names: "master_name mastername sentinelmasterid service_name", Text: "write redis+sentinel://s1,s2/NAME"},
			{Names: "ssl_ca_certs", Text: "set PREFIX_TLS_CA_FILE"},
			{Names: "ssl_certfile ssl_keyfile", Text: "set PREFIX_TLS_CERT_FILE and PREFIX_TLS_KEY_FILE"},
			{Names: "pool_size max_connections", Text: "set PREFIX_MAX_ACTIVE"},
			{Names: "min_idle_conns", Text: "set PREFIX_MAX_IDLE"},
			{Names: "dial_timeout connect_timeout connecttimeout socket_connect_timeout", Text: "set PREFIX_DIAL_TIMEOUT"},
			{Names: "read_timeout timeout commandtimeout socket_timeout", Text: "set PREFIX_READ_TIMEOUT"},
			{Names: "write_timeout", Text: "set PREFIX_WRITE_TIMEOUT"},
			{Names: "idle_timeout conn_max_idle_time", Text: "set PREFIX_IDLE_TIMEOUT"},
			{Names: "conn_max_lifetime", Text: "set PREFIX_MAX_CONN_LIFETIME"},
		},
	}
}

// setTLS takes true for what the variable says of verifying.
func (s *settings) setTLS(_, value string) error {
	if on, _ := strconv.ParseBool(value); on && s.TLS.Mode == config.TLSSkipVerify {
		return nil
	}
	return kit.SetTLS(&s.TLS, s.vars, value, "true, false or skip-verify")
}
