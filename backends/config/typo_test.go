package config_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vibework/mooring/backends/config"
)

type typoConfig struct {
	URL      config.Secret `env:"URL" alias:"MYSQL_URL=DATABASE_URL"`
	DSN      config.Secret `env:"DSN"`
	Host     string        `env:"HOST"`
	Port     config.Port   `env:"PORT"`
	User     string        `env:"USER"`
	Password config.Secret `env:"PASSWORD"`
	Database string        `env:"DATABASE"`
	DB       string        `env:"DB"`
	Conns    int           `env:"MAX_OPEN_CONNS"`
	MaxPool  int           `env:"MAX_POOL_SIZE"`
	Emulator string        `env:"EMULATOR_HOST"`
	TLS      config.TLS
}

func TestVariableThatIsATypoIsFoundOut(t *testing.T) {
	for name, want := range map[string]string{
		"MYSQL_HOSTT":           "MYSQL_HOST",
		"mysql_host":            "MYSQL_HOST",
		"Mysql_Password_File":   "MYSQL_PASSWORD_FILE",
		"MYSQL_HOSTS":           "MYSQL_HOST",
		"MYSQL_HSOT":            "MYSQL_HOST",
		"MYSQL_OST":             "MYSQL_HOST",
		"MYSQL_H0ST":            "MYSQL_HOST",
		"MYSLQ_HOST":            "MYSQL_HOST",
		"MYSQ_HOST":             "MYSQL_HOST",
		"MYSQL__HOST":           "MYSQL_HOST",
		"MYSQL_HOST_":           "MYSQL_HOST",
		"_MYSQL_HOST":           "MYSQL_HOST",
		"MYSQLHOST":             "MYSQL_HOST",
		"MYSQL_URI":             "MYSQL_URL",
		"MYSQL_DNS":             "MYSQL_DSN",
		"MYSQL_URL_FIEL":        "MYSQL_URL_FILE",
		"MYSQL_PASWORD":         "MYSQL_PASSWORD",
		"MYSQL_PASWORDD":        "MYSQL_PASSWORD",
		"MYSQL_PASSWORDFILE":    "MYSQL_PASSWORD_FILE",
		"MYSQL_PASSWORD_FLIE":   "MYSQL_PASSWORD_FILE",
		"MYSQL_MAX_OPEN_CONN":   "MYSQL_MAX_OPEN_CONNS",
		"MYSQL_MAXOPENCONNS":    "MYSQL_MAX_OPEN_CONNS",
		"MYSQL_TLS_SERVERNAME":  "MYSQL_TLS_SERVER_NAME",
		"DATABASE_URI":          "DATABASE_URL",
		"DATABSE_URL_FILE":      "DATABASE_URL_FILE",
		"MYSQL_EMULATORHOST":    "MYSQL_EMULATOR_HOST",
		"MYSQL_TLS_CAFILE":      "MYSQL_TLS_CA_FILE",
		"MYSQL_DATABASE_":       "MYSQL_DATABASE",
		"MYSQL_PASSWORD__FILE_": "MYSQL_PASSWORD_FILE",
		"\ufeffMYSQL_HOST":      "MYSQL_HOST",
		"\ufeffMYSQL_HOSTT":     "MYSQL_HOST",
	} {
		if got := config.Nearest(name, reads("mysql")); got != want {
			t.Errorf("%s: did you mean %q? want %q", name, got, want)
		}
	}
}

func TestVariableOfAnotherThingIsNoTypo(t *testing.T) {
	for instance, names := range map[string][]string{
		"mysql": {
			"MYSQL_1_HOST", "MYSQL_B_HOST", "MYSQL_EU_HOST", "MYSQL_REPLICA_HOST", "B_MYSQL_HOST",
			"MYSQL2_HOST", "MYSQL_HOST2", "MYSQL_HOST_2", "MYSQL_HOME", "MYSQL_PWD", "MYSQL_TCP_PORT",
			"MYSQL_ROOT_PASSWORD", "MYSQL_SSL", "MYSQL_TTL", "MYSQL_ID", "MYSQL_IDS", "MYSQL_PASS",
			"MYSQL_EMULATOR_PORT", "MYSQL_MIN_POOL_SIZE", "MYSQL_MAX_IDLE_CONNS", "MYSQL_TLS_KEY",
			"MYSQL_HISTFILE", "DATABASE_DSN", "MYSQL", "HOST", "PATH", "MYSQL_", "_", "", "REDIS_URL", "MSSQL_PORT_X",
		},
		"mysql-a": {"MYSQL_B_HOST", "MYSQL_HOST", "MYSQL_AB_HOST", "A_HOST", "DATABASE_URI"},
		"mysql-1": {"MYSQL_2_HOST", "MYSQL_HOST", "MYSQL_11_HOST"},
		"eu":      {"US_HOST", "EV_HOST", "E_HOST", "PG_HOST", "EU2_HOST"},
	} {
		for _, name := range names {
			if got := config.Nearest(name, reads(instance)); got != "" {
				t.Errorf("%s: %s taken for a typo of %s", instance, name, got)
			}
		}
	}
}

func TestNearestNameIsSuggestedAndTheFirstOfEquals(t *testing.T) {
	known := []string{"X_COLOURS", "X_COLOUR", "X_BOATS", "X_BOARS", "maxSize", "maxsize"}
	for name, want := range map[string]string{
		"X_COLOURR": "X_COLOUR", // one edit from both
		"X_COLORS":  "X_COLOURS",
		"MAXSIZE":   "maxSize",
		"MAXSIEZ":   "maxSize",
		"X_BOAXS":   "X_BOARS",
	} {
		if got := config.Nearest(name, known); got != want {
			t.Errorf("%s: did you mean %s? want %s", name, got, want)
		}
	}
}

