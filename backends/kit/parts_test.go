package kit_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
)

func TestAURLGoesBeforeItsParts(t *testing.T) {
	for name, test := range map[string]struct {
		url, parts     [2]string // user and password
		host           bool
		user, password string
		told, refusal  string
	}{
		"nothing beside it":             {[2]string{"u", "p"}, [2]string{}, false, "u", "p", "", ""},
		"the address and another user":  {[2]string{"u", "p"}, [2]string{"v", ""}, true, "u", "p", "X_HOST, X_USER", ""},
		"the same password":             {[2]string{"u", "p"}, [2]string{"u", "p"}, false, "u", "p", "X_USER, X_PASSWORD", ""},
		"another password":              {[2]string{"u", "p"}, [2]string{"", "q"}, true, "", "", "", "has another password than X_PASSWORD: keep one"},
		"a password that it leaves out": {[2]string{"u", ""}, [2]string{"", "q"}, false, "u", "q", "", ""},
		"all that it leaves out":        {[2]string{"", ""}, [2]string{"v", "q"}, true, "v", "q", "X_HOST", ""},
	} {
		var log bytes.Buffer
		before := slog.Default()
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		vars := variables(t, "x")
		for key, set := range map[string]bool{
			"HOST": test.host, "USER": test.parts[0] != "", "PASSWORD": test.parts[1] != "",
		} {
			if set {
				vars.SetBy(key, "X_"+key)
			}
		}
		parts := kit.Parts{
			Vars: vars, UserKey: "USER", User: test.parts[0], Password: config.NewSecret(test.parts[1]),
			Others: []string{"HOST", "PORT"},
		}
		whole := fmt.Sprintf("X%d_URL", time.Now().UnixNano())
		_, _ = parts.Beside(whole, kit.URI{User: test.url[0], Password: config.NewSecret(test.url[1])})
		got, err := parts.Beside(whole, kit.URI{User: test.url[0], Password: config.NewSecret(test.url[1])})
		slog.SetDefault(before)
		if (err == nil) != (test.refusal == "") || err != nil && err.Error() != test.refusal {
			t.Errorf("%s: got %v", name, err)
		}
		if err == nil && (got.User != test.user || got.Password.Reveal() != test.password) {
			t.Errorf("%s: the login is %s, %s", name, got.User, got.Password.Reveal())
		}
		want := ""
		if test.told != "" {
			want = "level=INFO msg=\"not read because " + whole + " is set: " + test.told + "\"\n" // once
		}
		if _, record, _ := bytes.Cut(log.Bytes(), []byte(" ")); string(record) != want {
			t.Errorf("%s: told %q, want %q", name, record, want)
		}
	}
}
