package config_test

import (
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
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
		"PASSWORD=a\nPASSWORD_FILE=b\nMAX_CONNS=-1\nWAIT=-1s",
		"PASSWORD_FILE=/dev/null\nHOSTT=x\n=\nPORT==", "MAX_CONNS=99999999999", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		var environ []string
		for line := range strings.SplitSeq(lines, "\n") {
			if !strings.HasPrefix(line, "PASSWORD_FILE=/") { // what a device gives has no end
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
var sentences = []string{
	"SERVER_PORT: not a port: want 1 to 65535",
	"SERVER_PASSWORD: set together with SERVER_PASSWORD_FILE; keep one of the two",
	"SERVER_PASSWORD_FILE: no such file",
	"SERVER_PASSWORD_FILE: permission denied",
	"SERVER_PASSWORD_FILE: is a directory",
	"SERVER_PASSWORD_FILE: larger than 1 MiB",
	"SERVER_PASSWORD_FILE: not a readable file",
	"SERVER_PASSWORD_FILE: the file is empty",
	"SERVER_MAX_CONNS: must not be negative",
	"SERVER_MAX_CONNS: not a whole number",
	"SERVER_MAX_CONNS: out of range",
	"SERVER_WAIT: must not be negative",
	"SERVER_WAIT: not a duration with a unit, such as 30s",
	"SERVER_VERBOSE: not true or false",
	"SERVER_LEVEL: not a valid slog.Level",
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
		if n := config.Edits(name, meant); n == 0 || n > config.MaxEdits || n != config.Edits(meant, name) {
			t.Errorf("%q: %q is %d edits away", name, meant, n)
		}
	})
}
