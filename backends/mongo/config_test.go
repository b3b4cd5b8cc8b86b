package mongo_test

import (
	"crypto/tls"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/address"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/registry"
)

const (
	hint      = ` (not wanted? drop its import, or call registry.Unregister("mongo"))`
	unknown   = "MONGO_URI: an option after the ? is unknown; MongoDB's manual has those that are known"
	scheme    = "MONGO_URI: does not begin with mongodb:// or mongodb+srv://"
	escape    = "MONGO_URI: the characters / ? # @ in a user name, password or option must be percent-encoded (%2F %3F %23 %40)"
	control   = "MONGO_URI: has a control character"
	mechanism = "MONGO_URI: option authMechanism: want SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, MONGODB-X509, MONGODB-AWS, MONGODB-OIDC or " +
		"GSSAPI, and the user, password, authSource and properties that it takes"
	tags    = "MONGO_URI: option readPreferenceTags: want pairs such as dc:ny,rack:1, and a readPreference other than primary"
	stale   = "MONGO_URI: option maxStalenessSeconds: want a whole number from 90 to 2147483647, and a readPreference other than primary"
	details = "MONGO_URI: has other TLS options, but tls is not true"
)

func TestBadConfigurationIsOneLineThatNamesTheVariable(t *testing.T) {
	for name, test := range map[string]struct{ env, want string }{
		"nothing is set":             {"", "MONGO_URI is not set"},
		"database alone":             {"MONGO_DATABASE=shop", "MONGO_URI is not set"},
		"a role and no server":       {"MONGO_ROLE=boss", "MONGO_URI is not set; MONGO_ROLE: not primary, replica or any"},
		"another URL is set":         {"DATABASE_URL=mongodb://app:SECRET@h", "MONGO_URI is not set; DATABASE_URL is set, but not read"},
		"another scheme":             {"MONGO_URI=http://h", scheme},
		"no scheme":                  {"MONGO_URI=SECRET", scheme},
		"by its alias":               {"MONGODB_URI=SECRET", strings.Replace(scheme, "MONGO_URI", "MONGODB_URI", 1)},
		"both spellings":             {"MONGO_URI=SECRET MONGODB_URI=mongodb://h", scheme},
		"opaque":                     {"MONGO_URI=mongodb:SECRET@h", scheme},
		"no host":                    {"MONGO_URI=mongodb://u:SECRET@", "MONGO_URI: the host is missing or malformed"},
		"host forgotten":             {"MONGO_URI=mongodb://app:SECRET/db", "MONGO_URI: the port is not a number from 1 to 65535"},
		"slash in password":          {"MONGO_URI=mongodb://u:SEC/RET@h", escape},
		"question in password":       {"MONGO_URI=mongodb://u:SEC?RET@h", escape},
		"percent in password":        {"MONGO_URI=mongodb://u:SECRET%zz@h", "MONGO_URI: a % in the user name or password must be percent-encoded (%25)"},
		"user without password":      {"MONGO_URI=mongodb://app@h", "MONGO_URI: the user has no password"},
		"password without user":      {"MONGO_URI=mongodb://:SECRET@h", "MONGO_URI: the password has no user name"},
		"path no database":           {"MONGO_URI=mongodb://h/a/SECRET", "MONGO_URI: the path must be the name of a database"},
		"options without a ?":        {"MONGO_URI=mongodb://h/shop&authSource=SECRET", "MONGO_URI: a ? must stand before the first option, and an & in a name be percent-encoded (%26)"},
		"options after two ?":        {"MONGO_URI=mongodb://h/shop?authSource=admin?w=SECRET", escape},
		"negative pool":              {"MONGO_URI=mongodb://h MONGO_MAX_POOL_SIZE=-1", "MONGO_MAX_POOL_SIZE: must not be negative"},
		"database by its alias":      {"MONGO_URI=mongodb://h MONGODB_DATABASE=a.SECRET", "MONGODB_DATABASE: not a name for a database"},
		"no database":                {"MONGO_URI=mongodb://h MONGO_DATABASE=a.SECRET", "MONGO_DATABASE: not a name for a database"},
		"unknown option":             {"MONGO_URI=mongodb://h/?tlsCAfiel=SECRET", `MONGO_URI: option "tlsCAfiel" is unknown; did you mean tlsCAFile?`},
		"secret as an option":        {"MONGO_URI=mongodb://h/?SECRET", unknown},
		"option twice":               {"MONGO_URI=mongodb://h/?w=1&W=2", "MONGO_URI: option w: set more than once"},
		"no number":                  {"MONGO_URI=mongodb://h/?maxPoolSize=SECRET", "MONGO_URI: option maxPoolSize: not a whole number from 0"},
		"too large":                  {"MONGO_URI=mongodb://h/?maxPoolSize=65536", "MONGO_URI: option maxPoolSize: want at most 65535, or 0 for any number"},
		"too long":                   {"MONGO_URI=mongodb://h/?connectTimeoutMS=9223372036855&localThresholdMS=9223372036855", "MONGO_URI: option connectTimeoutMS: too long: a duration is at most 292 years, or 2562047h; MONGO_URI: option localThresholdMS: not a whole number from 0 to 2147483647"},
		"too old":                    {"MONGO_URI=mongodb://h/?readPreference=nearest&maxStalenessSeconds=9223372036855", strings.Replace(stale, "want", "not", 1)},
		"tags in two cases":          {"MONGO_URI=mongodb://h/?readPreference=nearest&readPreferenceTags=dc:ny&readpreferencetags=", "MONGO_URI: option readpreferencetags: set more than once"},
		"socket by another name":     {"MONGO_URI=mongodb://%2Frun%2Fmongodb/", "MONGO_URI: the path of a Unix socket must end in .sock"},
		"less than nothing kept":     {"MONGO_URI=mongodb://h MONGO_MIN_POOL_SIZE=-5", "MONGO_MIN_POOL_SIZE: must not be negative"},
		"no time":                    {"MONGO_URI=mongodb://h/?connectTimeoutMS=0", "MONGO_URI: option connectTimeoutMS: want more than 0"},
		"neither true nor false":     {"MONGO_URI=mongodb://h/?retryWrites=SECRET", "MONGO_URI: option retryWrites: want true or false"},
		"unknown mechanism":          {"MONGO_URI=mongodb://u:p@h/?authMechanism=SECRET", mechanism},
		"mechanism without user":     {"MONGO_URI=mongodb://h/?authMechanism=plain", mechanism},
		"bad authSource":             {"MONGO_URI=mongodb://u:p@h/?authSource=", "MONGO_URI: option authSource: not the name of a database, or $external"},
		"X.509 without files":        {"MONGO_URI=mongodb://h/?authMechanism=MONGODB-X509", "MONGO_URI: option authMechanism: MONGODB-X509 wants tlsCertificateKeyFile or MONGO_TLS_CERT_FILE"},
		"X.509 with password":        {"MONGO_URI=mongodb://u:SECRET@h/?authMechanism=MONGODB-X509", mechanism},
		"X.509 in a database":        {"MONGO_URI=mongodb://h/?authMechanism=MONGODB-X509&authSource=a", mechanism},
		"empty replicaSet":           {"MONGO_URI=mongodb://h/?replicaSet=", "MONGO_URI: option replicaSet: not a name"},
		"negative w":                 {"MONGO_URI=mongodb://h/?w=-1", "MONGO_URI: option w: want a number of servers, majority, or a name that the replica set knows"},
		"journal without w":          {"MONGO_URI=mongodb://h/?w=0&journal=true", "MONGO_URI: option journal: want true or false, and not true if w is 0"},
		"malformed tags":             {"MONGO_URI=mongodb://h/?readPreference=nearest&readPreferenceTags=SECRET", tags},
		"tags for the primary":       {"MONGO_URI=mongodb://h/?readPreferenceTags=dc:ny", tags},
		"stale primary":              {"MONGO_URI=mongodb://h/?readPreference=primary&maxStalenessSeconds=90", stale},
		"direct to two hosts":        {"MONGO_URI=mongodb://a,b/?directConnection=true", "MONGO_URI: option directConnection: want true or false (direct or automatic); direct wants mongodb:// and one host"},
		"direct by SRV":              {"MONGO_URI=mongodb+srv://a.b.c/?directConnection=true", "MONGO_URI: option directConnection: want mongodb:// and one host"},
		"balanced replica set":       {"MONGO_URI=mongodb://a/?loadBalanced=true&replicaSet=rs0", "MONGO_URI: option loadBalanced: want true or false; true wants one host, no replicaSet and no directConnection"},
		"SRV with a port":            {"MONGO_URI=mongodb+srv://a.b.c:27017", "MONGO_URI: mongodb+srv:// wants one host and no port"},
		"SRV with two hosts":         {"MONGO_URI=mongodb+srv://a.b.c,d.e.f", "MONGO_URI: mongodb+srv:// wants one host and no port"},
		"TLS off and on":             {"MONGO_URI=mongodb://h/?tls=true&ssl=false", "MONGO_URI: option tls, ssl: want true or false, and the same of both"},
		"insecure without TLS":       {"MONGO_URI=mongodb://h/?tls=false&tlsInsecure=true", details},
		"TLS on and off":             {"MONGO_URI=mongodb://h/?tls=false MONGO_TLS=verify", "MONGO_URI: has TLS options, and so has MONGO_TLS or MONGO_TLS_*; remove one"},
		"details without TLS":        {"MONGO_URI=mongodb://h/?tlsInsecure=true", details},
		"details before TLS off":     {"MONGO_URI=mongodb://h/?sslInsecure=true&ssl=false", details},
		"too stale":                  {"MONGO_URI=mongodb://h/?readPreference=nearest&maxStalenessSeconds=89", strings.Replace(stale, "want", "not", 1)},
		"SRV option without SRV":     {"MONGO_URI=mongodb://h/?srvMaxHosts=2", "MONGO_URI: option srvMaxHosts: want a whole number from 0 in a URI of mongodb+srv://"},
		"SRV hosts no number":        {"MONGO_URI=mongodb+srv://a.b.c/?srvMaxHosts=SECRET", "MONGO_URI: option srvMaxHosts: not a whole number from 0 in a URI of mongodb+srv://"},
		"key without certificate":    {"MONGO_URI=mongodb://h/?tlsPrivateKeyFile=SECRET", "MONGO_URI: option tlsPrivateKeyFile: want files that can be read and have a PEM certificate and its key"},
		"insecure in Java's words":   {"MONGO_URI=mongodb://h/?tls=true&tlsAllowInvalidHostnames=true", "MONGO_URI: option tlsAllowInvalidHostnames: not supported: write tlsInsecure=true if no certificate is to be verified"},
		"CA file in Python's":        {"MONGO_URI=mongodb://h?ssl_ca_certs=SECRET", "MONGO_URI: option ssl_ca_certs: not supported: write tlsCAFile"},
		"proxy with password":        {"MONGO_URI=mongodb://h/?proxyPassword=SECRET", "MONGO_URI: option proxyPassword: not supported: set a Dialer with mongo.WithHook"},
		"at sign, unknown option":    {"MONGO_URI=mongodb://u:SEC?RET=@h/?appName=@a@", escape},
		"SRV and a socket":           {"MONGO_URI=mongodb+srv://%2Ftmp%2Fs.sock", "MONGO_URI: mongodb+srv:// wants one host and no port"},
		"IPv6 without brackets":      {"MONGO_URI=mongodb://::1:27017", "MONGO_URI: an IPv6 address must stand in brackets, as in [::1]"},
		"CA file is not there":       {"MONGO_URI=mongodb://h/?tlsCAFile=SECRET", "MONGO_URI: option tlsCAFile: want a file that can be read and has PEM certificates"},
		"key file is not there":      {"MONGO_URI=mongodb://h/?tlsCertificateKeyFile=SECRET", "MONGO_URI: option tlsCertificateKeyFile: want files that can be read and have a PEM certificate and its key"},
		"CA file of a variable":      {"MONGO_URI=mongodb://h MONGO_TLS_CA_FILE=/SECRET", "MONGO_TLS_CA_FILE: no such file"},
		"unknown TLS mode":           {"MONGO_URI=mongodb://h MONGO_TLS=SECRET", "MONGO_TLS: not off, verify or skip-verify"},
		"set in two places":          {"MONGO_URI=mongodb://h/?maxPoolSize=5 MONGO_MAX_POOL_SIZE=6", "MONGO_URI: option maxPoolSize: conflicts with MONGO_MAX_POOL_SIZE; remove one"},
		"the default in one of them": {"MONGO_URI=mongodb://h/?maxPoolSize=5 MONGO_MAX_POOL_SIZE=20", "MONGO_URI: option maxPoolSize: conflicts with MONGO_MAX_POOL_SIZE; remove one"},
		"SRV hosts below zero":       {"MONGO_URI=mongodb+srv://a.b.c/?srvMaxHosts=-1", "MONGO_URI: option srvMaxHosts: not a whole number from 0 in a URI of mongodb+srv://"},
		"kept by the URI":            {"MONGO_URI=mongodb://h/?minPoolSize=50", "MONGO_URI: option minPoolSize: is more than MONGO_MAX_POOL_SIZE"},
		"two cases of an option":     {"MONGO_URI=mongodb://h/?tls=true&TLS=false", "MONGO_URI: option tls: set more than once"},
		"more than the most":         {"MONGO_URI=mongodb://h MONGO_MIN_POOL_SIZE=101", "MONGO_MIN_POOL_SIZE: is more than MONGO_MAX_POOL_SIZE"},
		"far too many":               {"MONGO_URI=mongodb://h MONGO_MAX_POOL_SIZE=65536", "MONGO_MAX_POOL_SIZE: want at most 65535, or 0 for any number"},
		"far too many kept":          {"MONGO_URI=mongodb://h MONGO_MAX_POOL_SIZE=0 MONGO_MIN_POOL_SIZE=65536", "MONGO_MIN_POOL_SIZE: want at most 65535"},
		"unknown role":               {"MONGO_URI=mongodb://h MONGO_ROLE=SECRET", "MONGO_ROLE: not primary, replica or any"},
		"no wait for a server":       {"MONGO_URI=mongodb://h MONGO_SERVER_SELECTION_TIMEOUT=0", "MONGO_SERVER_SELECTION_TIMEOUT: want more than 0"},
		"no wait for a connection":   {"MONGO_URI=mongodb://h MONGO_CONNECT_TIMEOUT=0s", "MONGO_CONNECT_TIMEOUT: want more than 0"},
		"duration without unit":      {"MONGO_URI=mongodb://h MONGO_CONNECT_TIMEOUT=3", "MONGO_CONNECT_TIMEOUT: not a duration with a unit, such as 30s"},
		"two bad options":            {"MONGO_URI=mongodb://h/?tls=yes&w=", "MONGO_URI: option w: not a number of servers, majority, or a name that the replica set knows; MONGO_URI: option tls: want true or false, and the same of both"},
		"two bad variables":          {"MONGO_MIN_POOL_SIZE=x MONGO_CONNECT_TIMEOUT=-1s", "MONGO_MIN_POOL_SIZE: not a whole number; MONGO_CONNECT_TIMEOUT: must not be negative; MONGO_URI is not set"},
		"all at once": {
			"MONGO_URI=mongodb://h/?w= MONGO_ROLE=no MONGO_TLS=maybe MONGO_MIN_POOL_SIZE=30",
			"MONGO_URI: option w: not a number of servers, majority, or a name that the replica set knows; MONGO_TLS: not off, verify or skip-verify; MONGO_ROLE: not primary, replica or any; " +
				"MONGO_MIN_POOL_SIZE: is more than MONGO_MAX_POOL_SIZE",
		},
		"control in the database":  {"MONGO_URI=mongodb://h MONGO_DATABASE=a\x7f", "MONGO_DATABASE: has a control character"},
		"unseen in the database":   {"MONGO_URI=mongodb://h/a%E2%80%8Bb", "MONGO_URI: the name after the / has a control character"},
		"control in the path":      {"MONGO_URI=mongodb://h/a%0Db", "MONGO_URI: the name after the / has a control character"},
		"control in the URI":       {"MONGO_URI=mongodb://u:SECRET\x01@h", control},
		"control at the URI's end": {"MONGO_URI=mongodb://u:SECRET@h/?w=majority\x7f", control},
		"control in an option":     {"MONGO_URI=mongodb://h/?w=majority%0D", "MONGO_URI: option w: has a control character"},
		"control in the tags":      {"MONGO_URI=mongodb://h/?readPreference=nearest&readPreferenceTags=dc:%0Dny", "MONGO_URI: option readPreferenceTags: has a control character"},
		"control in a user":        {"MONGO_URI=mongodb://a%0Ab:SECRET@h", "MONGO_URI: the user name has a control character"},
		"control in authSource":    {"MONGO_URI=mongodb://u:p@h/?authSource=a%00b", "MONGO_URI: option authSource: has a control character"},
		"file beside variable":     {"MONGO_URI=mongodb://h MONGO_URI_FILE=/SECRET", "MONGO_URI: set together with MONGO_URI_FILE; keep one of the two"},
		"file is not there":        {"MONGO_URI_FILE=/SECRET", "MONGO_URI_FILE: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			secret := canary.New("", "")
			env := strings.ReplaceAll(test.env, "SEC/RET", secret.Value[:6]+"/"+secret.Value[6:])
			env = strings.ReplaceAll(env, "SEC?RET", secret.Value[:6]+"?"+secret.Value[6:])
			setenv(t, strings.ReplaceAll(env, "SECRET", secret.Value))
			r := registry.New()
			r.Register(mongo.New("mongo"))
			err := r.OpenAll(t.Context())
			want := "configure mongo: config: " + test.want
			if test.env == "" {
				want += hint
			}
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if kind := registry.KindOf(err); kind != registry.KindConfig {
				t.Errorf("the kind is %q", kind)
			}
			secret.AbsentFrom(t, err)
			canary.NoParserIn(t, err)
		})
	}
}

