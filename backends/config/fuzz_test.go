package config_test

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/internal/canary"
)

// FuzzLoadFrom checks that an error consists of fixed sentences about known variables: what an error
// never takes from the environment, it cannot leak.
func FuzzLoadFrom(f *testing.F) {
	before := slog.Default()
	f.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))

	for _, seed := range []string{
		"HOST=h\nPORT=tcp://10.0.0.1:1\nPASSWORD=hunter2\nMAX_CONNS=7\nWAIT=5s\nVERBOSE=1\nLEVEL=warn",
		"PORT=hunter2\nMAX_CONNS=hunter2\nWAIT=hunter2\nVERBOSE=hunter2\nLEVEL=hunter2",
		"PASSWORD=a\nPASSWORD_FILE=b\nMAX_CONNS=-1\nWAIT=-1s", "HOST='a # b'\nPORT=${PORT}",
		"PASSWORD_FILE=/dev/null\nHOSTT=x\n=\nPORT==", "MAX_CONNS=99999999999", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		var environ []string
		for line := range strings.SplitSeq(lines, "\n") {
			if name, _, _ := strings.Cut(line, "="); !strings.HasSuffix(name, "_FILE") || line == "PASSWORD_FILE=b" {
				environ = append(environ, "SERVER_"+line)
			}
		}
		cfg, err := config.LoadFrom[fullConfig]("server", environ)
		if err == nil {
			if cfg.Host == "" || cfg.Port == 0 || cfg.Conns < 0 || cfg.Wait < 0 {
				t.Errorf("%q was loaded as %+v", environ, cfg)
			}
			return
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if !slices.Contains(sentences, line) {
				t.Errorf("%q: unknown sentence %q", environ, line)
			}
		}
	})
}

// sentences are all that can be said about the variables of fullConfig.
var sentences = func() (all []string) {
	for name, own := range map[string][]string{
		"HOST":      nil,
		"PASSWORD":  {"has a ${...} that nothing has expanded; write %24%7B if it is meant so"},
		"PORT":      {"not a port: want 1 to 65535"},
		"MAX_CONNS": {"must not be negative", "not a whole number", "out of range"},
		"WAIT":      {"must not be negative", "not a duration with a unit, such as 30s", "too long: a duration is at most 292 years, or 2562047h"},
		"VERBOSE":   {"not true or false"},
		"LEVEL":     {"not a valid slog.Level"},

		"TLS": nil, "TLS_CA_FILE": nil, "TLS_CERT_FILE": nil, "TLS_KEY_FILE": nil, "TLS_SERVER_NAME": nil,
	} {
		for _, text := range append(own, "has a control character", "has a ${...} that nothing has expanded",
			"has a comment behind the value: put it on a line of its own", "has a character that cannot be seen",
			"set together with SERVER_"+name+"_FILE; keep one of the two") {
			all = append(all, "SERVER_"+name+": "+text, "SERVER_"+name+"_FILE: "+text)
		}
		for _, text := range []string{
			"no such file", "permission denied", "is a directory", "larger than 1 MiB", "not a readable file",
			"the file is empty", "want the path of a file, not its content",
		} {
			all = append(all, "SERVER_"+name+"_FILE: "+text)
		}
	}
	return all
}()

// FuzzClean checks that what is left of a value is a part of it, and that no character at its ends is invisible.
func FuzzClean(f *testing.F) {
	before := slog.Default()
	f.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.DiscardHandler))
	for _, seed := range []string{
		"db", " 'db' ", "\ufeff\"db\"\r", "''", "'", "a # b", "${A}", "$(A)", "mysql://a:${B}@h", "-----BEGIN X", "\x00", "a\u200bb",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		cfg, err := config.LoadFrom[valueConfig]("value", []string{"VALUE_HOST=" + value, "VALUE_PASSWORD=" + value})
		for _, got := range []string{cfg.Host, cfg.Password.Reveal()} {
			if !strings.Contains(value, got) || strings.TrimSpace(got) != got || strings.Trim(got, "\ufeff") != got {
				t.Errorf("%q became %q", value, got)
			}
		}
		for line := range strings.SplitSeq(fmt.Sprint(err), "\n") {
			name, text, _ := strings.Cut(line, ": ")
			if err != nil && !slices.Contains(sentences, "SERVER_PASSWORD: "+text) ||
				err != nil && name != "VALUE_HOST" && name != "VALUE_PASSWORD" {
				t.Errorf("%q: unknown sentence %q", value, line)
			}
		}
	})
}

