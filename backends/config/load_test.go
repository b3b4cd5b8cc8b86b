package config_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/vibework/mooring/backends/config"
)

type fullConfig struct {
	Host     string        `env:"HOST" envDefault:"localhost" alias:"SERVER_HOST=SERVERHOST"`
	Port     config.Port   `env:"PORT" envDefault:"4222"`
	Password config.Secret `env:"PASSWORD"`
	Conns    int           `env:"MAX_CONNS" envDefault:"20"`
	Wait     time.Duration `env:"WAIT" envDefault:"5s"`
	Verbose  bool          `env:"VERBOSE"`
	Level    slog.Level    `env:"LEVEL" alias:"SERVER_LEVEL=LOG_LEVEL,LOGLEVEL"`
	TLS      config.TLS

	Hook     func() // no tag: not the environment's
	internal string
}

func TestLoadFillsEveryKindOfField(t *testing.T) {
	cfg, err := config.LoadFrom[fullConfig]("server", []string{
		"SERVER_HOST=db.example", "SERVER_PORT=tcp://10.0.0.1:99", "SERVER_PASSWORD=hunter2",
		"SERVER_MAX_CONNS=7", "SERVER_WAIT=1m30s", "SERVER_VERBOSE=true", "SERVER_LEVEL=debug",
		"SERVER_TLS=verify", "SERVER_TLS_CA_FILE=/ca.pem",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Password.Reveal(); got != "hunter2" {
		t.Errorf("password %q", got)
	}
	cfg.Password = config.Secret{}
	want := fullConfig{
		Host: "db.example", Port: 99, Conns: 7, Wait: 90 * time.Second, Verbose: true,
		Level: slog.LevelDebug, TLS: config.TLS{Mode: "verify", CAFile: "/ca.pem"},
	}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("%+v\nwant\n%+v", cfg, want)
	}
}

func TestLoadTakesDefaultsForWhatIsUnsetOrEmpty(t *testing.T) {
	for _, environ := range [][]string{nil, {"SERVER_HOST=", "SERVER_PORT=", "SERVER_MAX_CONNS=", "x", ""}} {
		cfg, err := config.LoadFrom[fullConfig]("server", environ)
		want := fullConfig{Host: "localhost", Port: 4222, Conns: 20, Wait: 5 * time.Second}
		if err != nil || !reflect.DeepEqual(cfg, want) {
			t.Errorf("%+v, %v", cfg, err)
		}
	}
}

func TestLoadReadsTheEnvironmentOfTheProcess(t *testing.T) {
	t.Setenv("SERVER_HOST", "from the process")
	cfg, err := config.Load[fullConfig]("server")
	if err != nil || cfg.Host != "from the process" {
		t.Errorf("%q, %v", cfg.Host, err)
	}
	cfg, err = config.LoadFrom[fullConfig]("server", nil)
	if err != nil || cfg.Host != "localhost" {
		t.Errorf("LoadFrom looked at the process: %q, %v", cfg.Host, err)
	}
}

func TestLoadTakesTheLastOfTwoValues(t *testing.T) {
	cfg, err := config.LoadFrom[fullConfig]("server", []string{"SERVER_HOST=a", "SERVER_HOST=b=c"})
	if err != nil || cfg.Host != "b=c" {
		t.Errorf("%q, %v", cfg.Host, err)
	}
}

func TestLoadNamesEveryBadVariableAtOnce(t *testing.T) {
	type nested struct {
		Key config.Secret `env:"KEY,required"`
		config.TLS
		Numbers struct {
			Port    config.Port   `env:"PORT" envDefault:"4222"`
			Conns   int           `env:"MAX_CONNS" envDefault:"20"`
			Wait    time.Duration `env:"WAIT" envDefault:"5s"`
			Verbose bool          `env:"VERBOSE"`
			Level   slog.Level    `env:"LEVEL"`
		}
		User string `env:"USER,required"`
	}
	cfg, err := config.LoadFrom[nested]("server", []string{
		"SERVER_KEY_FILE=/hunter2", "SERVER_PORT=hunter2", "SERVER_MAX_CONNS=hunter2",
		"SERVER_WAIT=30", "SERVER_VERBOSE=hunter2", "SERVER_LEVEL=hunter2", "SERVER_TLS=verify",
	})
	assertError(t, err,
		"SERVER_KEY_FILE: no such file",
		"SERVER_PORT: not a port: want 1 to 65535",
		"SERVER_MAX_CONNS: not a whole number",
		"SERVER_WAIT: not a duration with a unit, such as 30s",
		"SERVER_VERBOSE: not true or false",
		"SERVER_LEVEL: not a valid slog.Level",
		"SERVER_USER: not set")
	if cfg.TLS.Mode != "verify" || cfg.Numbers.Port != 4222 {
		t.Errorf("what could be read, and the defaults, did not come with the error: %+v", cfg)
	}
}

func TestLoadSaysWhatIsWrongWithANumber(t *testing.T) {
	for pair, want := range map[string]string{
		"SERVER_MAX_CONNS=1.5":         "not a whole number",
		"SERVER_MAX_CONNS=0x10":        "not a whole number",
		"SERVER_MAX_CONNS=1 1":         "not a whole number",
		"SERVER_MAX_CONNS=1\t1":        "has a control character",
		"SERVER_MAX_CONNS=-1":          "must not be negative",
		"SERVER_MAX_CONNS=99999999999": "out of range",
		"SERVER_WAIT=-1s":              "must not be negative",
		"SERVER_WAIT=5":                "not a duration with a unit, such as 30s",
		"SERVER_WAIT=9999999h":         "too long: a duration is at most 292 years, or 2562047h",
		"SERVER_WAIT=9999999999h":      "too long: a duration is at most 292 years, or 2562047h",
		"SERVER_VERBOSE=yes":           "not true or false",
	} {
		name, _, _ := strings.Cut(pair, "=")
		_, err := config.LoadFrom[fullConfig]("server", []string{pair})
		assertError(t, err, name+": "+want)
	}
}

func TestLoadAllowsZeroAndANegativeLevel(t *testing.T) {
	cfg, err := config.LoadFrom[fullConfig]("server", []string{
		"SERVER_MAX_CONNS=0", "SERVER_WAIT=0", "SERVER_LEVEL=DEBUG-2",
	})
	if err != nil || cfg.Conns != 0 || cfg.Wait != 0 || cfg.Level != -6 {
		t.Errorf("%+v, %v", cfg, err)
	}
}

func TestLoadKeepsTheErrorsOfParsersOutOfTheChain(t *testing.T) {
	_, err := config.LoadFrom[fullConfig]("server", []string{
		"SERVER_PORT=Zq7#x", "SERVER_MAX_CONNS=Zq7#x", "SERVER_WAIT=Zq7#x", "SERVER_VERBOSE=Zq7#x",
		"SERVER_LEVEL=Zq7#x", "SERVER_PASSWORD_FILE=Zq7#x",
	})
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 6 {
		t.Errorf("%d lines: %v", lines, err)
	}
	assertHidden(t, "the error", err.Error())
	for _, target := range []any{
		new(*url.Error), new(*strconv.NumError), new(*fs.PathError), new(env.ParseError),
		new(env.AggregateError), new(env.ParseValueError), new(env.LoadFileContentError),
	} {
		if errors.As(err, target) {
			t.Errorf("%T is in the chain of %v", target, err)
		}
	}
}

func TestEachInstanceReadsItsOwnVariablesOnly(t *testing.T) {
	environ := []string{
		"SERVER_HOST=default", "SERVER_EAST_1_HOST=east", "WEST_SERVER_HOST=west",
		"SERVERHOST=alias", "LOG_LEVEL=error",
	}
	for name, want := range map[string]string{
		"server": "default", "server-east-1": "east", "west-server": "west", "server-north": "localhost",
	} {
		cfg, err := config.LoadFrom[fullConfig](name, environ)
		if err != nil || cfg.Host != want {
			t.Errorf("%s: host %q, %v; want %q", name, cfg.Host, err, want)
		}
		if name != "server" && cfg.Level != 0 {
			t.Errorf("%s read an alias", name)
		}
	}
}

func TestAliasesAreReadInOrderWhenTheirVariableIsUnset(t *testing.T) {
	for _, test := range []struct {
		environ []string
		want    slog.Level
	}{
		{[]string{"LOGLEVEL=error"}, slog.LevelError},
		{[]string{"LOGLEVEL=error", "LOG_LEVEL=warn"}, slog.LevelWarn},
		{[]string{"LOGLEVEL=error", "LOG_LEVEL="}, slog.LevelError},
		{[]string{"LOGLEVEL=error", "SERVER_LEVEL=debug"}, slog.LevelDebug},
		{[]string{"LOGLEVEL=error", "SERVER_LEVEL="}, slog.LevelError},
	} {
		cfg, err := config.LoadFrom[fullConfig]("server", test.environ)
		if err != nil || cfg.Level != test.want {
			t.Errorf("%v: %v, %v", test.environ, cfg.Level, err)
		}
	}
	cfg, err := config.LoadFrom[fullConfig]("server", []string{"SERVERHOST=alias"})
	if err != nil || cfg.Host != "alias" {
		t.Errorf("the default beat the alias: %q, %v", cfg.Host, err)
	}
}

func TestLoadRefusesANameThatTheRegistryRefuses(t *testing.T) {
	for _, name := range []string{
		"", "-", "MySQL", "mysql_replica", "mysql-", "-mysql", "mysql--a", "1mysql", "my sql", "mysqlé", "a\n",
	} {
		if _, err := config.LoadFrom[fullConfig](name, nil); err == nil {
			t.Errorf("%q passed", name)
		} else if want := "config: bad name " + strconv.Quote(name); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v does not begin with %s", err, want)
		}
	}
	for _, name := range []string{"a", "mysql", "mysql-2", "a-b-c", "redis7"} {
		if _, err := config.LoadFrom[fullConfig](name, nil); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestPrefixIsTheNameInUpperCase(t *testing.T) {
	for name, want := range map[string]string{
		"mysql": "MYSQL_", "mysql-replica": "MYSQL_REPLICA_", "reports-mysql": "REPORTS_MYSQL_",
	} {
		if got := config.Prefix(name); got != want {
			t.Errorf("Prefix(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestDefaultsFillsZeroFieldsOnly(t *testing.T) {
	t.Setenv("HOST", "not read")
	got := config.Defaults(fullConfig{Conns: 3, Level: slog.LevelWarn, internal: "kept"})
	want := fullConfig{
		Host: "localhost", Port: 4222, Conns: 3, Wait: 5 * time.Second, Level: slog.LevelWarn,
		internal: "kept",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
}

func TestDefaultsDoesNotAskForRequiredFields(t *testing.T) {
	type requiring struct {
		User  string `env:"USER,required"`
		Conns int    `env:"MAX_CONNS" envDefault:"20"`
	}
	if got := config.Defaults(requiring{}); got.Conns != 20 {
		t.Errorf("%+v", got)
	}
}

func TestWhatLoadReturnsIsTheSameInCodeAndSaysNoMore(t *testing.T) {
	loaded, err := config.LoadFrom[fullConfig]("server", []string{"SERVER_HOST=h", "SERVER_MAX_CONNS=0"})
	if err != nil {
		t.Fatal(err)
	}
	given := config.InCode(loaded)
	cfg, vars, err := config.LoadOr("server", &given)
	if err != nil || !reflect.DeepEqual(cfg, loaded) {
		t.Errorf("%+v, %v; want %+v", cfg, err, loaded)
	}
	for key, want := range map[string]bool{"HOST": true, "MAX_CONNS": true, "PORT": false, "WAIT": false, "LEVEL": false} {
		if vars.IsSet(key) != want {
			t.Errorf("%s is set: %t", key, !want)
		}
	}
}