// The driver is given what is safe to read, with all escapes, and has to read in it what was meant.
func TestTheDriverReadsTheURIAsItIsMeant(t *testing.T) {
	for _, uri := range []string{
		"mongodb://h/",
		"mongodb://a:1,b.example,[::1]:3/shop",
		"mongodb://app:p%40ss%2F%25%3A+%20@h/shop",
		"mongodb://app:pw@h/shop?authMechanism=SCRAM-SHA-1&authSource=other",
		"mongodb://app:pw@h/shop?authMechanism=PLAIN&tls=true",
		"mongodb://app:pw@%2Ftmp%2Fmongodb-27017.sock/shop",
		"mongodb://key:secret@h/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN%3Atoken",
		"mongodb://h/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:azure,TOKEN_RESOURCE:api%2F%2Fa",
		"mongodb://h/?appName=my+app&compressors=zstd,snappy&connectTimeoutMS=1000&connect=direct",
		"mongodb://h/?HEARTBEATFREQUENCYMS=700&journal=true&localThresholdMS=3&maxConnecting=4&maxIdleTimeMS=5000",
		"mongodb://h/?loadBalanced=true&maxAdaptiveRetries=1&enableOverloadRetargeting=true",
		"mongodb://h/?maxPoolSize=0&minPoolSize=7&readConcernLevel=majority&replicaSet=rs0",
		"mongodb://h/?readPreference=nearest&readPreferenceTags=dc:ny&readPreferenceTags=&maxStalenessSeconds=120",
		"mongodb://h/?serverSelectionTimeoutMS=9000&timeoutMS=2000&w=2&zlibCompressionLevel=3&compressors=zlib",
		"mongodb://h/?ssl=true&tlsInsecure=true",
	} {
		setenv(t, "MONGO_URI="+uri)
		got, want := fields(mongo.OptionsOf(t, "mongo")), fields(options.Client().ApplyURI(uri))
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s: %s\ngot  %s\nwant %s", uri, name, got[name], value)
			}
		}
	}
}

