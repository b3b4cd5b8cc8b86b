package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
)

// sqlConfig, kvConfig and uriConfig are what backends of three kinds read.
type sqlConfig struct {
	URL      config.Secret `env:"URL"`
	DSN      config.Secret `env:"DSN"`
	Host     string        `env:"HOST"`
	Port     config.Port   `env:"PORT"`
	User     string        `env:"USER"`
	Password config.Secret `env:"PASSWORD"`
	Database string        `env:"DATABASE"`
	Conns    int           `env:"MAX_OPEN_CONNS"`
	TLS      config.TLS
}

type kvConfig struct {
	URL      config.Secret `env:"URL"`
	Host     string        `env:"HOST"`
	Username string        `env:"USERNAME"`
	Password config.Secret `env:"PASSWORD"`
	DB       int           `env:"DB"`
	TLS      config.TLS
}

type uriConfig struct {
	URI      config.Secret `env:"URI"`
	Database string        `env:"DATABASE"`
}

func TestWhatOthersCallAVariableIsToldOf(t *testing.T) {
	sql := func(name string, environ []string) error {
		_, err := config.LoadFrom[sqlConfig](name, environ)
		return err
	}
	kv := func(name string, environ []string) error {
		_, err := config.LoadFrom[kvConfig](name, environ)
		return err
	}
	uri := func(name string, environ []string) error {
		_, err := config.LoadFrom[uriConfig](name, environ)
		return err
	}
	const isSet = " is not read, and X_URL is set"
	for _, test := range []struct {
		load    func(string, []string) error
		environ []string
		want    []string // of X_
	}{
		{sql, []string{"X_HOST=h", "X_DB=shop"}, []string{"WARN X_DB is not read; X_DATABASE is"}},
		{sql, []string{"X_HOST=h", "X_SOCKET=/run/s"}, []string{"WARN X_SOCKET is not read; X_HOST is"}},
		{kv, []string{"X_HOST=h", "X_DSN=hunter2"}, []string{"WARN X_DSN is not read; X_URL is"}},
		{kv, []string{"X_TLS_URL=hunter2"}, []string{"WARN X_TLS_URL is not read; X_URL is"}},
		{kv, []string{"X_NODES=a,b"}, []string{"WARN X_NODES is not read; X_HOST is"}},
		{sql, []string{"X_HOST=h", "X_PASS=hunter2"}, []string{"WARN X_PASS is not read; X_PASSWORD is"}},
		{sql, []string{"X_HOST=h", "X_PWD_FILE=hunter2"}, []string{"WARN X_PWD_FILE is not read; X_PASSWORD_FILE is"}},
		{sql, []string{"X_HOST=h", "X_USERNAME=app"}, []string{"WARN X_USERNAME is not read; X_USER is"}},
		{sql, []string{"X_HOST=h", "X_SSL=true"}, []string{"WARN X_SSL is not read; X_TLS is"}},
		{sql, []string{"X_HOST=h", "X_SSL_CA=f"}, []string{"WARN X_SSL_CA is not read; X_TLS_CA_FILE is"}},
		{sql, []string{"X_HOST=h", "X_CONNECTION_LIMIT=5"}, []string{"WARN X_CONNECTION_LIMIT is not read; X_MAX_OPEN_CONNS is"}},
		{sql, []string{"X_CONNECTION_STRING=hunter2"}, []string{"WARN X_CONNECTION_STRING is not read; X_URL is"}},
		{kv, []string{"X_HOST=h", "X_USER=app"}, []string{"WARN X_USER is not read; X_USERNAME is"}},
		{kv, []string{"X_HOST=h", "X_DATABASE=3"}, []string{"WARN X_DATABASE is not read; X_DB is"}},
		{kv, []string{"X_HOST=h", "X_SSL=1", "X_AUTH=hunter2"}, []string{
			"WARN X_AUTH is not read; X_PASSWORD is", "WARN X_SSL is not read; X_TLS is",
		}},
		{uri, []string{"X_HOST=h", "X_PORT=1", "X_PASSWORD=hunter2"}, []string{
			"WARN X_HOST is not read; X_URI is", "WARN X_PASSWORD is not read; X_URI is", "WARN X_PORT is not read; X_URI is",
		}},
		{uri, []string{"X_URI=u", "X_DB=shop"}, []string{"WARN X_DB is not read; X_DATABASE is"}},

		// The parts do not count beside a URL.
		{kv, []string{"X_URL=hunter2", "X_DATABASE=3", "X_HOSTNAME=h"}, []string{
			"INFO X_DATABASE" + isSet, "INFO X_HOSTNAME" + isSet,
		}},
		{uri, []string{"X_URI=u", "X_HOST=h"}, []string{"INFO X_HOST is not read, and X_URI is set"}},
		{sql, []string{"X_URL=hunter2", "XHOST=h", "XUSER=app", "XDATABASE=shop"}, nil},
		{sql, []string{"X_URL=hunter2", "X_PASS=hunter2"}, []string{"WARN X_PASS is not read; X_PASSWORD is"}},

		// The same value under both names is what some platforms set.
		{kv, []string{"X_HOST=h", "X_USER=app", "X_USERNAME=app"}, nil},
		{kv, []string{"X_HOST=h", "X_USER=app", "X_USERNAME=other"}, []string{"WARN X_USER is not read; X_USERNAME is"}},
		{sql, []string{"X_HOST=h", "X_ROOT_PASSWORD=hunter2", "X_LOG_LEVEL=3", "X_USER=app"}, nil},
		{sql, []string{"\ufeffX_HOST=h"}, []string{"WARN \\ufeffX_HOST is not read; did you mean X_HOST?"}},
	} {
		log := captureLog(t)
		name := newInstance()
		prefix := config.Prefix(name)
		bare := strings.TrimSuffix(prefix, "_")
		environ := slices.Clone(test.environ)
		for i, pair := range environ {
			environ[i] = strings.Replace(strings.Replace(pair, "X_", prefix, 1), "X", bare, 1)
			if !strings.Contains(pair, "X_") {
				environ[i] = strings.Replace(pair, "X", bare, 1)
			}
		}
		for range 2 {
			if err := test.load(name, environ); err != nil {
				t.Error(err)
			}
		}
		var got []string
		for line := range strings.Lines(strings.ReplaceAll(log.String(), prefix, "X_")) {
			record, _, _ := strings.Cut(strings.TrimPrefix(line, "level="), "\" variable=")
			got = append(got, strings.Replace(record, "msg=\"", "", 1))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%q:\n%s\nwant\n%s", test.environ, strings.Join(got, "\n"), strings.Join(test.want, "\n"))
		}
	}
}