func FuzzDidYouMean(f *testing.F) {
	for _, seed := range []string{
		"MYSQL_HOSTT", "MYSQL_HOST", "MYSLQ_HOST", "MYSQL__HOST", "MYSQL_B_HOST", "DATABASE_URI", "_", "",
		"MYSQL_HÖST", strings.Repeat("_", 99),
	} {
		f.Add(seed)
	}
	known := reads("mysql")
	f.Fuzz(func(t *testing.T, name string) {
		meant := config.Nearest(name, known)
		if meant == "" {
			return
		}
		if meant == name || !slices.Contains(known, meant) {
			t.Errorf("%q: did you mean %q?", name, meant)
		}
		if strings.EqualFold(name, meant) {
			return
		}
		if n := config.Edits(name, meant); n == 0 || n > config.MaxEdits || n != config.Edits(meant, name) {
			t.Errorf("%q: %q is %d edits away", name, meant, n)
		}
	})
}

// FuzzValue puts what holds a secret into a variable of each type.
func FuzzValue(f *testing.F) {
	for _, around := range [][2]string{
		{"", ""}, {"30", "s"}, {"tcp://h:", ""}, {"1", ""}, {"-", ""}, {"true", ""}, {"0x", ""}, {"/no/such/", "\x00"},
	} {
		f.Add(around[0], around[1])
	}
	names := []string{"PORT", "MAX_CONNS", "WAIT", "VERBOSE", "LEVEL", "PASSWORD_FILE"}
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := canary.New(before, after)
		for _, name := range names {
			_, err := config.LoadFrom[fullConfig]("server", []string{"SERVER_" + name + "=" + secret.Value})
			if err == nil {
				t.Errorf("%s takes %q", name, secret.Value)
			}
			secret.AbsentFrom(t, err)
			canary.NoParserIn(t, err)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"30s", "5m", "1h2m3.5s", "-1s", "5", "1e9s", "9999999h", "", "s", " ", "\u00a05s", "'5s'"} {
		f.Add(seed)
	}
	dropped := func(r rune) bool {
		return strings.ContainsRune(`'"`, r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsFunc(text, dropped) {
			return // FuzzClean is about these
		}
		cfg, err := config.LoadFrom[fullConfig]("server", []string{"SERVER_WAIT=" + text})
		want, parseErr := time.ParseDuration(text)
		switch {
		case text == "":
		case (err == nil) != (parseErr == nil && want >= 0):
			t.Errorf("%q: %v", text, err)
		case err == nil && cfg.Wait != want:
			t.Errorf("%q is %v, want %v", text, cfg.Wait, want)
		}
		canary.NoParserIn(t, err)
	})
}

// FuzzTLS puts what holds a secret into the variables and the files of a TLS.
func FuzzTLS(f *testing.F) {
	for _, around := range [][2]string{
		{"", ""}, {"verify", ""}, {"-----BEGIN CERTIFICATE-----\n", "\n-----END CERTIFICATE-----\n"}, {"/no/such/", "\x00"},
	} {
		f.Add(around[0], around[1])
	}
	path := filepath.Join(f.TempDir(), "file.pem")
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := canary.New(before, after)
		if err := os.WriteFile(path, []byte(secret.Value), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, c := range []config.TLS{
			{Mode: secret.Value},
			{CAFile: secret.Value},
			{CAFile: path},
			{CertFile: path, KeyFile: path},
			{CertFile: secret.Value, KeyFile: secret.Value},
		} {
			_, err := c.Config("server", "h")
			if err == nil {
				t.Errorf("a TLS with %q was accepted", secret.Value)
			}
			secret.AbsentFrom(t, err)
			canary.NoParserIn(t, err)
		}
	})
}
