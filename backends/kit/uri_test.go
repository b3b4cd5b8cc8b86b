package kit_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/internal/canary"
)

func TestParseURIUndoesTheEscapes(t *testing.T) {
	u, err := kit.ParseURI("DB://a%40b:p%2Fw%3A%25@h1:1,[::1]:2,h3,%2Frun%2Fdb.sock,[fe80::1%25eth0]:5/na%20me?x=1&y=a%26b", "db")
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "db" || u.User != "a@b" || u.Password.Reveal() != "p/w:%" || !u.HasPassword || u.Path != "na me" {
		t.Errorf("got %+v, password %q", u, u.Password.Reveal())
	}
	want := []kit.Host{{Name: "h1", Port: 1}, {Name: "::1", Port: 2}, {Name: "h3"}, {Name: "/run/db.sock"}, {Name: "fe80::1%eth0", Port: 5}}
	for i, host := range want {
		if u.Hosts[i] != host {
			t.Errorf("host %d is %+v", i, u.Hosts[i])
		}
	}
	if u.Query.Get("x") != "1" || u.Query.Get("y") != "a&b" {
		t.Errorf("the query is %v", u.Query)
	}
	if name, socket := u.Hosts[2].Addr(99), u.Hosts[3].Addr(99); name != "h3:99" || socket != "/run/db.sock" {
		t.Errorf("the addresses are %s and %s", name, socket)
	}
}

func TestOnlyAPortThatIsSetContradictsTheHost(t *testing.T) {
	type cfg struct {
		Host string      `env:"HOST"`
		Port config.Port `env:"PORT" envDefault:"4222"`
	}
	for given, want := range map[cfg]string{
		{Host: "h"}:                  "h:4222 <nil>",
		{Host: "h:5"}:                "h:5 <nil>",
		{Host: "h:5", Port: 5}:       "h:5 <nil>",
		{Host: "h:5", Port: 4222}:    "h:5 X_HOST: has a port, and X_PORT is another one",
		{Host: "/run/s", Port: 5}:    "/run/s <nil>",
		{Host: "[::1]:5", Port: 0}:   "[::1]:5 <nil>",
		{Host: "other", Port: 12345}: "other:12345 <nil>",
	} {
		read, vars, err := config.LoadOr("x", &given)
		if err != nil {
			t.Fatal(err)
		}
		host, err := kit.HostOf(vars, read.Host, read.Port)
		if got := fmt.Sprint(host.Addr(0), " ", err); got != want {
			t.Errorf("%+v is %s, want %s", given, got, want)
		}
	}
}

func TestAnOptionMayStandForTheHost(t *testing.T) {
	for _, raw := range []string{"a://u:p@/d?unix_socket=/s", "a:///d?x=1&host=/s", "a://?host=h"} {
		if u, err := kit.ParseURI(raw, "a"); err != nil || len(u.Hosts) != 1 || u.Hosts[0].Name != "localhost" {
			t.Errorf("%s: %v, %v", raw, u.Hosts, err)
		}
	}
}

