package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
)

type fileConfig struct {
	URL      config.Secret `env:"URL" alias:"FILES_URL=FILE_SERVER_URL"`
	Password config.Secret `env:"PASSWORD"`
	User     string        `env:"USER"`
}

func TestASecretFileLosesTheWhiteSpaceAtItsEnds(t *testing.T) {
	for content, want := range map[string]string{
		"hunter2":          "hunter2",
		"hunter2\n":        "hunter2",
		"hunter2\r\n":      "hunter2",
		"hunter2\r":        "hunter2",
		"hunter2\n\n":      "hunter2",
		" hunter2 \n":      "hunter2",
		"hun ter2":         "hun ter2",
		"$HOME ${HOME}%\n": "$HOME ${HOME}%",
		"-----BEGIN A KEY-----\nhunter2\n-----END A KEY-----\n": "-----BEGIN A KEY-----\nhunter2\n-----END A KEY-----",
	} {
		path := writeFile(t, content)
		cfg, err := config.LoadFrom[fileConfig]("files", []string{"FILES_PASSWORD_FILE= " + path + "\r"})
		if got := cfg.Password.Reveal(); err != nil || got != want {
			t.Errorf("%q became %q, %v; want %q", content, got, err, want)
		}
	}
	for content, want := range map[string]string{
		"\n":               "FILES_PASSWORD_FILE: the file is empty",
		" ":                "FILES_PASSWORD_FILE: the file is empty",
		"first\nhunter2\n": "FILES_PASSWORD_FILE: has a control character",
	} {
		path := writeFile(t, content)
		_, err := config.LoadFrom[fileConfig]("files", []string{"FILES_PASSWORD_FILE=" + path})
		assertError(t, err, want)
	}
}

func TestWhiteSpaceAtTheEndsOfAValueIsDropped(t *testing.T) {
	for _, space := range []string{"", " ", "\t", "\r", "\n", "\r\n", "\u00a0"} {
		cfg, err := config.LoadFrom[fileConfig]("files", []string{
			"FILES_URL=nats://h/shop" + space, "FILES_USER=" + space + "app" + space, "FILES_PASSWORD=" + space,
		})
		if err != nil || cfg.URL.Reveal() != "nats://h/shop" || cfg.User != "app" || !cfg.Password.IsZero() {
			t.Errorf("%q: %q, %q, %v", space, cfg.URL.Reveal(), cfg.User, err)
		}
	}
}

func TestWhatASecretLosesIsToldOnce(t *testing.T) {
	log := captureLog(t)
	name := newInstance()
	prefix := config.Prefix(name)
	path := writeFile(t, "hunter2 \n")
	for range 2 {
		for _, environ := range [][]string{
			{prefix + "USER=app\r", prefix + "PASSWORD=hunter2\r", prefix + "URL_FILE=" + path},
			{prefix + "PASSWORD_FILE=" + writeFile(t, "hunter2\r\n")},
			{prefix + "PASSWORD=hunter2 # new"},
		} {
			if _, err := config.LoadFrom[fileConfig](name, environ); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := fmt.Sprintf(`level=WARN msg="%[1]sURL_FILE: white space at its ends is dropped" variable=%[1]sURL_FILE
level=WARN msg="%[1]sPASSWORD: white space at its ends is dropped" variable=%[1]sPASSWORD
level=WARN msg="%[1]sPASSWORD: has a comment behind the value: put it on a line of its own; it is taken for a part of the password" variable=%[1]sPASSWORD
`, prefix)
	if log.String() != want {
		t.Errorf("log:\n%s\nwant:\n%s", log, want)
	}
}

func TestAnyOtherControlCharacterIsRefusedByItsVariable(t *testing.T) {
	_, err := config.LoadFrom[fileConfig]("files", []string{
		"FILES_URL=nats://hun\tter2/", "FILES_PASSWORD=hun\rter2", "FILES_USER=hun\x7fter2",
	})
	assertError(t, err, "FILES_URL: has a control character", "FILES_PASSWORD: has a control character",
		"FILES_USER: has a control character")
}

func TestSecretAndItsFileTogetherAreAnErrorThatNamesBoth(t *testing.T) {
	path := writeFile(t, "hunter2")
	_, err := config.LoadFrom[fileConfig]("files", []string{
		"FILES_URL=x", "FILES_URL_FILE=" + path, "FILES_PASSWORD=hunter2", "FILES_PASSWORD_FILE=" + path,
	})
	assertError(t, err,
		"FILES_URL: set together with FILES_URL_FILE; keep one of the two",
		"FILES_PASSWORD: set together with FILES_PASSWORD_FILE; keep one of the two")
}

func TestSecretFileThatCannotBeReadIsNamedByItsVariableOnly(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "hunter2"):   "no such file",
		dir:                             "is a directory",
		"hunter2\x00":                   "not a readable file",
		strings.Repeat("hunter2", 1000): "not a readable file",
		writeFile(t, strings.Repeat("x", 1<<20+1)): "larger than 1 MiB",
	} {
		_, err := config.LoadFrom[fileConfig]("files", []string{"FILES_URL_FILE=" + path})
		assertError(t, err, "FILES_URL_FILE: "+want)
		if _, ok := errors.AsType[*fs.PathError](err); ok {
			t.Errorf("the path is in the chain of %v", err)
		}
	}
}