// What the driver reads in a URI does not always reach its client.
func TestEveryOptionOfTheURIChangesTheClient(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	file := pemFile(t, certified.Certificate(), certified.TLS.Certificates[0].PrivateKey)
	tried := []string{"srvmaxhosts", "srvservicename", "tlscertificatekeyfilepassword", "sslclientcertificatekeypassword"}
	for query := range strings.FieldsSeq(`appName=a replicaSet=a tls=true ssl=true tlsInsecure=true&tls=true
		sslInsecure=true&tls=true tlsDisableOCSPEndpointCheck=true&tls=true
		tlsDisableCertificateRevocationCheck=true&tls=true tlsCAFile=FILE&tls=true sslCertificateAuthorityFile=FILE&tls=true
		tlsCertificateKeyFile=FILE&tls=true sslClientCertificateKeyFile=FILE&tls=true
		tlsCertificateFile=FILE&tlsPrivateKeyFile=FILE&tls=true tlsPrivateKeyFile=FILE&tlsCertificateFile=FILE&tls=true
		authSource=a authMechanism=PLAIN authMechanismProperties=AWS_SESSION_TOKEN:t&authMechanism=MONGODB-AWS
		directConnection=true connect=direct loadBalanced=true retryReads=false retryWrites=false
		enableOverloadRetargeting=true connectTimeoutMS=7 serverSelectionTimeoutMS=7 heartbeatFrequencyMS=700
		heartbeatIntervalMS=700 localThresholdMS=7 maxAdaptiveRetries=1 maxConnecting=7 maxIdleTimeMS=7 timeoutMS=7
		maxPoolSize=7 minPoolSize=7 readConcernLevel=majority readPreference=nearest
		readPreferenceTags=dc:ny&readPreference=nearest maxStalenessSeconds=120&readPreference=nearest
		maxStaleness=120&readPreference=nearest w=2 journal=true compressors=snappy serverMonitoringMode=poll
		zlibCompressionLevel=3&compressors=zlib zstdCompressionLevel=3&compressors=zstd`) {
		query = strings.ReplaceAll(query, "FILE", file)
		option, rest, _ := strings.Cut(query, "&")
		if strings.Contains(query, "tlsPrivateKeyFile") { // one is nothing without the other
			rest = "tls=true"
		}
		setenv(t, "MONGO_URI=mongodb://u:p@h/?"+query)
		with := fields(mongo.OptionsOf(t, "mongo"))
		setenv(t, "MONGO_URI=mongodb://u:p@h/?"+rest)
		if without := fields(mongo.OptionsOf(t, "mongo")); maps.Equal(with, without) {
			t.Errorf("%s changes nothing", option)
		}
		name, _, _ := strings.Cut(option, "=")
		tried = append(tried, strings.ToLower(name))
	}
	for _, name := range mongo.DriverOptions() {
		if !slices.Contains(tried, name) {
			t.Errorf("%s has not been tried", name)
		}
	}
}