func TestTypoIsLoggedOnceWithBothNamesAndNoValue(t *testing.T) {
	log := captureLog(t)
	name := newInstance()
	prefix := config.Prefix(name)
	environ := []string{prefix + "HOSTT=Zq7#xKvJ", prefix + "PASSWRD=Zq7#xKvJ", prefix + "URI="}
	for range 3 {
		if _, err := config.LoadFrom[typoConfig](name, environ); err != nil {
			t.Fatal(err)
		}
	}
	want := fmt.Sprintf(`level=WARN msg="%[1]sHOSTT is not read; did you mean %[1]sHOST?"`+
		` variable=%[1]sHOSTT suggestion=%[1]sHOST
level=WARN msg="%[1]sPASSWRD is not read; did you mean %[1]sPASSWORD?"`+
		` variable=%[1]sPASSWRD suggestion=%[1]sPASSWORD
`, prefix)
	if log.String() != want {
		t.Errorf("log:\n%s\nwant:\n%s", log, want)
	}
}

func TestTypoIsLoggedAlsoWhenLoadFails(t *testing.T) {
	type requiring struct {
		Host string `env:"HOST,required"`
	}
	log := captureLog(t)
	name := newInstance()
	_, err := config.LoadFrom[requiring](name, []string{config.Prefix(name) + "HOSTT=h"})
	if err == nil || !strings.Contains(log.String(), "HOSTT is not read") {
		t.Errorf("%v; log: %s", err, log)
	}
}

func TestVariableThatAnyInstanceReadsIsNoTypo(t *testing.T) {
	type other struct {
		Hosts string `env:"HOSTS"`
	}
	log := captureLog(t)
	name := newInstance()
	environ := []string{config.Prefix(name) + "HOSTS=h"}
	if _, err := config.LoadFrom[other](name, environ); err != nil {
		t.Fatal(err)
	}
	if _, err := config.LoadFrom[typoConfig](name, environ); err != nil {
		t.Fatal(err)
	}
	if log.Len() != 0 {
		t.Errorf("log: %s", log)
	}
}

func TestVariableThatKubernetesSetsIsNoTypo(t *testing.T) {
	type service struct {
		Host string `env:"SERVICE_HOSTS"`
		Port string `env:"SERVICE_PORTS"`
		HTTP string `env:"SERVICE_PORT_HTTPS"`
		Link string `env:"PORTS"`
		Addr string `env:"PORT_80_TCP_ADDRS"`
		Bare string `env:"PORT_80_TCPS"`
		Twin string `env:"PORT_PORT_80_TCPS"`
		Name string `env:"NAMES"`
	}
	log := captureLog(t)
	name := newInstance()
	prefix := config.Prefix(name)
	_, err := config.LoadFrom[service](name, []string{
		prefix + "SERVICE_HOST=10.0.0.1", prefix + "SERVICE_PORT=80", prefix + "SERVICE_PORT_HTTP=80",
		prefix + "PORT=tcp://10.0.0.1:80", prefix + "PORT_80_TCP=tcp://10.0.0.1:80",
		prefix + "PORT_80_TCP_ADDR=10.0.0.1",
		prefix + "PORT_PORT_80_TCP=tcp://10.0.0.1:80", // of a Service that is called so
		prefix + "NAME=/web/db",                       // the last one of a link of Docker
	})
	if err != nil || log.Len() != 0 {
		t.Errorf("%v; log: %s", err, log)
	}
	if _, err := config.LoadFrom[service](name, []string{prefix + "PORT=80"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "PORT is not read") {
		t.Error("a plain PORT was taken for Kubernetes's")
	}
}

func TestConcurrentLoadsLogATypoOnce(t *testing.T) {
	log := captureLog(t)
	name := newInstance()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_, _ = config.LoadFrom[typoConfig](name, []string{config.Prefix(name) + "HOSTT=h"})
		})
	}
	group.Wait()
	if got := strings.Count(log.String(), "HOSTT is not read"); got != 1 {
		t.Errorf("%d warnings", got)
	}
}

func TestEditsCountsUpToThree(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"HOST", "HOST", 0},
		{"", "AB", 2},
		{"", "ABC", 3},
		{"HOST", "HOSTT", 1},
		{"HOST", "HSOT", 1},
		{"HOST", "OHTS", 2},
		{"HOST", "POST", 1},
		{"HOST", "PORT", 2},
		{"DIAL", "READ", 3},
		{"CA", "ABC", 3},
		{"ABCDEF", "FEDCBA", 3},
	} {
		if got := config.Edits(test.a, test.b); got != test.want {
			t.Errorf("Edits(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
		if got := config.Edits(test.b, test.a); got != test.want {
			t.Errorf("Edits(%q, %q) = %d, want %d", test.b, test.a, got, test.want)
		}
	}
}

// reads returns every variable that an instance of typoConfig reads.
func reads(instance string) []string {
	var names []string
	for _, v := range config.Describe[typoConfig](instance) {
		for _, name := range append(v.Aliases, v.Name) {
			names = append(names, name)
			if v.File {
				names = append(names, name+"_FILE")
			}
		}
	}
	return names
}

var instances atomic.Int32

// newInstance returns a name that is new also when the tests run again in the same process, since a
// typo is logged once in the life of the process. Names that differ in digits never suggest each other.
func newInstance() string { return fmt.Sprintf("instance%d", instances.Add(1)) }

// captureLog makes the default logger write to the buffer until the test ends.
func captureLog(t *testing.T) *bytes.Buffer {
	var out bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	return &out
}
