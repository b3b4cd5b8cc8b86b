package all_test

import (
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/internal/backends"
)

// bases are what a backend needs, with the host in a variable of its own where it can be.
var bases = map[string]struct {
	env, host, whole string
}{
	"mysql":  {"MYSQL_USER=app MYSQL_PASSWORD=PW", "MYSQL_HOST", "MYSQL_URL=mysql://app:PW@h/db"},
	"mongo":  {"", "", "MONGO_URI=mongodb://app:PW@h/db"},
	"redis":  {"REDIS_PASSWORD=PW", "REDIS_HOST", "REDIS_URL=redis://app:PW@h/0"},
	"pubsub": {"PUBSUB_PROJECT_ID=p", "PUBSUB_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST=h"},
}

// configured returns the error of an instance in this environment alone.
func configured(t *testing.T, backend string, env ...string) string {
	t.Helper()
	b, _ := backends.Find(backend)
	for _, v := range b.Describe(backend) {
		for _, name := range append(v.Aliases, v.Name) {
			t.Setenv(name, "")
			t.Setenv(name+"_FILE", "")
		}
	}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	err := b.New(backend).Configure()
	if err == nil {
		return ""
	}
	text, _, _ := strings.Cut(err.Error(), " (not wanted?")
	return text
}

func TestAHostIsReadAlikeByEveryBackend(t *testing.T) {
	const no = "the host is missing or malformed"
	for host, want := range map[string]string{
		"h": "", "h:1": "", "::1": "", "[::1]": "", "[::1]:1": "", "2001:db8::1": "", " h\r": "", `"h"`: "", "'h'": "", "\ufeffh": "",
		"::1:3306":    "an IPv6 address must stand in brackets, as in [::1]",
		"::1:27017":   "an IPv6 address must stand in brackets, as in [::1]",
		"http://h":    "want host:port, without a scheme such as http://",
		"tcp://h:1":   "want host:port, without a scheme such as http://",
		"h/db":        "want host:port, without a / or a path",
		"h:port":      "the port is not a number from 1 to 65535",
		"h:1,g:1":     no,
		"h,g":         no,
		"<host>":      "has a <...>, [...] or {...} that is to be replaced, as in <password>",
		"h # primary": "has a comment behind the value: put it on a line of its own",
		"${HOST}":     "has a ${...} that nothing has expanded",
		"$(HOST)":     "has a ${...} that nothing has expanded",
		"$HOST":       "has a ${...} that nothing has expanded",
		"h\x01":       "has a control character",
	} {
		for backend, base := range bases {
			if base.host == "" {
				continue
			}
			got := configured(t, backend, append(strings.Fields(base.env), base.host+"="+host)...)
			if want == "" && got != "" || !strings.HasSuffix(got, want) || got != "" && !strings.HasPrefix(got, base.host+": ") {
				t.Errorf("%s=%q: got %q, want %q", base.host, host, got, want)
			}
		}
	}
}

func TestAWholeIsReadAlikeByEveryBackend(t *testing.T) {
	for edit, want := range map[string]string{
		"{}": "", "{}\r": "", "{}\n": "", " {}": "", `"{}"`: "", "'{}'": "", "\ufeff{}": "",
		"{} # main": "has a comment behind the value: put it on a line of its own",
		"{}\x01":    "has a control character",
	} {
		for backend, base := range bases {
			name, value, _ := strings.Cut(base.whole, "=")
			got := configured(t, backend, append([]string{"PUBSUB_PROJECT_ID=p"}, name+"="+strings.ReplaceAll(edit, "{}", value))...)
			if want == "" && got != "" || want != "" && got != name+": "+want {
				t.Errorf("%s as %q: got %q, want %q", backend, edit, got, want)
			}
		}
	}
	for _, word := range []string{"<password>", "<db_password>", "<PASSWORD>", "[YOUR-PASSWORD]", "${PW}"} {
		for _, whole := range []string{"MYSQL_URL=mysql://app:PW@h/db", "MONGO_URI=mongodb://app:PW@h/db", "REDIS_URL=redis://app:PW@h/0"} {
			backend, _, _ := strings.Cut(strings.ToLower(whole), "_")
			if got := configured(t, backend, strings.ReplaceAll(whole, "PW", word)); !strings.Contains(got, "...") {
				t.Errorf("%s in a URL of %s: got %q", word, backend, got)
			}
		}
	}
}

func TestWordsForTLSAndRolesAreReadAlike(t *testing.T) {
	for _, b := range backends.Table {
		prefix := config.Prefix(b.Name)
		if b.Name == "pubsub" { // it has neither
			continue
		}
		for value, good := range map[string]bool{
			"true": true, "TRUE": true, "yes": true, "on": true, "1": true, "Verify": true, "false": true, "no": true, "0": true,
			"OFF": true, "Skip-Verify": true, "required": false, "preferred": false, "maybe": false,
		} {
			got := configured(t, b.Name, bases[b.Name].whole, prefix+"TLS="+value)
			if good && got != "" || !good && got != prefix+"TLS: not off, verify or skip-verify" {
				t.Errorf("%sTLS=%s: got %q", prefix, value, got)
			}
		}
		for value, good := range map[string]bool{"primary": true, "Primary": true, "REPLICA": true, "any": true, "master": false} {
			got := configured(t, b.Name, bases[b.Name].whole, prefix+"ROLE="+value)
			if good && got != "" || !good && got != prefix+"ROLE: not primary, replica or any" {
				t.Errorf("%sROLE=%s: got %q", prefix, value, got)
			}
		}
	}
}
