package mongo

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

const readTags = "readPreferenceTags" // the one option that may be there more than once

// driverOptions are those that the driver reads, in an order in which each can be tried together with those before it,
// and what it wants of them.
var driverOptions = []struct{ names, want string }{
	{"appName replicaSet", "a name"},
	{"tls ssl", "true or false, and the same of both"},
	{
		"tlsInsecure sslInsecure tlsDisableOCSPEndpointCheck tlsDisableCertificateRevocationCheck",
		"true or false, and only one of these options",
	},
	{"tlsCAFile sslCertificateAuthorityFile", "a file that can be read and has PEM certificates"},
	{"tlsCertificateKeyFilePassword sslClientCertificateKeyPassword", "the password of the key"},
	{
		"tlsCertificateKeyFile sslClientCertificateKeyFile tlsCertificateFile tlsPrivateKeyFile",
		"files that can be read and have a PEM certificate and its key",
	},
	{"authSource", "the name of a database, or $external"},
	{"authMechanismProperties", "pairs such as ENVIRONMENT:gcp,TOKEN_RESOURCE:name"},
	{"authMechanism", "SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, MONGODB-X509, MONGODB-AWS, MONGODB-OIDC or GSSAPI, " +
		"and the user, password, authSource and properties that it takes"},
	{"directConnection connect", "true or false (direct or automatic); direct wants mongodb:// and one host"},
	{"loadBalanced", "true or false; true wants one host, no replicaSet and no directConnection"},
	{"retryReads retryWrites enableOverloadRetargeting", "true or false"},
	{"heartbeatFrequencyMS heartbeatIntervalMS", "a whole number from 500"},
	{"localThresholdMS maxAdaptiveRetries maxConnecting timeoutMS", "a whole number from 0"},
	{"readConcernLevel", "local, majority or another level"},
	{"readPreference", "primary, primaryPreferred, secondary, secondaryPreferred or nearest"},
	{readTags, "pairs such as dc:ny,rack:1, and a readPreference other than primary"},
	{"maxStalenessSeconds maxStaleness", "a whole number from 90, and a readPreference other than primary"},
	{"w", "a number of servers, majority, or a name that the replica set knows"},
	{"journal", "true or false, and not true if w is 0"},
	{"compressors", "some of snappy,zlib,zstd"},
	{"serverMonitoringMode", "auto, poll or stream"},
	{"zlibCompressionLevel", "a whole number from -1 to 9"},
	{"zstdCompressionLevel", "a whole number from -1 to 22"},
	{"srvMaxHosts srvServiceName", ""}, // see keep
}

// otherOptions are those of other languages' drivers, which Go's would ignore in silence. Contexts and timeoutMS do
// what the first of these are for.
var otherOptions = []kit.URLOption{
	{Names: "socketTimeoutMS waitQueueTimeoutMS wtimeoutMS wtimeout autoIndex autoReconnect autoSelectFamily " +
		"autoSelectFamilyAttemptTimeout bufferCommands family keepAlive keepAliveInitialDelay maxLifeTimeMS " +
		"monitorCommands noDelay reconnectInterval reconnectTries serverSelectionTryOnce useCreateIndex " +
		"useFindAndModify useNewUrlParser useUnifiedTopology uuidRepresentation waitQueueMultiple"},
	// These say what is so without them.
	{Names: "authMechanism=DEFAULT tlsAllowInvalidCertificates=false tlsAllowInvalidHostnames=false " +
		"sslAllowInvalidCertificates=false sslAllowInvalidHostnames=false sslInvalidHostNameAllowed=false " +
		"sslValidate=true sslVerifyCertificate=true ssl_cert_reqs=CERT_REQUIRED ssl_match_hostname=true"},

	{
		Names: "tlsAllowInvalidCertificates tlsAllowInvalidHostnames sslAllowInvalidCertificates " +
			"sslAllowInvalidHostnames sslInvalidHostNameAllowed sslValidate sslVerifyCertificate ssl_cert_reqs " +
			"ssl_match_hostname",
		Text: "write tlsInsecure=true if no certificate is to be verified",
	},
	{Names: "ssl_ca_certs sslCA", Text: "write tlsCAFile"},
	{Names: "ssl_certfile ssl_keyfile sslCert sslKey", Text: "write tlsCertificateKeyFile"},
	{Names: "ssl_pem_passphrase sslPass", Text: "write tlsCertificateKeyFilePassword"},
	{Names: "tlsCRLFile sslCRL ssl_crlfile", Text: "Go's driver reads no list of revoked certificates"},
	{Names: "proxyHost proxyPort proxyUsername proxyPassword", Text: "set a Dialer with mongo.WithHook"},
	{Names: "gssapiServiceName canonicalizeHostName", Text: "write authMechanismProperties"},
	{Names: "slaveOk", Text: "write readPreference"},
	{Names: "readConcern", Text: "write readConcernLevel"},
	{Names: "j fsync", Text: "write journal"},
	{Names: "safe", Text: "write w"},
	{Names: "poolSize", Text: "write maxPoolSize"},
}

