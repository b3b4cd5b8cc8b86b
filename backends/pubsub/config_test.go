package pubsub_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/registry"
)

const hint = ` (not wanted? drop its import, or call registry.Unregister("pubsub"))`

func TestBadConfigurationIsOneLineThatNamesTheVariable(t *testing.T) {
	const notPath = "want the path of a file, not the credentials themselves"
	for name, test := range map[string]struct{ env, want string }{
		"nothing is set":           {"", "PUBSUB_PROJECT_ID is not set"},
		"no id of a project":       {"PUBSUB_PROJECT_ID=SECRET/x", "PUBSUB_PROJECT_ID: not the id of a project"},
		"alias of that":            {"GCLOUD_PROJECT=SECRET/x", "GCLOUD_PROJECT: not the id of a project"},
		"emulator with a scheme":   {"PUBSUB_EMULATOR_HOST=http://SECRET:8085", "PUBSUB_EMULATOR_HOST: want host:port, without a scheme such as http://"},
		"emulator of Kubernetes":   {"PUBSUB_EMULATOR_HOST=tcp://10.0.0.7:8085", "PUBSUB_EMULATOR_HOST: want host:port, without a scheme such as http://"},
		"emulator without a host":  {"PUBSUB_EMULATOR_HOST=:8085", "PUBSUB_EMULATOR_HOST: the host is missing or malformed"},
		"emulator without a port":  {"PUBSUB_EMULATOR_HOST=h:SECRET", "PUBSUB_EMULATOR_HOST: the port is not a number from 1 to 65535"},
		"emulator and credentials": {"PUBSUB_EMULATOR_HOST=h:1 PUBSUB_CREDENTIALS_FILE=/SECRET", "PUBSUB_EMULATOR_HOST and PUBSUB_CREDENTIALS_FILE are both set: drop one"},
		"no file":                  {"PUBSUB_PROJECT_ID=p PUBSUB_CREDENTIALS_FILE=/SECRET", "PUBSUB_CREDENTIALS_FILE: no such file"},
		"a directory":              {"PUBSUB_PROJECT_ID=p PUBSUB_CREDENTIALS_FILE=/", "PUBSUB_CREDENTIALS_FILE: is a directory"},
		"the key for a path":       {`PUBSUB_PROJECT_ID=p PUBSUB_CREDENTIALS_FILE={"private_key":"SECRET"}`, "PUBSUB_CREDENTIALS_FILE: " + notPath},
		"a long key for a path":    {"PUBSUB_PROJECT_ID=p PUBSUB_CREDENTIALS_FILE=" + strings.Repeat("SECRET", 1000), "PUBSUB_CREDENTIALS_FILE: " + notPath},
		"the key for Google's":     {`PUBSUB_PROJECT_ID=p GOOGLE_APPLICATION_CREDENTIALS={"private_key":"SECRET"}`, "GOOGLE_APPLICATION_CREDENTIALS: " + notPath},
		"no file of Google's":      {"PUBSUB_PROJECT_ID=p GOOGLE_APPLICATION_CREDENTIALS=/SECRET", "GOOGLE_APPLICATION_CREDENTIALS: no such file"},
		"no name of a topic":       {"PUBSUB_EMULATOR_HOST=h:1 PUBSUB_CHECK_TOPIC=SECRET/x", "PUBSUB_CHECK_TOPIC: not the name of a topic"},
		"too short for a topic":    {"PUBSUB_EMULATOR_HOST=h:1 PUBSUB_CHECK_TOPIC=xy", "PUBSUB_CHECK_TOPIC: not the name of a topic"},
		"a topic of no project":    {"PUBSUB_EMULATOR_HOST=h:1 PUBSUB_CHECK_TOPIC=projects//topics/abc", "PUBSUB_CHECK_TOPIC: not the name of a topic"},
		"duration without unit":    {"PUBSUB_EMULATOR_HOST=h:1 PUBSUB_PUBLISH_TIMEOUT=3", "PUBSUB_PUBLISH_TIMEOUT: not a duration with a unit, such as 30s"},
		"no number":                {"PUBSUB_EMULATOR_HOST=h:1 PUBSUB_GRPC_CONNS=SECRET", "PUBSUB_GRPC_CONNS: not a whole number"},
		"endpoint with a scheme":   {"PUBSUB_PROJECT_ID=p PUBSUB_ENDPOINT=https://SECRET:443", "PUBSUB_ENDPOINT: want host:port, without a scheme such as http://"},
		"endpoint and emulator":    {"PUBSUB_EMULATOR_HOST=h:1 PUBSUB_ENDPOINT=SECRET:443", "PUBSUB_EMULATOR_HOST and PUBSUB_ENDPOINT are both set: drop one"},
		"a path after a host":      {"PUBSUB_EMULATOR_HOST=h:1/", "PUBSUB_EMULATOR_HOST: want host:port, without a / or a path"},
		"the key in base64":        {"PUBSUB_PROJECT_ID=p GOOGLE_APPLICATION_CREDENTIALS=eyJ0eXBlIjoiSECRET", "GOOGLE_APPLICATION_CREDENTIALS: " + notPath},
		"zeros":                    {"PUBSUB_EMULATOR_HOST=h:1 PUBSUB_GRPC_CONNS=0 PUBSUB_PUBLISH_TIMEOUT=0s", "PUBSUB_GRPC_CONNS: must be at least 1; PUBSUB_PUBLISH_TIMEOUT: must be more than 0"},
		"a zero and no duration":   {"PUBSUB_EMULATOR_HOST=h:1 PUBSUB_GRPC_CONNS=0 PUBSUB_CHECK_INTERVAL=3", "PUBSUB_CHECK_INTERVAL: not a duration with a unit, such as 30s; PUBSUB_GRPC_CONNS: must be at least 1"},
		"less than nothing":        {"PUBSUB_EMULATOR_HOST=h:1 PUBSUB_GRPC_CONNS=-1 PUBSUB_PUBLISH_TIMEOUT=-1s", "PUBSUB_GRPC_CONNS: must not be negative; PUBSUB_PUBLISH_TIMEOUT: must not be negative"},
		"a file of that":           {"PUBSUB_PROJECT_ID_FILE=PROJECT", "PUBSUB_PROJECT_ID_FILE: not the id of a project"},
		"a number and a topic":     {"PUBSUB_EMULATOR_HOST=h:1 PUBSUB_GRPC_CONNS=SECRET PUBSUB_CHECK_TOPIC=xy", "PUBSUB_GRPC_CONNS: not a whole number; PUBSUB_CHECK_TOPIC: not the name of a topic"},
		"an unread id, a topic":    {"PUBSUB_PROJECT_ID=${SECRET} PUBSUB_CHECK_TOPIC=xy", "PUBSUB_PROJECT_ID: has a ${...} that nothing has expanded; PUBSUB_CHECK_TOPIC: not the name of a topic"},
		"three mistakes":           {"PUBSUB_CREDENTIALS_FILE=/SECRET PUBSUB_CHECK_TOPIC=x", "PUBSUB_PROJECT_ID is not set; PUBSUB_CREDENTIALS_FILE: no such file; PUBSUB_CHECK_TOPIC: not the name of a topic"},
	} {
		t.Run(name, func(t *testing.T) {
			secret := canary.New("", "")
			env := strings.ReplaceAll(test.env, "PROJECT_ID_FILE=PROJECT", "PROJECT_ID_FILE="+write(t, secret.Value+"/x"))
			setenv(t, strings.ReplaceAll(env, "SECRET", secret.Value))
			r := registry.New()
			r.Register(pubsub.New("pubsub"))
			err := r.OpenAll(t.Context())
			want := "configure pubsub: config: " + test.want
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

func TestAFileOfCredentialsIsReadBeforeAnythingIsOpened(t *testing.T) {
	const unknown = "no type of credentials in the file that is known, such as service_account"
	const malformed = "the credentials in the file are incomplete or malformed"
	for content, want := range map[string]string{
		"SECRET":            "not a file of JSON",
		`{"type":"SECRET"`:  "not a file of JSON",
		`["SECRET"]`:        "not a file of JSON",
		"{}":                unknown,
		`{"type":"SECRET"}`: unknown,
		`{"installed":{"client_secret":"SECRET","redirect_uris":["x"]}}`:                        unknown,
		`{"type":"service_account","client_email":"e","private_key":"SECRET"}`:                  malformed,
		`{"type":"service_account","private_key":"-----BEGIN PRIVATE KEY-----\nSECRET\n-----"}`: malformed,
	} {
		secret := canary.New("", "")
		path := write(t, strings.ReplaceAll(content, "SECRET", secret.Value))
		for _, variable := range []string{"PUBSUB_CREDENTIALS_FILE", "GOOGLE_APPLICATION_CREDENTIALS"} {
			setenv(t, "PUBSUB_PROJECT_ID=p "+variable+"="+path)
			res := pubsub.New("pubsub")
			err := res.Configure()
			if err == nil || err.Error() != variable+": "+want {
				t.Errorf("%s\ngot  %v\nwant %s: %s", content, err, variable, want)
			}
			secret.AbsentFrom(t, err)
			secret.AbsentFrom(t, res)
			canary.NoParserIn(t, err)
		}
	}
}

// docker --env-file keeps the quotes, and an editor for Windows its line ends.
func TestThePathOfGooglesVariableIsReadAsEveryOther(t *testing.T) {
	path := externalAccount(t, tokenServer(t, issue), "subject")
	for _, around := range []string{"%", `"%"`, "'%'", " %", "%\r"} {
		setenv(t, "PUBSUB_PROJECT_ID=p PUBSUB_ENDPOINT="+closedPort(t))
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", strings.ReplaceAll(around, "%", path))
		err := pubsub.New("pubsub").Open(t.Context())
		if want := "connection refused"; err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", around, err, want)
		}
	}
}

func TestAFileThatTheDriverDoesNotTakeIsNotQuoted(t *testing.T) {
	for _, content := range []string{
		`{"type":"service_account","client_email":"e","private_key":"-----BEGIN PRIVATE KEY-----\nU0VD\n-----END PRIVATE KEY-----\nSECRET"}`,
		`{"type":"impersonated_service_account","source_credentials":{"private_key":"SECRET"}}`,
		`{"type":"external_account","audience":"a","credential_source":{"url":"http://SECRET"}}`,
	} {
		secret := canary.New("", "")
		path := write(t, strings.ReplaceAll(content, "SECRET", secret.Value))
		for _, variable := range []string{"PUBSUB_CREDENTIALS_FILE", "GOOGLE_APPLICATION_CREDENTIALS"} {
			setenv(t, "PUBSUB_PROJECT_ID=p "+variable+"="+path)
			res := pubsub.New("pubsub")
			err := res.Open(t.Context())
			want := variable + ": the credentials in the file are incomplete or malformed"
			if err == nil || err.Error() != want || registry.KindOf(err) != registry.KindConfig {
				t.Errorf("%s\ngot  %v\nwant %s", content, err, want)
			}
			secret.AbsentFrom(t, err)
			secret.AbsentFrom(t, res)
			canary.NoParserIn(t, err)
		}
	}
}

func TestEveryVariableReachesTheDriver(t *testing.T) {
	setenv(t, `PUBSUB_PROJECT_ID=shop PUBSUB_EMULATOR_HOST=db.example:99 PUBSUB_CHECK_TOPIC=orders
		PUBSUB_GRPC_CONNS=3 PUBSUB_PUBLISH_TIMEOUT=4s PUBSUB_CHECK_INTERVAL=5s`)
	want := pubsub.Resolved{
		Project: "shop", Addr: "db.example:99", Topic: "orders",
		GRPCConns: 3, PublishTimeout: 4 * time.Second, CheckInterval: 5 * time.Second,
	}
	if got := pubsub.Resolve(t, "pubsub"); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestWithoutAnEmulatorTheServiceIsMeant(t *testing.T) {
	setenv(t, "PUBSUB_PROJECT_ID=example.com:shop")
	want := pubsub.Resolved{
		Project: "example.com:shop", GRPCConns: 1, PublishTimeout: time.Minute, CheckInterval: 30 * time.Second,
	}
	if got := pubsub.Resolve(t, "pubsub"); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAnEndpointTakesThePlaceOfTheGlobalOne(t *testing.T) {
	for env, want := range map[string]string{
		"europe-west3-pubsub.googleapis.com:443": "europe-west3-pubsub.googleapis.com:443",
		"pubsub.p.googleapis.com":                "pubsub.p.googleapis.com:443",
		"[fd00::1]:8443":                         "[fd00::1]:8443",
	} {
		setenv(t, "PUBSUB_PROJECT_ID=p PUBSUB_ENDPOINT="+env)
		if got := pubsub.Resolve(t, "pubsub"); got.Addr != want {
			t.Errorf("%s: got %q", env, got.Addr)
		}
	}
}

func TestTheProjectIsThatOfTheCredentials(t *testing.T) {
	path := file(t, map[string]any{"type": "authorized_user", "project_id": "shop"})
	for env, want := range map[string]string{
		"PUBSUB_CREDENTIALS_FILE=" + path:                         "shop",
		"GOOGLE_APPLICATION_CREDENTIALS=" + path:                  "shop",
		"PUBSUB_CREDENTIALS_FILE=" + path + " GCLOUD_PROJECT=own": "own",
	} {
		setenv(t, env)
		if got := pubsub.Resolve(t, "pubsub"); got.Project != want {
			t.Errorf("%s: the project is %q, want %q", env, got.Project, want)
		}
	}
	setenv(t, "PUBSUB_CREDENTIALS_FILE="+externalAccount(t, "http://127.0.0.1:1", "subject"))
	err := pubsub.New("pubsub").Configure()
	if want := "PUBSUB_PROJECT_ID is not set, and the file of credentials names no project"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAnEmulatorOfTheProcessIsRefusedByOtherInstances(t *testing.T) {
	setenv(t, "PUBSUB_EMULATOR_HOST=h PUBSUB_EU_PROJECT_ID=eu")
	err := pubsub.New("pubsub-eu").Configure()
	want := "PUBSUB_EMULATOR_HOST is set, and the driver sends everything of the process there: " +
		"unset it, or set PUBSUB_EU_EMULATOR_HOST as well"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	setenv(t, "PUBSUB_EU_PROJECT_ID=eu PUBSUB_EMULATOR_HOST_FILE="+write(t, "h")) // the driver does not read that
	if err := pubsub.New("pubsub-eu").Configure(); err != nil {
		t.Error(err)
	}
}

func TestTheProjectHasAliasesAndTheEmulatorNeedsNone(t *testing.T) {
	for env, want := range map[string]string{
		"GCLOUD_PROJECT=old":                                "old",
		"GCLOUD_PROJECT=old GOOGLE_CLOUD_PROJECT=new":       "new",
		"GOOGLE_CLOUD_PROJECT=new PUBSUB_PROJECT_ID=own":    "own",
		"PUBSUB_EMULATOR_HOST=h":                            "emulator",
		"PUBSUB_EMULATOR_HOST=h GOOGLE_CLOUD_PROJECT=new":   "new",
		"PUBSUB_EMULATOR_HOST=[::1]:8432 GCLOUD_PROJECT=12": "12",
	} {
		setenv(t, env)
		if got := pubsub.Resolve(t, "pubsub"); got.Project != want {
			t.Errorf("%s: the project is %q, want %q", env, got.Project, want)
		}
	}
}

func TestTheEmulatorsPortIsTheUsualOneUnlessItIsGiven(t *testing.T) {
	for host, want := range map[string]string{"h": "h:8085", "h:1": "h:1", "[::1]": "[::1]:8085", "10.0.0.1:9": "10.0.0.1:9"} {
		setenv(t, "PUBSUB_EMULATOR_HOST="+host)
		if got := pubsub.Resolve(t, "pubsub"); got.Addr != want {
			t.Errorf("%s: got %+v, want %s", host, got, want)
		}
	}
}

func TestGooglesOwnVariableNamesTheCredentialsOfEveryInstance(t *testing.T) {
	path := externalAccount(t, "http://127.0.0.1:1", "subject")
	setenv(t, "PUBSUB_PROJECT_ID=p PUBSUB_EU_PROJECT_ID=p GOOGLE_APPLICATION_CREDENTIALS="+path)
	for _, name := range []string{"pubsub", "pubsub-eu"} {
		if got := pubsub.Resolve(t, name); !got.Credentials {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	setenv(t, "PUBSUB_EMULATOR_HOST=h GOOGLE_APPLICATION_CREDENTIALS=/none")
	if got := pubsub.Resolve(t, "pubsub"); got.Credentials {
		t.Errorf("the emulator has credentials: %+v", got)
	}
}

func TestANamedInstanceReadsItsOwnVariablesOnly(t *testing.T) {
	setenv(t, "PUBSUB_ENDPOINT=h GOOGLE_CLOUD_PROJECT=default PUBSUB_EU_PROJECT_ID=eu")
	if got := pubsub.Resolve(t, "pubsub-eu"); got.Addr != "" || got.Project != "eu" {
		t.Errorf("got %+v", got)
	}
}

func TestAZeroFieldMeansItsDefault(t *testing.T) {
	cfg := config.Defaults(pubsub.Config{GRPCConns: 2})
	if cfg.GRPCConns != 2 || cfg.PublishTimeout != time.Minute {
		t.Errorf("got %+v", cfg)
	}
}

// setenv sets the variables in list and unsets all others that are read.
func setenv(t *testing.T, list string) {
	t.Helper()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	for _, v := range config.Describe[pubsub.Config]("pubsub") {
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