func TestSecretFileWithoutPermissionSaysSo(t *testing.T) {
	// Root may read any file, so the text is tested apart from the file.
	for err, want := range map[error]string{
		&fs.PathError{Op: "open", Path: "hunter2", Err: fs.ErrPermission}: "permission denied",
		&fs.PathError{Op: "open", Path: "hunter2", Err: fs.ErrInvalid}:    "not a readable file",
	} {
		if got := config.FileError(err).Error(); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}

func TestSecretFileOfOneMebibyteIsRead(t *testing.T) {
	path := writeFile(t, strings.Repeat("x", 1<<20))
	cfg, err := config.LoadFrom[fileConfig]("files", []string{"FILES_URL_FILE=" + path})
	if got := len(cfg.URL.Reveal()); err != nil || got != 1<<20 {
		t.Errorf("%d bytes, %v", got, err)
	}
}

func TestEmptyFileVariableCountsAsUnset(t *testing.T) {
	cfg, err := config.LoadFrom[fileConfig]("files", []string{"FILES_URL=u", "FILES_URL_FILE="})
	if err != nil || cfg.URL.Reveal() != "u" {
		t.Errorf("%v, %v", cfg.URL.Reveal(), err)
	}
}

func TestAliasOfASecretHasAFileToo(t *testing.T) {
	path := writeFile(t, "from the alias's file\n")
	cfg, err := config.LoadFrom[fileConfig]("files", []string{"FILE_SERVER_URL_FILE=" + path})
	if err != nil || cfg.URL.Reveal() != "from the alias's file" {
		t.Errorf("%q, %v", cfg.URL.Reveal(), err)
	}
	_, err = config.LoadFrom[fileConfig]("files", []string{
		"FILE_SERVER_URL=x", "FILE_SERVER_URL_FILE=" + path,
	})
	assertError(t, err, "FILE_SERVER_URL: set together with FILE_SERVER_URL_FILE; keep one of the two")
}

func TestEveryVariableButAPathIsReadFromItsFile(t *testing.T) {
	cfg, err := config.LoadFrom[fullConfig]("server", []string{
		"SERVER_HOST_FILE=" + writeFile(t, "db.internal\n"),
		"SERVER_PORT_FILE=" + writeFile(t, "4333"),
		"SERVER_PASSWORD_FILE=" + writeFile(t, "\ufeffhunter2\r\n"),
		"SERVER_MAX_CONNS_FILE='" + writeFile(t, "7\r\n") + "'",
		"SERVER_WAIT_FILE=" + writeFile(t, "5s"),
	})
	if err != nil || cfg.Host != "db.internal" || cfg.Port != 4333 || cfg.Password.Reveal() != "hunter2" ||
		cfg.Conns != 7 || cfg.Wait != 5*time.Second {
		t.Errorf("%+v, %v", cfg, err)
	}
	_, err = config.LoadFrom[fullConfig]("server", []string{
		"SERVER_HOST=h", "SERVER_HOST_FILE=/no/such", "SERVER_MAX_CONNS_FILE=" + writeFile(t, "hunter2"),
		"SERVER_WAIT_FILE=/no/such",
	})
	assertError(t, err, "SERVER_HOST: set together with SERVER_HOST_FILE; keep one of the two",
		"SERVER_MAX_CONNS_FILE: not a whole number", "SERVER_WAIT_FILE: no such file")
	type paths struct {
		TLS config.TLS
	}
	none, err := config.LoadFrom[paths]("server", []string{"SERVER_TLS_CA_FILE_FILE=/no/such"})
	if err != nil || none.TLS.CAFile != "" {
		t.Errorf("%+v, %v", none, err)
	}
}

func TestFilesAreThoseThatTheEnvironmentNames(t *testing.T) {
	for name, value := range map[string]string{
		"FILES_PASSWORD_FILE": " /run/password\r", "FILES_USER_FILE": "'/run/user'", "FILES_USER": "",
		"FILE_SERVER_URL_FILE": "/run/url",
	} {
		t.Setenv(name, value)
	}
	if got := config.Files[fileConfig]("files"); !slices.Equal(got, []string{"/run/url", "/run/password", "/run/user"}) {
		t.Errorf("%q", got)
	}
	if got := config.Files[fileConfig]("files-b"); got != nil {
		t.Errorf("%q of another instance", got)
	}
}

func TestAVariableIsNamedByWhatHasSetIt(t *testing.T) {
	for name, test := range map[string]struct {
		environ, want string
		isSet         bool
	}{
		"itself":        {"FILES_URL=u", "FILES_URL", true},
		"nothing":       {"FILES_USER=u", "FILES_URL", false},
		"an alias":      {"FILE_SERVER_URL=u", "FILE_SERVER_URL", true},
		"a file":        {"FILES_URL_FILE=/no/such", "FILES_URL_FILE", true},
		"an alias file": {"FILE_SERVER_URL_FILE=/no/such", "FILE_SERVER_URL_FILE", true},
		"both":          {"FILES_URL=u FILES_URL_FILE=/no/such", "FILES_URL", true},
		"white space":   {"FILES_URL=\u00a0 FILE_SERVER_URL=u", "FILE_SERVER_URL", true},
	} {
		t.Run(name, func(t *testing.T) {
			for pair := range strings.SplitSeq(test.environ, " ") {
				variable, value, _ := strings.Cut(pair, "=")
				t.Setenv(variable, value)
			}
			_, vars, _ := config.LoadOr[fileConfig]("files", nil)
			if got := vars.Name("URL"); got != test.want || vars.IsSet("URL") != test.isSet {
				t.Errorf("got %s, set: %v", got, vars.IsSet("URL"))
			}
		})
	}
}

func TestAnAliasThatSaysSomethingElseIsToldOf(t *testing.T) {
	type aliased struct {
		URL  config.Secret `env:"URL" alias:"ALIASED_URL=ALIASED_A_URL,ALIASED_B_URL"`
		Host string        `env:"HOST" alias:"ALIASED_HOST=ALIASED_SERVER"`
	}
	log := captureLog(t)
	environ := []string{"ALIASED_A_URL=u", "ALIASED_B_URL=hunter2", "ALIASED_HOST=h", "ALIASED_SERVER=h "}
	cfg, err := config.LoadFrom[aliased]("aliased", environ)
	if err != nil || cfg.URL.Reveal() != "u" || cfg.Host != "h" {
		t.Errorf("%+v, %v", cfg, err)
	}
	const want = "level=INFO msg=\"ALIASED_B_URL is not read, and ALIASED_A_URL is set\" variable=ALIASED_B_URL\n"
	if log.String() != want {
		t.Errorf("told %s", log)
	}
}

func TestAVariableOfAConfigInCodeIsNamedByItself(t *testing.T) {
	t.Setenv("FILE_SERVER_URL", "u")
	_, vars, err := config.LoadOr("files", &fileConfig{User: "app"})
	if err != nil || vars.Name("URL") != "FILES_URL" || vars.IsSet("URL") || !vars.IsSet("USER") {
		t.Errorf("%s is set: %v; %v", vars.Name("URL"), vars.IsSet("URL"), err)
	}
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// assertError fails unless err consists of these lines.
func assertError(t *testing.T, err error, lines ...string) {
	t.Helper()
	if want := strings.Join(lines, "\n"); err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}