func TestParseURIRefusesWhatItCannotReadForCertain(t *testing.T) {
	const malformed = "the options after the ? are malformed: & stands between them, and a ; or % in one must be " +
		"percent-encoded (%3B %25)"
	for raw, want := range map[string]string{
		"":                    "does not begin with a:// or b://",
		"c://h":               "does not begin with a:// or b://",
		"a:h":                 "does not begin with a:// or b://",
		"a://":                "the host is missing or malformed",
		"JDBC:a://h/d":        "this is a URL of Java: drop jdbc:, and put the user and the password before the @",
		"a:host=h;dbname=d":   "this is the form of PHP: write a://user:password@host/database",
		"Server=h;Pwd=p":      "this is the form of .NET: write a://user:password@host/database",
		"A_URL=a://h":         "the name of a variable stands before it: drop that and the =",
		"export MY_DSN=a://h": "the name of a variable stands before it: drop that and the =",
		"password=p host=h":   "this is the form of libpq with keywords: write a://user:password@host/database",
		"sslmode=x host=h":    "this is the form of libpq with keywords: write a://user:password@host/database",
		"a://h?x=1;y=2":       malformed,
		"a://h?x=1&amp;y=2":   malformed,
		"host=h password=p":   "this is the form of libpq with keywords: write a://user:password@host/database",
		"b+lib://h":           "the scheme is that of another language: write a://",
		"a://u:p@/d?host=":    "the host is missing or malformed",
		"a://u:p@/d?x=host=":  "the host is missing or malformed",
		"a://h/d&x=y":         "a ? must stand before the first option, and an & in a name be percent-encoded (%26)",
		"a://[fe80::1%/]":     "the host is missing or malformed",
		"a://[fe80::1%25x y]": "the host is missing or malformed",
		"r2dbc:pool:a://h/d":  "this is a URL of Java: write a://user:password@host/database",
		"psql 'a://u:p@h/d'":  "this is a command: write a://user:password@host/database",
		"a://u:p@":            "the host is missing or malformed",
		"a://h:x":             "the port is not a number from 1 to 65535",
		"a://h:65536":         "the port is not a number from 1 to 65535",
		"a://h,":              "the host is missing or malformed",
		"a://h h":             "the host is missing or malformed",
		"a://[::1":            "the host is missing or malformed",
		"a://u%zz@h":          "a % in the user name or password must be percent-encoded (%25)",
		"a://h/%zz":           "a % in the name after the / must be percent-encoded (%25)",
		"a://h?x=%zz":         malformed,
		"a://u@::1:7":         "an IPv6 address must stand in brackets, as in [::1]",
		"a://u:p/w@h":         "the characters / ? # @ in a user name, password or option must be percent-encoded (%2F %3F %23 %40)",
		"a://u:p#w@h":         "the characters / ? # @ in a user name, password or option must be percent-encoded (%2F %3F %23 %40)",
		"a://h/x#fragment":    "the characters / ? # @ in a user name, password or option must be percent-encoded (%2F %3F %23 %40)",
		"a://h/x\r":           "has a control character",
		"a://u:p\tw@h":        "has a control character",
		"a://%2Frun%0A":       "the host is missing or malformed",
		"a://u%0D:p@h":        "the user name has a control character",
		"a://h/x%0D":          "the name after the / has a control character",
		"a://h/x%C2%A0y":      "the name after the / has a control character",
		"a://u%E2%80%8B:p@h":  "the user name has a control character",
		"a://h?user=me@you":   "the characters / ? # @ in a user name, password or option must be percent-encoded (%2F %3F %23 %40)",
	} {
		if _, err := kit.ParseURI(raw, "a", "b"); err == nil || err.Error() != want {
			t.Errorf("%q\ngot  %v\nwant %s", raw, err, want)
		}
	}
}

func TestAHostilePasswordIsReadRightOrRefusedWithoutAWord(t *testing.T) {
	for name, secret := range canary.Hostile() {
		u, err := kit.ParseURI("a://user:"+secret.Value+"@host/db", "a")
		switch {
		case err != nil:
			secret.AbsentFrom(t, err)
			canary.NoParserIn(t, err)
		case secret.In(u.User+u.Path+u.Query.Encode()+u.Hosts[0].Name) != "":
			t.Errorf("%s: a part of the password was taken for something else: %+v", name, u)
		}
		u, err = kit.ParseURI("a://user:"+url.PathEscape(secret.Value)+"@host/db", "a")
		if err != nil || u.Password.Reveal() != secret.Value {
			t.Errorf("%s: the escaped password was not read back: %v", name, err)
		}
	}
}

func FuzzParseURI(f *testing.F) {
	for _, around := range [][2]string{
		{"", ""},
		{"a://", ""},
		{"a://u:", "@h:1/d?x=y"},
		{"a://u:", "@w@h"},
		{"a://u:", "/w@h"},
		{"a://%zz", "@h"},
		{"a://[::1]:1,", ""},
		{"a://h?", "%zz"},
		{"a://h:", ""},
		{"a://h/", "%zz"},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := canary.New(before, after)
		u, err := kit.ParseURI(secret.Value, "a")
		if err != nil {
			secret.AbsentFrom(t, err)
			canary.NoParserIn(t, err)
			return
		}
		if len(u.Hosts) == 0 {
			t.Errorf("%q has no host", secret.Value)
		}
		for _, host := range u.Hosts {
			if !kit.ValidHost(host.Name) && !strings.HasPrefix(host.Name, "/") {
				t.Errorf("%q has the host %q", secret.Value, host.Name)
			}
		}
	})
}
