package mongo_test

import (
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/canary"
)

// What platforms, manuals and other languages' programs hand out is read, or refused with what to write.
func TestStringsOfTheWorldAreReadOrExplained(t *testing.T) {
	const (
		file = "want a file that can be read and has PEM certificates"
		key  = "want files that can be read and have a PEM certificate and its key"
		gone = ": not supported: "
	)
	for name, test := range map[string]struct{ uri, want string }{
		"Cosmos DB":               {"mongodb://acct:KEY==@h:10255/?ssl=true&replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000&appName=@acct@", ""},
		"Cosmos DB, vCore":        {"mongodb+srv://u:PW@x.y.z/?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000", ""},
		"Atlas":                   {"mongodb+srv://u:PW@x.y.z/?retryWrites=true&w=majority&appName=Cluster0", ""},
		"Atlas with AWS":          {"mongodb+srv://x.y.z/?authSource=%24external&authMechanism=MONGODB-AWS&retryWrites=true", ""},
		"Atlas with a key of AWS": {"mongodb+srv://AKIA:PW@x.y.z/?authSource=%24external&authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:t%2Bo%3D", ""},
		"Atlas with Azure":        {"mongodb+srv://x.y.z/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:azure,TOKEN_RESOURCE:api%3A%2F%2Fa", ""},
		"Atlas with Google":       {"mongodb+srv://x.y.z/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:gcp,TOKEN_RESOURCE:mongodb%3A%2F%2Fx", ""},
		"Atlas, sharded":          {"mongodb+srv://u:PW@x.y.z/?srvMaxHosts=2&srvServiceName=mongodb", ""},
		"DocumentDB":              {"mongodb://u:PW@h:27017/?tls=true&tlsCAFile=SECRET&replicaSet=rs0&readPreference=secondaryPreferred&retryWrites=false", "option tlsCAFile: " + file},
		"DocumentDB, Python":      {"mongodb://u:PW@h:27017?replicaSet=rs0&ssl_ca_certs=global-bundle.pem", "option ssl_ca_certs" + gone + "write tlsCAFile"},
		"X.509":                   {"mongodb+srv://x.y.z/?authSource=%24external&authMechanism=MONGODB-X509&tlsCertificateKeyFile=SECRET", "option tlsCertificateKeyFile: " + key},
		"Kerberos":                {"mongodb://app%40REALM@h/?authMechanism=GSSAPI&authMechanismProperties=SERVICE_NAME:mongodb", ""},
		"Kerberos, old":           {"mongodb://app%40REALM@h/?authMechanism=GSSAPI&gssapiServiceName=mongodb", "option gssapiServiceName" + gone + "write authMechanismProperties"},
		"LDAP":                    {"mongodb://u:PW@h/?authSource=%24external&authMechanism=PLAIN&tls=true", ""},
		"mongoose":                {"mongodb://u:PW@h/db?useNewUrlParser=true&useUnifiedTopology=true&family=4&autoIndex=false", ""},
		"Java":                    {"mongodb://u:PW@h/db?socketTimeoutMS=3000&wtimeoutMS=5&waitQueueTimeoutMS=7&uuidRepresentation=standard", ""},
		"Java without TLS names":  {"mongodb://u:PW@h/db?ssl=true&sslInvalidHostNameAllowed=true", "option sslInvalidHostNameAllowed" + gone + "write tlsInsecure=true if no certificate is to be verified"},
		"Python without a check":  {"mongodb://u:PW@h/db?ssl=true&ssl_cert_reqs=CERT_NONE", "option ssl_cert_reqs" + gone + "write tlsInsecure=true if no certificate is to be verified"},
		"shell":                   {"mongodb://u:PW@h/db?tls=true&tlsAllowInvalidCertificates=true", "option tlsAllowInvalidCertificates" + gone + "write tlsInsecure=true if no certificate is to be verified"},
		"old replica set":         {"mongodb://u:PW@a,b:27018,c/db?replicaSet=rs0&slaveOk=true", "option slaveOk" + gone + "write readPreference"},
		"old write concern":       {"mongodb://u:PW@h/db?w=1&j=true", "option j" + gone + "write journal"},
		"PHP's pool":              {"mongodb://u:PW@h/db?poolSize=5", "option poolSize" + gone + "write maxPoolSize"},
		"Compass":                 {"mongodb://u:PW@h/?authMechanism=DEFAULT&authSource=admin&readPreference=primary&appname=MongoDB%20Compass&ssl=false", ""},
		"said without need":       {"mongodb://u:PW@h/?tls=true&tlsAllowInvalidCertificates=false&tlsAllowInvalidHostnames=false", ""},
		".NET without a check":    {"mongodb://u:PW@h/?ssl=true&sslVerifyCertificate=false", "option sslVerifyCertificate" + gone + "write tlsInsecure=true if no certificate is to be verified"},
		"node, one family":        {"mongodb://u:PW@h/?autoSelectFamily=false", ""},
		"no slash":                {"mongodb://u:PW@h:27017?replicaSet=rs0", ""},
		"an address as the user":  {"mongodb://me@example.com:PW@h/app", ""},
		"at signs in a password":  {"mongodb://u:P@W@h/app", ""},
		"socket":                  {"mongodb://%2Frun%2Fmongodb-27017.sock/app", ""},
		"end of a line":           {"mongodb://u:PW@h/app?w=majority\r\n", ""},
		"blanks":                  {"  mongodb://u:PW@h/app ", ""},
		"capitals":                {"MONGODB://u:PW@h/app?REPLICASET=rs0&AUTHSOURCE=admin", ""},
		"a misspelt option":       {"mongodb://u:PW@h/app?replicaset=rs0&retryWrite=true", `option "retryWrite" is unknown; did you mean retryWrites?`},
		"quoted option":           {"mongodb://u:PW@h/app?'w'=majority", strings.TrimPrefix(unknown, "MONGO_URI: ")},
		"JDBC":                    {"jdbc:mongodb://u:PW@h/app", "this is a URL of Java: drop jdbc:, and put the user and the password before the @"},
		"host alone":              {"h:27017", "does not begin with mongodb:// or mongodb+srv://"},
		"hash in a password":      {"mongodb://u:P#SECRET@h/app", strings.TrimPrefix(escape, "MONGO_URI: ")},
		"slash in a password":     {"mongodb://u:P/SECRET@h/app", strings.TrimPrefix(escape, "MONGO_URI: ")},
	} {
		t.Run(name, func(t *testing.T) {
			capture(t)
			secret := canary.New("", "")
			setenv(t, "")
			t.Setenv("MONGO_URI", strings.ReplaceAll(test.uri, "SECRET", secret.Value))
			err := mongo.New("mongo").Configure()
			got := ""
			if err != nil {
				got = strings.TrimPrefix(err.Error(), "MONGO_URI: ")
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			secret.AbsentFrom(t, err)
			canary.NoParserIn(t, err)
		})
	}
}

func TestTheURIMayBeCalledAURL(t *testing.T) {
	for _, name := range []string{"MONGODB_URI", "MONGO_URL", "MONGODB_URL"} {
		setenv(t, name+"=mongodb://h/"+strings.ToLower(name))
		if got := mongo.DatabaseOf(t, "mongo"); got != strings.ToLower(name) {
			t.Errorf("%s is not read: the database is %s", name, got)
		}
	}
}