func TestStringsThatPlatformsShowAreRead(t *testing.T) {
	for uri, want := range map[string]string{
		"mongodb://acct:KEY==@h:10255/?ssl=true&replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000&appName=@acct@": "@acct@",
		"mongodb://me@example.com:p@w@h:27017?replicaSet=rs0&appName=a":                                                    "a",
		"MongoDB://u:PW@h/db?authSource=admin&appname=b":                                                                   "b",
	} {
		setenv(t, "MONGO_URI="+uri)
		if got := mongo.OptionsOf(t, "mongo"); *got.AppName != want || got.Auth == nil || len(got.Hosts) != 1 {
			t.Errorf("%s: got %v", uri, fields(got))
		}
	}
}

func TestOptionsOfOtherDriversAreSkippedWithOneRecord(t *testing.T) {
	log := capture(t)
	setenv(t, "MONGO_SKIPS_URI=mongodb://h/?useNewUrlParser=true&w=2&socketTimeoutMS=SECRET&family=4")
	for range 2 {
		if got := mongo.OptionsOf(t, "mongo-skips"); got.WriteConcern.W != 2 {
			t.Errorf("w is %v", got.WriteConcern.W)
		}
	}
	for _, name := range []string{"family", "socketTimeoutMS", "useNewUrlParser"} {
		want := "level=INFO msg=\"MONGO_SKIPS_URI: option " + name + " is skipped: it means nothing in Go\"\n"
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("got  %s\nwant %s", log.String(), want)
		}
	}
}

