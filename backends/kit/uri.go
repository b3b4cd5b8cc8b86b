package kit

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/vibework/mooring/backends/config"
)

// URI is scheme://user:password@host:port,host:port/path?query with the escapes undone.
type URI struct {
	Scheme      string
	User        string
	Password    config.Secret
	HasPassword bool // there is a colon, also before an empty password
	Hosts       []Host
	Path        string // without the slash before it
	Query       url.Values
}

// Host is one host of a URI.
type Host struct {
	Name string      // or an address, or the path of a Unix socket, which begins with a slash
	Port config.Port // 0 if the URI has none
}

// ParseURI takes a URL that configures a backend apart. It is here since the parsers of net/url and of drivers quote in
// their errors what they cannot read, and that is often a password. The scheme must be one of those given. No error
// quotes any part of raw, nor is any part of raw taken for a host that may be part of a password: the characters / ? #
// must be escaped there. The scheme may be in any case. The path of
// a Unix socket may stand for a host, percent-encoded, and there may be none where an option is called host, socket or
// the like: it is localhost then, and the option to be read. A control character is refused, and in the user name
// and the path a percent-encoded one, too.
func ParseURI(raw string, schemes ...string) (URI, error) {
	if strings.ContainsFunc(raw, unicode.IsControl) {
		return URI{}, errors.New("has a control character")
	}
	if err := OtherForm(raw, schemes...); err != nil {
		return URI{}, err
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	if !slices.Contains(schemes, scheme) {
		return URI{}, errors.New("does not begin with " + strings.Join(schemes, ":// or ") + "://")
	}
	end := strings.IndexAny(rest+"/", "/?#")
	authority, tail := rest[:end], rest[end:]
	if strings.ContainsAny(tail, "@#") || strings.Count(tail, "?") > 1 {
		return URI{}, errors.New("the characters / ? # @ in a user name, password or option must be " +
			"percent-encoded (%2F %3F %23 %40)")
	}
	at := strings.LastIndexByte(authority, '@')
	user, hosts := authority[:max(at, 0)], authority[at+1:]
	path, query, _ := strings.Cut(tail, "?")
	switch {
	case hosts == "" && place.MatchString(query):
		hosts = "localhost" // the option says where
	case strings.Contains(path, "&") && strings.Contains(path, "="):
		return URI{}, errors.New("a ? must stand before the first option, and an & in a name be percent-encoded (%26)")
	}
	u := URI{Scheme: scheme}
	if err := u.unescape(user, hosts, strings.TrimPrefix(path, "/"), query); err != nil {
		return URI{}, err
	}
	return u, nil
}

// unescape sets all but the scheme. Its error has all mistakes in these parts.
func (u *URI) unescape(user, hosts, path, query string) error {
	user, password, hasPassword := strings.Cut(user, ":")
	var userErr, passwordErr, hostsErr, pathErr, queryErr error
	u.User, userErr = url.PathUnescape(user)
	password, passwordErr = url.PathUnescape(password)
	u.Password, u.HasPassword = config.NewSecret(password), hasPassword
	u.Hosts, hostsErr = ParseHosts(hosts)
	u.Path, pathErr = url.PathUnescape(path)
	u.Query, queryErr = url.ParseQuery(query)

	var found Problems
	found.Add(userErr != nil || passwordErr != nil, "a %% in the user name or password must be percent-encoded (%%25)")
	found.Add(HasControl(u.User), "the user name has a control character")
	found = append(found, hostsErr)
	found.Add(pathErr != nil, "a %% in the name after the / must be percent-encoded (%%25)")
	found.Add(HasControl(u.Path), "the name after the / has a control character")
	found.Add(queryErr != nil, "the options after the ? are malformed: & stands between them, and a ; or %% in one must "+
		"be percent-encoded (%%3B %%25)")
	return found.Err()
}

// place is an option that says where the server is, as URLs have that have no host.
var place = regexp.MustCompile(`(^|&)(host|socket|socketPath|unix_socket|unixSocket)=.`)

// forms are how strings begin that other languages and tools take.
var forms = []struct {
	begin *regexp.Regexp
	text  string // WANT stands for a URL of the right form
}{
	{regexp.MustCompile(`^(export\s+)?\w*(url|uri|dsn)=`), "the name of a variable stands before it: drop that and the ="},
	{regexp.MustCompile(`^jdbc:`), "this is a URL of Java: drop jdbc:, and put the user and the password before the @"},
	{regexp.MustCompile(`^r2dbcs?:`), "this is a URL of Java: WANT"},
	{regexp.MustCompile(`^(psql|mysql|mariadb|mongosh?|redis-cli)\s`), "this is a command: WANT"},
	{regexp.MustCompile(`^\w+:(host|dbname|unix_socket)=`), "this is the form of PHP: WANT"},
	{regexp.MustCompile(`^[^:/]*=.*;`), "this is the form of .NET: WANT"},
	{
		regexp.MustCompile(`^(host|hostaddr|port|dbname|user|password|service|passfile|options|application_name|` +
			`connect_timeout|target_session_attrs|ssl\w+)\s*=`),
		"this is the form of libpq with keywords: WANT",
	},
}

// OtherForm returns an error if raw, which should be a URL of one of the schemes, is what another language or tool
// calls a connection string. It says what to write, and quotes nothing.
func OtherForm(raw string, schemes ...string) error {
	raw = strings.ToLower(raw)
	for _, form := range forms {
		if form.begin.MatchString(raw) {
			want := "write " + schemes[0] + "://user:password@host/database"
			return errors.New(strings.ReplaceAll(form.text, "WANT", want))
		}
	}
	scheme, _, isURL := strings.Cut(raw, "://")
	related := func(ours string) bool { return strings.HasPrefix(scheme, ours) } // mysql2, mysql+pymysql
	if isURL && !slices.Contains(schemes, scheme) && slices.ContainsFunc(schemes, related) {
		return errors.New("the scheme is that of another language: write " + schemes[0] + "://")
	}
	return nil
}

// HasControl reports whether text has a character that cannot be seen, which is hardly ever meant: most are the end of
// a line in a file that came from elsewhere, or the blank of a web page. A server would take it for a part of a name.
func HasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r != ' ' && unicode.IsSpace(r)
	})
}

