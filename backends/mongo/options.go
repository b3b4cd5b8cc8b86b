package mongo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vibework/mooring/backends/config"
)

// optionRule says what becomes of some options of a connection string.
type optionRule struct {
	verdict verdict
	names   string // as in the documentation; a + joins those that need each other
	text    string // what the driver wants, or what to do instead
}

type verdict int

const (
	forDriver verdict = iota
	forSRV            // for the driver, and with mongodb+srv:// only
	unneeded          // another driver has it, and Go's does well without
	refused           // another driver has it, and ignoring it would do harm
)

const readTags = "readPreferenceTags" // the one option that may be there more than once

// optionRules hold all options that are known. Those for the driver stand in an order in which each can be tried
// together with those before it.
var optionRules = []optionRule{
	{forDriver, "appName replicaSet", "a name"},
	{forDriver, "tls ssl", "true or false, and the same of both"},
	{
		forDriver, "tlsInsecure sslInsecure tlsDisableOCSPEndpointCheck tlsDisableCertificateRevocationCheck",
		"true or false, and only one of these options",
	},
	{forDriver, "tlsCAFile sslCertificateAuthorityFile", "a file that can be read and has PEM certificates"},
	{forDriver, "tlsCertificateKeyFilePassword sslClientCertificateKeyPassword", "the password of the key"},
	{
		forDriver, "tlsCertificateKeyFile sslClientCertificateKeyFile tlsCertificateFile+tlsPrivateKeyFile",
		"files that can be read and have a PEM certificate and its key",
	},
	{forDriver, "authSource", "the name of a database, or $external"},
	{forDriver, "authMechanismProperties", "pairs such as ENVIRONMENT:gcp,TOKEN_RESOURCE:name"},
	{forDriver, "authMechanism", "SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, MONGODB-X509, MONGODB-AWS, MONGODB-OIDC or GSSAPI, " +
		"and the user, password, authSource and properties that it takes"},
	{forDriver, "directConnection connect", "true or false (direct or automatic); direct wants mongodb:// and one host"},
	{forDriver, "loadBalanced", "true or false; true wants one host, no replicaSet and no directConnection"},
	{forDriver, "retryReads retryWrites enableOverloadRetargeting", "true or false"},
	{forDriver, "connectTimeoutMS serverSelectionTimeoutMS", "a whole number from 1"},
	{forDriver, "heartbeatFrequencyMS heartbeatIntervalMS", "a whole number from 500"},
	{forDriver, "localThresholdMS maxAdaptiveRetries maxConnecting maxIdleTimeMS timeoutMS", "a whole number from 0"},
	{forDriver, "maxPoolSize minPoolSize", "a whole number from 0 to 65535, and the minimum at most the maximum"},
	{forDriver, "readConcernLevel", "local, majority or another level"},
	{forDriver, "readPreference", "primary, primaryPreferred, secondary, secondaryPreferred or nearest"},
	{forDriver, readTags, "pairs such as dc:ny,rack:1, and a readPreference other than primary"},
	{forDriver, "maxStalenessSeconds maxStaleness", "a whole number from 90, and a readPreference other than primary"},
	{forDriver, "w", "a number of servers, majority, or a name that the replica set knows"},
	{forDriver, "journal", "true or false, and not true if w is 0"},
	{forDriver, "compressors", "some of snappy,zlib,zstd"},
	{forDriver, "serverMonitoringMode", "auto, poll or stream"},
	{forDriver, "zlibCompressionLevel", "a whole number from -1 to 9"},
	{forDriver, "zstdCompressionLevel", "a whole number from -1 to 22"},
	{forSRV, "srvMaxHosts", "a whole number, and mongodb+srv://"},
	{forSRV, "srvServiceName", "mongodb+srv://"},

	// Contexts and timeoutMS do what these limits are for.
	{unneeded, "socketTimeoutMS waitQueueTimeoutMS wtimeoutMS wtimeout", ""},
	{unneeded, "autoIndex autoReconnect bufferCommands family keepAlive keepAliveInitialDelay maxLifeTimeMS " +
		"monitorCommands noDelay reconnectInterval reconnectTries serverSelectionTryOnce useCreateIndex " +
		"useFindAndModify useNewUrlParser useUnifiedTopology uuidRepresentation waitQueueMultiple", ""},

	{
		refused, "tlsAllowInvalidCertificates tlsAllowInvalidHostnames sslAllowInvalidCertificates " +
			"sslAllowInvalidHostnames sslInvalidHostNameAllowed sslValidate ssl_cert_reqs ssl_match_hostname",
		"write tlsInsecure=true if no certificate is to be verified",
	},
	{refused, "ssl_ca_certs sslCA", "write tlsCAFile"},
	{refused, "ssl_certfile ssl_keyfile sslCert sslKey", "write tlsCertificateKeyFile"},
	{refused, "ssl_pem_passphrase sslPass", "write tlsCertificateKeyFilePassword"},
	{refused, "tlsCRLFile sslCRL ssl_crlfile", "it reads no list of revoked certificates"},
	{refused, "proxyHost proxyPort proxyUsername proxyPassword", "set a Dialer with mongo.WithHook"},
	{refused, "gssapiServiceName canonicalizeHostName", "write authMechanismProperties"},
	{refused, "slaveOk", "write readPreference"},
	{refused, "readConcern", "write readConcernLevel"},
	{refused, "j fsync", "write journal"},
	{refused, "safe", "write w"},
	{refused, "poolSize", "write maxPoolSize"},
}

// findRule returns the name of an option as it is documented, and its rule; "" if it is unknown. The case of letters is
// of no account.
func findRule(option string) (string, *optionRule) {
	for i := range optionRules {
		for _, name := range optionRules[i].list() {
			if strings.EqualFold(name, option) {
				return name, &optionRules[i]
			}
		}
	}
	return "", nil
}

func (r *optionRule) list() []string { return strings.Fields(strings.ReplaceAll(r.names, "+", " ")) }

// suggestion asks whether another option was meant. Only then is it safe to quote the one that is there.
func suggestion(given string) string {
	spelled := make(map[string]string)
	for i := range optionRules {
		for _, name := range optionRules[i].list() {
			spelled[strings.ToLower(name)] = name
		}
	}
	near := config.Nearest(strings.ToLower(given), slices.Collect(maps.Keys(spelled)))
	if near == "" {
		return ""
	}
	return fmt.Sprintf(" (%q); did you mean %s?", given, spelled[near])
}
