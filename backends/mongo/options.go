package mongo

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

const readTags = "readPreferenceTags" // the one option that may be there more than once

// known returns the options that may stand after the ? of the URI. Those that keep reads are the driver's, in an order
// in which each can be tried together with those before it; their Text is what the driver wants of them.
func (s *settings) known(keep func(name, value string) error) []kit.URLOption {
	try := func(names, want string) kit.URLOption { return kit.URLOption{Names: names, Set: keep, Text: want} }
	return []kit.URLOption{
		{Names: "maxPoolSize", Field: &s.MaxPoolSize, Key: "MAX_POOL_SIZE"},
		{Names: "minPoolSize", Field: &s.MinPoolSize, Key: "MIN_POOL_SIZE"},
		{Names: "maxIdleTimeMS:ms", Field: &s.MaxConnIdleTime, Key: "MAX_CONN_IDLE_TIME"},
		{Names: "serverSelectionTimeoutMS:ms", Field: &s.ServerSelectionTimeout, Key: "SERVER_SELECTION_TIMEOUT"},
		{Names: "connectTimeoutMS:ms", Field: &s.ConnectTimeout, Key: "CONNECT_TIMEOUT"},

		// Those of other languages' drivers, which Go's would ignore in silence, are skipped or refused here. Contexts and
		// timeoutMS do what the first of these are for.
		{Names: "socketTimeoutMS waitQueueTimeoutMS wtimeoutMS wtimeout autoIndex autoReconnect autoSelectFamily " +
			"autoSelectFamilyAttemptTimeout bufferCommands family keepAlive keepAliveInitialDelay maxLifeTimeMS " +
			"monitorCommands noDelay reconnectInterval reconnectTries serverSelectionTryOnce useCreateIndex " +
			"useFindAndModify useNewUrlParser useUnifiedTopology uuidRepresentation waitQueueMultiple"},
		// These say what is so without them.
		{Names: "authMechanism=DEFAULT tlsAllowInvalidCertificates=false tlsAllowInvalidHostnames=false " +
			"sslAllowInvalidCertificates=false sslAllowInvalidHostnames=false sslInvalidHostNameAllowed=false " +
			"sslValidate=true sslVerifyCertificate=true ssl_cert_reqs=CERT_REQUIRED ssl_match_hostname=true"},
		{Names: "tlsAllowInvalidCertificates tlsAllowInvalidHostnames sslAllowInvalidCertificates " +
			"sslAllowInvalidHostnames sslInvalidHostNameAllowed sslValidate sslVerifyCertificate ssl_cert_reqs " +
			"ssl_match_hostname", Text: "write tlsInsecure=true if no certificate is to be verified"},
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

		try("appName replicaSet", "a name"),
		try("tls ssl", "true or false, and the same of both"),
		try("tlsInsecure sslInsecure tlsDisableOCSPEndpointCheck tlsDisableCertificateRevocationCheck",
			"true or false, and only one of these options"),
		try("tlsCAFile sslCertificateAuthorityFile", "a file that can be read and has PEM certificates"),
		try("tlsCertificateKeyFilePassword sslClientCertificateKeyPassword", "the password of the key"),
		try("tlsCertificateKeyFile sslClientCertificateKeyFile tlsCertificateFile tlsPrivateKeyFile",
			"files that can be read and have a PEM certificate and its key"),
		try("authSource", "the name of a database, or $external"),
		try("authMechanismProperties", "pairs such as ENVIRONMENT:gcp,TOKEN_RESOURCE:name"),
		try("authMechanism", "SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, MONGODB-X509, MONGODB-AWS, "+
			"MONGODB-OIDC or GSSAPI, and the user, password, authSource and properties that it takes"),
		try("directConnection connect", "true or false (direct or automatic); direct wants mongodb:// and one host"),
		try("loadBalanced", "true or false; true wants one host, no replicaSet and no directConnection"),
		try("retryReads retryWrites enableOverloadRetargeting", "true or false"),
		try("heartbeatFrequencyMS heartbeatIntervalMS", "a whole number from 500 to 2147483647"),
		try("localThresholdMS maxAdaptiveRetries maxConnecting timeoutMS", "a whole number from 0 to 2147483647"),
		try("readConcernLevel", "local, majority or another level"),
		try("readPreference", "primary, primaryPreferred, secondary, secondaryPreferred or nearest"),
		try(readTags, "pairs such as dc:ny,rack:1, and a readPreference other than primary"),
		try("maxStalenessSeconds maxStaleness",
			"a whole number from 90 to 2147483647, and a readPreference other than primary"),
		try("w", "a number of servers, majority, or a name that the replica set knows"),
		try("journal", "true or false, and not true if w is 0"),
		try("compressors", "some of snappy,zlib,zstd"),
		try("serverMonitoringMode", "auto, poll or stream"),
		try("zlibCompressionLevel", "a whole number from -1 to 9"),
		try("zstdCompressionLevel", "a whole number from -1 to 22"),
		try("srvMaxHosts", "a whole number from 0 in a URI of mongodb+srv://"),
		try("srvServiceName", "a name in a URI of mongodb+srv://"),
	}
}