// ParseHosts reads hosts with commas between them, each as [ParseHost] has it, or the path of a Unix socket, which may
// be percent-encoded.
func ParseHosts(list string) (hosts []Host, err error) {
	for text := range strings.SplitSeq(list, ",") {
		if path, err := url.PathUnescape(text); err == nil && strings.HasPrefix(path, "/") && !HasControl(path) {
			hosts = append(hosts, Host{Name: path})
			continue
		}
		if strings.Contains(text, ":") && net.ParseIP(text) != nil { // it is not clear whether its last part is a port
			return nil, errNoBrackets
		}
		host, err := ParseHost(strings.Replace(text, "%25", "%", 1)) // before a zone
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, host)
	}
	return hosts, nil
}

var errNoBrackets = errors.New("an IPv6 address must stand in brackets, as in [::1]")

// ParseHost reads "host", "host:port", "[::1]" and "[::1]:port", and "::1" where nothing in it can be a port. Its error
// says what else the text seems to be, and quotes nothing.
func ParseHost(text string) (Host, error) {
	switch {
	case strings.Contains(text, "://"): // clients in other languages take one
		return Host{}, errors.New("want host:port, without a scheme such as http://")
	case strings.Contains(text, "/"):
		return Host{}, errors.New("want host:port, without a / or a path")
	case strings.Contains(text, "@"):
		return Host{}, errors.New("want host:port, without a user or a password")
	case wantsBrackets(text):
		return Host{}, errNoBrackets
	}
	host := Host{Name: text}
	if name, port, err := net.SplitHostPort(text); err == nil {
		host.Name = name
		if host.Port.UnmarshalText([]byte(port)) != nil {
			return Host{}, errors.New("the port is not a number from 1 to 65535")
		}
	} else if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		host.Name = text[1 : len(text)-1]
	}
	if !validHost(host.Name) {
		return Host{}, errors.New("the host is missing or malformed")
	}
	return host, nil
}

// wantsBrackets reports whether text is an IPv6 address with what seems to be a port behind it.
func wantsBrackets(text string) bool {
	end := strings.LastIndexByte(text, ':')
	if strings.Count(text, ":") < 2 || strings.Trim(text, "0123456789abcdefABCDEF:.") != "" {
		return false
	}
	behind := text[end+1:]
	return net.ParseIP(text) == nil ||
		len(behind) == 4 && strings.Trim(behind, "0123456789") == "" && net.ParseIP(text[:end]) != nil
}

// HostOf reads what the variables HOST and PORT say: a host, host:port, or the path of a Unix socket. The default of
// PORT gives way to a port in HOST; a PORT that is set has to be the same. The error names the variable.
func HostOf(vars config.Variables, text string, port config.Port) (host Host, err error) {
	if strings.HasPrefix(text, "/") {
		host.Name = text
	} else if host, err = ParseHost(text); err != nil {
		return host, fmt.Errorf("%s: not a host name or address: %w", vars.Name("HOST"), err)
	}
	host.Port = cmp.Or(host.Port, port)
	if port != 0 && port != host.Port && vars.IsSet("PORT") {
		return host, fmt.Errorf("%s: has a port, and %s is another one", vars.Name("HOST"), vars.Name("PORT"))
	}
	return host, nil
}

// validHost reports whether name can be a host name or an IP address.
func validHost(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	if strings.Contains(name, ":") {
		addr, err := netip.ParseAddr(name)
		return err == nil && strings.Trim(addr.Zone(), letters) == ""
	}
	return strings.Trim(name, letters) == ""
}

// Addr returns host:port, with the default port if the host has none, or the path of a socket.
func (h Host) Addr(defaultPort config.Port) string {
	if strings.HasPrefix(h.Name, "/") {
		return h.Name
	}
	return net.JoinHostPort(h.Name, strconv.Itoa(int(cmp.Or(h.Port, defaultPort))))
}