// Every release of the driver may bring an option, which would be refused as unknown.
func TestEveryOptionOfTheDriverIsKnown(t *testing.T) {
	const path = "go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
	folder, err := exec.Command("go", "list", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(strings.TrimSpace(string(folder)), "connstring.go")
	file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var theirs []string
	ast.Inspect(file, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncDecl); ok {
			return f.Name.Name == "addOptions"
		}
		s, ok := n.(*ast.SwitchStmt)
		if !ok || fmt.Sprint(s.Tag) != "lowerKey" {
			return true
		}
		for _, clause := range s.Body.List {
			for _, name := range clause.(*ast.CaseClause).List {
				theirs = append(theirs, strings.Trim(name.(*ast.BasicLit).Value, `"`))
			}
		}
		return false
	})
	ours := mongo.DriverOptions()
	// The driver reads socketTimeoutMS, and does nothing with it.
	theirs = slices.DeleteFunc(theirs, func(name string) bool { return name == "sockettimeoutms" })
	slices.Sort(theirs)
	slices.Sort(ours)
	if len(theirs) < 40 || !slices.Equal(ours, theirs) {
		t.Errorf("ours   %v\ntheirs %v", ours, theirs)
	}
}

func TestAMechanismIsKnownInAnyCase(t *testing.T) {
	setenv(t, "MONGO_URI=mongodb://u:p@h/?authmechanism=scram-sha-256")
	if got := mongo.OptionsOf(t, "mongo"); got.Auth.AuthMechanism != "SCRAM-SHA-256" {
		t.Errorf("got %s", got.Auth.AuthMechanism)
	}
}

