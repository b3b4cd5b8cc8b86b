package kit_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/internal/tlstest"
)

// memoOptions are a little of everything. What is read is written into got.
func memoOptions(vars config.Variables, got *strings.Builder, timeout *time.Duration, pool *int) kit.URLOptions {
	note := func(name, value string) error {
		if value == "bad" {
			return errors.New("a parser quotes bad")
		}
		got.WriteString(name + "=" + value + " ")
		return nil
	}
	return kit.URLOptions{Vars: vars, Known: []kit.URLOption{
		{Names: "mode=fast", Set: func(name, _ string) error { return note(name, "warp") }},
		{Names: "compress parseTime", Set: note, Text: "true or false"},
		{Names: "searchPath", Also: "schema search_path", Set: note},
		{Names: "timeout:s", Also: "connectTimeout:ms", Field: timeout, Key: "TIMEOUT"},
		{Names: "poolSize", Also: "pool_size", Field: pool, Key: "POOL_SIZE"},
		{Names: "mode useUnicode"},
		{Names: "sslca ssl_ca", Text: "set PREFIX_TLS_CA_FILE"},
	}}
}

func TestEachOptionOfAURLHasItsRule(t *testing.T) {
	const known = "; these are known: compress, mode, parseTime, poolSize, searchPath, timeout"
	for query, want := range map[string]string{
		"compress=true&parseTime=1": "compress=true parseTime=1 ",
		"schema=a":                  "searchPath=a ",
		"search_path=a":             "searchPath=a ",
		"mode=fast":                 "mode=warp ",
		"mode=slow&useUnicode=1":    "",
		"timeout=3":                 "3s ",
		"timeout=3m":                "3m0s ",
		"connectTimeout=1500":       "1.5s ",
		"pool_size=7":               "7 ",

		"compress=bad":             "option compress: not true or false",
		"schema=bad":               "option schema: a parser quotes bad",
		"poolSize=-1":              "option poolSize: not a whole number from 0",
		"timeout=soon":             "option timeout: not a duration with a unit, such as 30s",
		"timeout=9999999999h":      "option timeout: too long: a duration is at most 292 years, or 2562047h",
		"ssl_ca=x&sslca=y":         "option ssl_ca: not supported: set MEMO_TLS_CA_FILE; option sslca: not supported: set MEMO_TLS_CA_FILE",
		"schema=a%00":              "option schema: has a control character",
		"compress=true&compress=0": "option compress: set more than once",
		"schema=a&search_path=a":   "searchPath=a searchPath=a ",
		"schema=a&search_path=b":   "option search_path: is set as schema, too, to another value; remove one",
		"timeout=3&connectTimeout": "option connectTimeout: not a duration with a unit, such as 30s; option timeout: is set as connectTimeout, too, to another value; remove one",
		"COMPRESS=true":            `option "COMPRESS" is unknown; did you mean compress?`,
		"serch_path=x":             `option "serch_path" is unknown; did you mean search_path?`,
		"ZQXVKJ=1":                 "an option after the ? is unknown" + known,
		"ZQXVKJ=1&ZQXVKK=2":        "an option after the ? is unknown" + known,
	} {
		var got strings.Builder
		var timeout time.Duration
		var pool int
		given, _ := url.ParseQuery(query)
		err := memoOptions(variables(t, "memo"), &got, &timeout, &pool).Read("MEMO_URL", given)
		if timeout != 0 && err == nil {
			fmt.Fprint(&got, timeout, " ")
		}
		if pool != 0 && err == nil {
			fmt.Fprint(&got, pool, " ")
		}
		if err != nil {
			got.Reset()
			got.WriteString(strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		if got.String() != want {
			t.Errorf("%s\ngot  %s\nwant %s", query, got.String(), want)
		}
	}
}

func TestTheCaseOfAnOptionIsOfNoAccountIfNotWanted(t *testing.T) {
	var got strings.Builder
	options := memoOptions(variables(t, "memo"), &got, new(time.Duration), new(int))
	options.AnyCase, options.Hint = true, "see the README"
	for query, want := range map[string]string{
		"PARSETIME=1":       "",
		"MODE=Fast":         "",
		"schema=a&Schema=b": "option schema: set more than once",
		"PARSETIM=1":        `option "PARSETIM" is unknown; did you mean parseTime?`,
		"ZQXVKJ=1":          "an option after the ? is unknown; see the README",
	} {
		given, _ := url.ParseQuery(query)
		if err := options.Read("MEMO_URL", given); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s: got %v, want %s", query, err, want)
		}
	}
	if !strings.Contains(got.String(), "parseTime=1 ") || !strings.Contains(got.String(), "mode=warp ") {
		t.Errorf("read: %s", &got)
	}
}

func TestAnOptionThatMeansNothingIsToldOfOnce(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	variable := fmt.Sprintf("MEMO%d_URL", time.Now().UnixNano()) // a process is told but once
	options := memoOptions(variables(t, "memo"), new(strings.Builder), new(time.Duration), new(int))
	for range 2 {
		if err := options.Read(variable, url.Values{"useUnicode": {"1"}}); err != nil {
			t.Error(err)
		}
	}
	want := "level=INFO msg=\"" + variable + ": option useUnicode is skipped: it means nothing in Go\"\n"
	if strings.Count(log.String(), want) != 1 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("told %s", &log)
	}
}

