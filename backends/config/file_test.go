package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
)

type fileConfig struct {
	URL      config.Secret `env:"URL" alias:"FILES_URL=FILE_SERVER_URL"`
	Password config.Secret `env:"PASSWORD"`
	User     string        `env:"USER"`
}

func TestSecretFileLosesOneNewlineAtItsEnd(t *testing.T) {
	for content, want := range map[string]string{
		"hunter2":          "hunter2",
		"hunter2\n":        "hunter2",
		"hunter2\r\n":      "hunter2",
		"hunter2\r":        "hunter2\r",
		"hunter2\n\n":      "hunter2\n",
		"\n":               "",
		" hunter2 \n":      " hunter2 ",
		"first\nsecond\n":  "first\nsecond",
		"$HOME ${HOME}%\n": "$HOME ${HOME}%",
	} {
		path := writeFile(t, content)
		cfg, err := config.LoadFrom[fileConfig]("files", []string{"FILES_PASSWORD_FILE=" + path})
		if want == "" {
			assertError(t, err, "FILES_PASSWORD_FILE: the file is empty")
			continue
		}
		if got := cfg.Password.Reveal(); err != nil || got != want {
			t.Errorf("%q became %q, %v; want %q", content, got, err, want)
		}
	}
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
		if got := config.FileProblem(err); got != want {
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

func TestOnlySecretsAreReadFromFiles(t *testing.T) {
	path := writeFile(t, "root")
	cfg, err := config.LoadFrom[fileConfig]("files", []string{"FILES_USER_FILE=" + path})
	if err != nil || cfg.User != "" {
		t.Errorf("%q, %v", cfg.User, err)
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