func TestEveryVariableReachesTheDriver(t *testing.T) {
	setenv(t, `MONGO_URI=mongodb://h/path MONGO_DATABASE=shop MONGO_MAX_POOL_SIZE=7 MONGO_MIN_POOL_SIZE=5
		MONGO_MAX_CONN_IDLE_TIME=1m MONGO_SERVER_SELECTION_TIMEOUT=2s MONGO_CONNECT_TIMEOUT=3s
		MONGO_TLS=skip-verify MONGO_TLS_SERVER_NAME=other`)
	got := mongo.OptionsOf(t, "mongo")
	if *got.MaxPoolSize != 7 || *got.MinPoolSize != 5 || *got.MaxConnIdleTime != time.Minute ||
		*got.ServerSelectionTimeout != 2*time.Second || *got.ConnectTimeout != 3*time.Second ||
		!got.TLSConfig.InsecureSkipVerify || got.TLSConfig.ServerName != "other" {
		t.Errorf("got %v, TLS %+v", fields(got), got.TLSConfig)
	}
	if name := mongo.DatabaseOf(t, "mongo"); name != "shop" {
		t.Errorf("the database is %s", name)
	}
}

func TestTheDefaultsAreNotTheDrivers(t *testing.T) {
	setenv(t, "MONGODB_URI=mongodb://h/path MONGO_PORT=tcp://10.0.0.7:27017")
	got := mongo.OptionsOf(t, "mongo")
	if *got.MaxPoolSize != 20 || *got.MinPoolSize != 0 || *got.MaxConnIdleTime != time.Minute ||
		*got.ServerSelectionTimeout != 5*time.Second || *got.ConnectTimeout != 5*time.Second || got.TLSConfig != nil {
		t.Errorf("got %v", fields(got))
	}
	if name := mongo.DatabaseOf(t, "mongo"); name != "path" || got.Hosts[0] != "h:27017" {
		t.Errorf("the database is %s on %s", name, got.Hosts[0])
	}
}