// readOptions leaves those options in u that are for the driver, by their names as they are documented. It refuses
// values that the driver accepts and hardly anybody means.
func (s *settings) readOptions(u *kit.URI) error {
	given := u.Query
	u.Query = make(url.Values)
	var tags []string // they are tried in their order, and an empty one is any server
	for name, values := range given {
		if strings.EqualFold(name, readTags) {
			tags, given[name] = values, []string{strings.Join(values, " ")}
		}
	}
	keep := func(name, value string) error {
		number, err := strconv.Atoi(value)
		age := strings.HasPrefix(name, "maxStaleness")
		switch {
		case name == readTags:
			u.Query[name] = tags
			return nil
		case value == "",
			name == "srvMaxHosts" && (err != nil || number < 0),
			age && number < 90,
			(age || strings.HasSuffix(name, "MS")) && number > math.MaxInt32: // far more would be less than 0
			return errors.New("not what is wanted")
		}
		u.Query.Set(name, value)
		return nil
	}
	const hint = "MongoDB's manual has those that are known"
	return kit.URLOptions{Vars: s.vars, AnyCase: true, Hint: hint, Known: s.known(keep)}.Read(s.vars.Name("URI"), given)
}

// blame returns an error for each option that the driver refuses. It tries one after the other, since what the driver
// says of them cannot be shown.
func (s *settings) blame(u kit.URI) error {
	given := u.Query
	u.Query = make(url.Values)
	if _, err := read(text(u, true)); err != nil {
		return errors.New("the driver refuses the user or the hosts")
	}
	var found kit.Problems
	for _, option := range s.known(nil) {
		var names []string
		before := maps.Clone(u.Query)
		for name := range strings.FieldsSeq(option.Names) {
			if given.Has(name) {
				names = append(names, name)
				u.Query[name] = given[name]
			}
		}
		if _, err := read(text(u, true)); err != nil {
			found.Add(true, "option %s: want %s", strings.Join(names, ", "), option.Text)
			u.Query = before
		}
	}
	return found.Err()
}

// howTLS finds an option that says how to use TLS, and not only whether.
var howTLS = regexp.MustCompile(`(^|&)(tls|ssl)(Insecure|CA|Certificate|ClientCertificate|PrivateKey)`)

// contradictions returns those that the driver does not see.
func (s *settings) contradictions(u kit.URI, o *options.ClientOptions) (found kit.Problems) {
	details := howTLS.MatchString(u.Query.Encode())
	mechanism := cmp.Or(o.Auth, new(options.Credential)).AuthMechanism
	certified := s.TLS.CertFile != "" || o.TLSConfig != nil && len(o.TLSConfig.Certificates) > 0
	whether := cmp.Or(u.Query.Get("tls"), u.Query.Get("ssl")) // both say the same
	plain := o.TLSConfig == nil || whether == "false"
	twice := s.TLS != (config.TLS{}) && (details || whether != "" && plain != (s.TLS.Mode == config.TLSOff))
	found.Add(twice, "has TLS options, and so has %[1]sTLS or %[1]sTLS_*; remove one", s.vars.Prefix())
	found.Add(details && plain && !twice, "has other TLS options, but tls is not true")
	found.Add(mechanism == x509 && !certified, "option authMechanism: %s wants tlsCertificateKeyFile or %s",
		x509, s.vars.Name("TLS_CERT_FILE"))
	found.Add(mechanism == "" && u.User != "" && u.Password.IsZero(), "the user has no password")
	found.Add(isSRV(u) && o.Direct != nil && *o.Direct, "option directConnection: want mongodb:// and one host")
	return found
}