func TestWhatOthersCallAnAliasIsToldOf(t *testing.T) {
	type aliased struct {
		URI      config.Secret `env:"URI" alias:"DOC_URI=DOCDB_URI,DOC_URL"`
		Database string        `env:"DATABASE" alias:"DOC_DATABASE=DOCDB_DATABASE,DOCNAME"`
	}
	for _, test := range []struct {
		name, environ, want string
	}{
		{"doc", "DOCDB_HOST=h", "WARN DOCDB_HOST is not read; DOCDB_URI is"},
		{"doc", "DOCDB_PASSWORD_FILE=f", "WARN DOCDB_PASSWORD_FILE is not read; DOCDB_URI_FILE is"},
		{"doc", "DOCDB_DB=shop", "WARN DOCDB_DB is not read; DOCDB_DATABASE is"},
		{"doc", "DOC_URI=hunter2 DOCDB_HOST=h", "INFO DOCDB_HOST is not read, and DOC_URI is set"},
		{"doc", "DOCDB_URI=hunter2 DOCDB_HOST=h", "INFO DOCDB_HOST is not read, and DOCDB_URI is set"},
		{"doc-b", "DOCDB_HOST=h", ""}, // the aliases are the default instance's
	} {
		config.Forget()
		log := captureLog(t)
		if _, err := config.LoadFrom[aliased](test.name, strings.Fields(test.environ)); err != nil {
			t.Error(err)
		}
		record, _, _ := strings.Cut(strings.TrimPrefix(log.String(), "level="), "\" variable=")
		if got := strings.Replace(record, "msg=\"", "", 1); got != test.want {
			t.Errorf("%s: %q, want %q", test.environ, got, test.want)
		}
	}
}

// What an alias says as well is no mistake: platforms set the project under three names.
func TestSynonymsWithoutAPrefixAreToldOfOnce(t *testing.T) {
	type cloudConfig struct {
		Project string `env:"PROJECT_ID" alias:"CLOUD_PROJECT_ID=GOOGLE_CLOUD_PROJECT"`
	}
	for _, test := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"cloud", []string{"GCP_PROJECT=shop"}, "GCP_PROJECT is not read; CLOUD_PROJECT_ID is"},
		{"cloud", []string{"GOOGLE_PROJECT_ID=hunter2", "CLOUD_PROJECT_ID=shop"}, "GOOGLE_PROJECT_ID is not read; CLOUD_PROJECT_ID is"},
		{"cloud", []string{"GCP_PROJECT=shop", "GOOGLE_CLOUD_PROJECT=shop"}, ""},
		{"cloud-eu", []string{"GCP_PROJECT=shop"}, ""},
	} {
		log := captureLog(t)
		for range 2 {
			if _, err := config.LoadFrom[cloudConfig](test.name, test.environ); err != nil {
				t.Error(err)
			}
		}
		config.Forget()
		if got := log.String(); strings.Count(got, "\n") > 1 || !strings.Contains(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%q: %s\nwant %s", test.environ, got, test.want)
		}
	}
}

func TestTheErrorOfAnUnsetURLNamesAnotherOne(t *testing.T) {
	for _, test := range []struct{ instance, value, want string }{
		{"mysql", "mysql://app:hunter2@h/db", "; DATABASE_URL is set, but not read"},
		{"mysql", "mariadb://app:hunter2@h/db", "; DATABASE_URL is set, but not read"},
		{"mysql", "jdbc:mysql://h/db?password=hunter2", "; DATABASE_URL is set, but not read"},
		{"redis", "rediss://:hunter2@h", "; DATABASE_URL is set, but not read"},
		{"mongo", "mongodb+srv://app:hunter2@h", "; DATABASE_URL is set, but not read"},
		{"mysql", "postgres://app:hunter2@h/mysql", ""},
		{"mysql", "hunter2", ""},
		{"mysql-replica", "mysql://app:hunter2@h/db", ""},
	} {
		t.Setenv("DATABASE_URL", test.value)
		prefix := config.Prefix(test.instance)
		_, vars, _ := config.LoadOr[struct{}](test.instance, nil)
		err := vars.NotSet("URL", "DSN", "HOST")
		assertError(t, err, prefix+"URL is not set, nor is "+prefix+"DSN or "+prefix+"HOST"+test.want)
	}
	t.Setenv("DATABASE_URL", "")
	t.Setenv("MONGO_ARCHIVE_URI", "mongodb://h") // of another instance
	_, vars, _ := config.LoadOr[struct{}]("mongo", nil)
	assertError(t, vars.NotSet("URI"), "MONGO_URI is not set")
}