func TestAVariableOfZeroIsWhatTheDriverMeansByIt(t *testing.T) {
	setenv(t, "MONGO_URI=mongodb://h/ MONGO_MAX_POOL_SIZE=0 MONGO_MIN_POOL_SIZE=200 MONGO_MAX_CONN_IDLE_TIME=0s")
	if got := mongo.OptionsOf(t, "mongo"); *got.MaxPoolSize != 0 || *got.MinPoolSize != 200 || *got.MaxConnIdleTime != 0 {
		t.Errorf("got %v", fields(got))
	}
}

func TestAnOptionOfTheURIReplacesADefault(t *testing.T) {
	setenv(t, "MONGO_URI=mongodb://h/?maxPoolSize=5&minPoolSize=3 MONGO_MIN_POOL_SIZE=3")
	if got := mongo.OptionsOf(t, "mongo"); *got.MaxPoolSize != 5 || *got.MinPoolSize != 3 {
		t.Errorf("got %d, %d", *got.MaxPoolSize, *got.MinPoolSize)
	}
}

func TestSRVTurnsTLSOnUnlessToldOtherwise(t *testing.T) {
	nameServer(t, records{"_mongodb._tcp.a.b.c.": {srv("one.b.c.", 27017)}, "a.b.c.": nil})
	for env, want := range map[string]bool{
		"MONGO_URI=mongodb+srv://a.b.c":                           true,
		"MONGO_URI=mongodb+srv://a.b.c/?tls=false":                false,
		"MONGO_URI=mongodb+srv://a.b.c MONGO_TLS=off":             false,
		"MONGO_URI=mongodb://a.b.c":                               false,
		"MONGO_URI=mongodb://a.b.c/?tls=true":                     true,
		"MONGO_URI=mongodb://a.b.c MONGO_TLS_SERVER_NAME=a.b.com": true,
	} {
		setenv(t, env)
		if got := mongo.OptionsOf(t, "mongo").TLSConfig; (got != nil) != want {
			t.Errorf("%s: got %+v", env, got)
		}
	}
}

