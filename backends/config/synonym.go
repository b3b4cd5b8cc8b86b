package config

import (
	"cmp"
	"slices"
	"strings"
)

// synonyms are what other programs call a variable, without the prefix; what begins with = has none, and is told of
// where aliases are read. Nothing reads synonyms; they are told of, since a password, a database or TLS that is ignored
// in silence is found out late.
var synonyms = map[string]string{
	"URL":      "URI DSN CONNECTION_STRING CONNECTION_URL DATABASE_URL SERVER_URL TLS_URL CLUSTER_URL ENDPOINT",
	"URI":      "URL CONNECTION_STRING CONNECTION_URL DATABASE_URL DSN HOST HOSTS PORT USER USERNAME PASSWORD",
	"HOST":     "HOSTNAME SERVER ADDR ADDRESS NODES CLUSTER_NODES SOCKET UNIX_SOCKET UNIX_PORT",
	"PORT":     "TCP_PORT PORT_NUMBER",
	"USER":     "USERNAME USER_NAME LOGIN",
	"USERNAME": "USER USER_NAME LOGIN",
	"PASSWORD": "PASS PASSWD PWD PW AUTH AUTH_PASSWORD USER_PASSWORD",
	"DATABASE": "DB DBNAME DB_NAME DATABASE_NAME NAME SCHEMA",
	"DB":       "DATABASE DB_INDEX DBNUM DB_NUMBER DATABASE_INDEX DATABASE_NUMBER",

	"SENTINEL_HOSTS":  "SENTINELS SENTINEL SENTINEL_NODES SENTINEL_ADDRS SENTINEL_ADDRESSES",
	"SENTINEL_MASTER": "SENTINEL_MASTER_NAME MASTER_NAME SENTINEL_SERVICE SENTINEL_SERVICE_NAME SENTINEL_NAME",

	"TLS":             "SSL SSL_MODE SSLMODE USE_SSL USE_TLS SSL_ENABLED TLS_ENABLED TLS_MODE",
	"TLS_CA_FILE":     "SSL_CA SSL_CA_FILE SSL_CA_PATH TLS_CA TLS_CA_CERT CA_CERT CA_FILE",
	"TLS_CERT_FILE":   "SSL_CERT SSL_CERT_FILE TLS_CERT CLIENT_CERT CERT_FILE",
	"TLS_KEY_FILE":    "SSL_KEY SSL_KEY_FILE TLS_KEY CLIENT_KEY KEY_FILE",
	"TLS_SERVER_NAME": "SSL_SERVER_NAME SSL_SERVERNAME TLS_SNI SNI",

	"SSLMODE": "SSL_MODE",
	"OPTIONS": "SCHEMA SEARCH_PATH CURRENT_SCHEMA DEFAULT_SCHEMA",

	"MAX_OPEN_CONNS": "POOL_SIZE POOL_MAX MAX_POOL_SIZE MAX_CONNECTIONS MAX_CONNS CONNECTION_LIMIT",
	"MAX_ACTIVE":     "POOL_SIZE POOL_MAX MAX_POOL_SIZE MAX_CONNECTIONS MAX_CONNS CONNECTION_LIMIT",
	"MAX_POOL_SIZE":  "POOL_SIZE POOL_MAX MAX_OPEN_CONNS MAX_CONNECTIONS MAX_CONNS CONNECTION_LIMIT",

	"PROJECT_ID": "PROJECT GCP_PROJECT GCP_PROJECT_ID GOOGLE_PROJECT_ID " +
		"=GCP_PROJECT =GCP_PROJECT_ID =GOOGLE_PROJECT_ID",
	"EMULATOR_HOST":    "EMULATOR EMULATOR_URL EMULATOR_ADDR HOST",
	"CREDENTIALS_FILE": "CREDENTIALS CREDENTIALS_JSON CREDENTIALS_PATH APPLICATION_CREDENTIALS KEY_FILE KEYFILE",
}

// parts do not count where a whole says where the server is, whatever they are called: a URL, a URI or a DSN.
var parts = []string{"HOST", "PORT", "USER", "USERNAME", "DATABASE", "DB"}

// A slip is a variable that nothing reads, and what is read.
type slip struct {
	read    string
	names   []string // all of the variable that is read
	instead string   // the variable that is set and makes the other one needless, if there is one
}

// synonymsOf returns the names that are told of for v, and what is read instead.
func synonymsOf(v variable, part bool, whole string) map[string]slip {
	slips := make(map[string]slip)
	names := v.Names()
	for _, name := range v.plain() {
		prefix, ends := strings.CutSuffix(name, v.key)
		if !ends {
			continue
		}
		for synonym := range strings.FieldsSeq(synonyms[v.key]) {
			s := slip{read: name, names: names}
			if part || v.key == "URI" && slices.Contains(append(parts, "PASSWORD"), synonym) {
				s.instead = whole
			}
			full := prefix + synonym
			if bare, found := strings.CutPrefix(synonym, "="); found && v.Aliases != nil {
				full = bare
			}
			slips[full] = s
			if v.File {
				s.read += fileSuffix
				slips[full+fileSuffix] = s
			}
		}
	}
	return slips
}

// isPart reports whether v does not count beside a whole. Without a HOST among them, vars have no parts: DATABASE adds
// to a URI then.
func isPart(v variable, vars []variable) bool {
	return slices.Contains(parts, v.key) && slices.ContainsFunc(vars, func(v variable) bool { return v.key == "HOST" })
}

// relatives are schemes of URLs that do not begin with the name of the instance.
var relatives = map[string]string{"mysql": "mariadb", "redis": "valkey"}

// urlFor returns the first variable with a URL whose scheme fits the instance's name.
func urlFor(name string, environ []string) string {
	relative := cmp.Or(relatives[name], name)
	for _, pair := range slices.Sorted(slices.Values(environ)) {
		variable, value, _ := strings.Cut(pair, "=")
		scheme, _, isURL := strings.Cut(strings.ToLower(value), "://")
		named := (strings.HasSuffix(variable, "URL") || strings.HasSuffix(variable, "URI")) &&
			!strings.HasPrefix(variable, Prefix(name)) // of another instance
		if isURL && named && (strings.Contains(scheme, name) || strings.Contains(scheme, relative)) {
			return variable
		}
	}
	return ""
}