func TestNoPartOfAPasswordIsQuotedAsAnOption(t *testing.T) {
	for name, secret := range canary.Hostile() {
		options := memoOptions(variables(t, "memo"), new(strings.Builder), new(time.Duration), new(int))
		for _, given := range []url.Values{{secret.Value: {"1"}}, {"poolSize": {secret.Value}}, {"timeout": {secret.Value}}} {
			err := options.Read("MEMO_URL", given)
			if err == nil {
				t.Errorf("%s is good for an option", name)
			}
			secret.AbsentFrom(t, err)
			canary.NoParserIn(t, err)
		}
	}
}

func TestTLSIsAskedForInManyWords(t *testing.T) {
	const clash = "conflicts with MEMO_TLS or another option; remove one"
	const clear, unknown = "the connection might be in clear text: want on or off", "not on or off"
	byCA := config.TLS{CAFile: tlstest.NewMount(t, map[string][]byte{"ca": tlstest.NewAuthority(t).PEM}).Path("ca")}
	for _, test := range []struct {
		before      config.TLS
		words, want string
	}{
		{config.TLS{}, "true", config.TLSVerify},
		{config.TLS{}, "on", config.TLSVerify},
		{config.TLS{}, "verify", config.TLSVerify},
		{config.TLS{}, "VERIFY_IDENTITY", config.TLSVerify},
		{config.TLS{}, `{"rejectUnauthorized":true}`, config.TLSVerify},
		{config.TLS{}, "disable", config.TLSOff},
		{config.TLS{}, "no", config.TLSOff},
		{config.TLS{}, "require", config.TLSSkipVerify},
		{config.TLS{}, "require true", config.TLSVerify},
		{config.TLS{}, "strict REQUIRED", config.TLSVerify},
		{config.TLS{}, "require no-verify", config.TLSSkipVerify},
		{byCA, "require", config.TLSVerify},
		{config.TLS{Mode: config.TLSVerify}, "require", config.TLSVerify},
		{config.TLS{}, "accept_invalid_certs", config.TLSSkipVerify},
		{config.TLS{}, "prefer", clear},
		{config.TLS{}, "ZQXVKJ", unknown},
		{config.TLS{Mode: config.TLSOff}, "true", clash},
		{config.TLS{Mode: config.TLSOff}, "require", clash},
		{config.TLS{}, "require off", clash},
		{config.TLS{}, "true skip-verify", clash},
	} {
		got := test.before
		var err error
		for word := range strings.FieldsSeq(test.words) {
			err = errors.Join(err, kit.SetTLS(&got, variables(t, "memo"), word, "on or off"))
		}
		if mode := modeOf(t, got); err == nil && mode != test.want || err != nil && err.Error() != test.want {
			t.Errorf("%s: got %q, %v; want %s", test.words, mode, err, test.want)
		}
	}
}

// modeOf returns what a connection to h would do.
func modeOf(t *testing.T, secure config.TLS) string {
	t.Helper()
	switch cfg, err := secure.Config("memo", "h"); {
	case err != nil:
		t.Fatal(err)
		return ""
	case cfg == nil:
		return config.TLSOff
	case cfg.InsecureSkipVerify && cfg.VerifyConnection == nil:
		return config.TLSSkipVerify
	}
	return config.TLSVerify
}