func TestACertificateMayBeTheLogin(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	file := pemFile(t, certified.Certificate(), certified.TLS.Certificates[0].PrivateKey)
	setenv(t, "MONGO_URI=mongodb://h/shop?authMechanism=mongodb-x509&tlsCertificateKeyFile="+file)
	got := mongo.OptionsOf(t, "mongo")
	if len(got.TLSConfig.Certificates) != 1 || got.Auth.AuthMechanism != "MONGODB-X509" || got.Auth.AuthSource != "$external" {
		t.Errorf("got %+v, %d certificates", got.Auth, len(got.TLSConfig.Certificates))
	}
}

func TestANamedInstanceReadsItsOwnVariablesOnly(t *testing.T) {
	setenv(t, "MONGO_URI=mongodb://default MONGODB_URI=mongodb://alias MONGO_AUDIT_URI=mongodb://audit")
	if got := mongo.OptionsOf(t, "mongo-audit"); got.Hosts[0] != "audit:27017" {
		t.Errorf("got %s", got.Hosts[0])
	}
	if got := mongo.OptionsOf(t, "mongo"); got.Hosts[0] != "default:27017" {
		t.Errorf("got %s", got.Hosts[0])
	}
}

// fields are the fields of o that are set, as text.
func fields(o *options.ClientOptions) map[string]string {
	texts := make(map[string]string)
	v := reflect.ValueOf(o).Elem()
	for i := range v.NumField() {
		field, name := v.Field(i), v.Type().Field(i).Name
		if !field.CanInterface() || field.IsZero() {
			continue
		}
		switch value := field.Interface().(type) {
		case *options.Credential:
			texts[name] = fmt.Sprintf("%+v", *value)
		case *tls.Config:
			texts[name] = fmt.Sprint(value.InsecureSkipVerify, value.RootCAs != nil, len(value.Certificates))
		case *writeconcern.WriteConcern:
			texts[name] = fmt.Sprint(value.W, value.Journal != nil && *value.Journal)
		case fmt.Stringer:
			texts[name] = value.String()
		case []string:
			texts[name] = fmt.Sprint(value)
			if name == "Hosts" {
				texts[name] = hosts(value)
			}
		default:
			if field.Kind() == reflect.Pointer && name != "HTTPClient" {
				texts[name] = fmt.Sprintf("%+v", field.Elem().Interface())
			}
		}
	}
	return texts
}

func hosts(list []string) string {
	var whole []string
	for _, host := range list {
		whole = append(whole, address.Address(host).String())
	}
	return fmt.Sprint(whole)
}

// setenv sets the variables in list and unsets all others of MongoDB.
func setenv(t *testing.T, list string) {
	t.Helper()
	for _, v := range config.Describe[mongo.Config]("mongo") {
		for _, name := range append(v.Aliases, v.Name) {
			t.Setenv(name, "")
			t.Setenv(name+"_FILE", "")
		}
	}
	for pair := range strings.FieldsSeq(list) {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}