// ownOptions are those that are variables, too.
func (s *settings) ownOptions() []kit.URLOption {
	return []kit.URLOption{
		{Names: "maxPoolSize", Field: &s.MaxPoolSize, Key: "MAX_POOL_SIZE"},
		{Names: "minPoolSize", Field: &s.MinPoolSize, Key: "MIN_POOL_SIZE"},
		{Names: "maxIdleTimeMS:ms", Field: &s.MaxConnIdleTime, Key: "MAX_CONN_IDLE_TIME"},
		{Names: "serverSelectionTimeoutMS:ms", Field: &s.ServerSelectionTimeout, Key: "SERVER_SELECTION_TIMEOUT"},
		{Names: "connectTimeoutMS:ms", Field: &s.ConnectTimeout, Key: "CONNECT_TIMEOUT"},
	}
}

// readOptions leaves those options in u that are for the driver, by their names as they are documented. It refuses
// values that the driver accepts and hardly anybody means.
func (s *settings) readOptions(u *kit.URI) error {
	given := u.Query
	u.Query = make(url.Values)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		// They are tried in their order, and an empty one is any server.
		tags := strings.EqualFold(name, readTags) && !u.Query.Has(readTags)
		if tags && !slices.ContainsFunc(given[name], kit.HasControl) {
			u.Query[readTags] = given[name]
			delete(given, name)
		}
	}
	keep := func(name, value string) error {
		number, err := strconv.Atoi(value)
		age := strings.HasPrefix(name, "maxStaleness")
		switch {
		case u.Query.Has(name):
			return errors.New("set more than once")
		case value == "":
			return errors.New("is empty")
		case strings.HasPrefix(name, "srv") && !isSRV(*u):
			return errors.New("want mongodb+srv://")
		case name == "srvMaxHosts" && (err != nil || number < 0):
			return errors.New("want a whole number from 0")
		case age && err == nil && number < 90:
			return errors.New("want at least 90")
		case (age || strings.HasSuffix(name, "MS")) && number > math.MaxInt32: // far more would be less than 0
			return fmt.Errorf("want at most %d", math.MaxInt32)
		}
		u.Query.Set(name, value)
		return nil
	}
	known := kit.URLOptions{Vars: s.vars, AnyCase: true, Hint: "MongoDB's manual has those that are known"}
	known.Known = append(s.ownOptions(), otherOptions...)
	for _, option := range driverOptions {
		known.Known = append(known.Known, kit.URLOption{Names: option.names, Set: keep})
	}
	return known.Read(s.vars.Name("URI"), given)
}

// blame returns an error for each option that the driver refuses. It tries one after the other, since what the driver
// says of them cannot be shown.
func blame(u kit.URI) error {
	given := u.Query
	u.Query = make(url.Values)
	if _, err := read(text(u, true)); err != nil {
		return errors.New("the driver refuses the user or the hosts")
	}
	var found kit.Problems
	for _, option := range driverOptions {
		var names []string
		before := maps.Clone(u.Query)
		for name := range strings.FieldsSeq(option.names) {
			if given.Has(name) {
				names = append(names, name)
				u.Query[name] = given[name]
			}
		}
		if _, err := read(text(u, true)); err != nil {
			found.Add(true, "option %s: want %s", strings.Join(names, ", "), option.want)
			u.Query = before
		}
	}
	return found.Err()
}

// contradictions returns those that the driver does not see.
func (s *settings) contradictions(u kit.URI, o *options.ClientOptions) (found kit.Problems) {
	details := false // an option says how to use TLS, and not only whether
	for name := range u.Query {
		about := strings.HasPrefix(name, "tls") || strings.HasPrefix(name, "ssl")
		details = details || about && len(name) > len("tls") && !strings.HasPrefix(name, "tlsDisable")
	}
	mechanism := cmp.Or(o.Auth, new(options.Credential)).AuthMechanism
	certified := s.TLS.CertFile != "" || o.TLSConfig != nil && len(o.TLSConfig.Certificates) > 0
	plain := o.TLSConfig == nil || u.Query.Get("tls") == "false" || u.Query.Get("ssl") == "false"
	whether := u.Query.Has("tls") || u.Query.Has("ssl")
	twice := s.TLS != (config.TLS{}) && (details || whether && plain != (s.TLS.Mode == config.TLSOff))
	found.Add(twice, "has TLS options, and so has %[1]sTLS or %[1]sTLS_*; remove one", s.vars.Prefix())
	found.Add(details && plain && !twice, "has other TLS options, but tls is not true")
	found.Add(mechanism == x509 && !certified, "option authMechanism: %s wants tlsCertificateKeyFile or %s",
		x509, s.vars.Name("TLS_CERT_FILE"))
	found.Add(mechanism == "" && u.User != "" && u.Password.IsZero(), "the user has no password")
	found.Add(s.srv && o.Direct != nil && *o.Direct, "option directConnection: want mongodb:// and one host")
	return found
}
