package redis_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/redis"
)

// records returns what resolving an instance with these variables logs. {} stands for their prefix; the instance has a
// name of its own, since a process is told but once.
func records(t *testing.T, env string) (got redis.Resolved, log string) {
	t.Helper()
	var text bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, nil)))
	name := fmt.Sprintf("redis%d", time.Now().UnixNano())
	prefix := strings.ToUpper(name)
	for pair := range strings.FieldsSeq(env) {
		variable, value, _ := strings.Cut(strings.ReplaceAll(pair, "{}", prefix), "=")
		t.Setenv(variable, strings.NewReplacer("~", "\r", "^", "\n").Replace(value))
	}
	got = redis.Resolve(t, name)
	return got, strings.ReplaceAll(text.String(), prefix, "{}")
}

func TestStringsThatPlatformsHandOutAreRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "user")
	if err := os.WriteFile(file, []byte("app\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for env, want := range map[string]struct {
		resolved redis.Resolved // these fields of it
		told     string
	}{
		"{}_HOST=h {}_PASSWORD=PW {}_TLS=true":              {redis.Resolved{Addr: "h:6379", Password: "PW", TLS: true}, ""},
		"{}_HOST=h {}_PASSWORD=PW {}_TLS=false":             {redis.Resolved{Addr: "h:6379", Password: "PW"}, ""},
		"{}_HOST=h {}_DATABASE=3":                           {redis.Resolved{Addr: "h:6379"}, "{}_DATABASE is not read; {}_DB is"},
		"{}_HOST=h {}_PASSWORD=PW {}_USER=app":              {redis.Resolved{Addr: "h:6379", Password: "PW"}, "{}_USER is not read; {}_USERNAME is"},
		"{}_HOST=h {}_SSL=true":                             {redis.Resolved{Addr: "h:6379"}, "{}_SSL is not read; {}_TLS is"},
		"{}_URL='redis://h:6379'":                           {redis.Resolved{Addr: "h:6379"}, "{}_URL: the quotes around it are dropped"},
		"{}_URL=redis://h:6379~":                            {redis.Resolved{Addr: "h:6379"}, ""},
		"{}_URL=redis://h/1^":                               {redis.Resolved{Addr: "h:6379", DB: 1}, ""},
		"{}_URL=redis://:PW@h {}_PASSWORD=PW":               {redis.Resolved{Addr: "h:6379", Password: "PW"}, "not read because {}_URL is set: {}_PASSWORD"},
		"{}_URL=redis://h {}_HOST=h":                        {redis.Resolved{Addr: "h:6379"}, "not read because {}_URL is set: {}_HOST"},
		"{}_URL=redis://h?DB=3":                             {redis.Resolved{Addr: "h:6379", DB: 3}, ""},
		"{}_URL=redis://h?Database=3":                       {redis.Resolved{Addr: "h:6379", DB: 3}, ""},
		"{}_URL=redis://:a,redis=PW@h":                      {redis.Resolved{Addr: "h:6379", Password: "a,redis=PW"}, ""},
		"{}_URL=redis://:a,ssl=PW@h":                        {redis.Resolved{Addr: "h:6379", Password: "a,ssl=PW"}, ""},
		"{}_URL=rediss://h?tls=skip-verify":                 {redis.Resolved{Addr: "h:6379", TLS: true, SkipVerify: true}, ""},
		`{}_URL=redis://h?tls={"rejectUnauthorized":false}`: {redis.Resolved{Addr: "h:6379", TLS: true, SkipVerify: true}, ""},
		"{}_URL=redis://h?tls=true {}_TLS=skip-verify":      {redis.Resolved{Addr: "h:6379", TLS: true, SkipVerify: true}, ""},
		"{}_HOST=h {}_SENTINEL_MASTER_NAME=m":               {redis.Resolved{Addr: "h:6379"}, "{}_SENTINEL_MASTER_NAME is not read; {}_SENTINEL_MASTER is"},
		"{}_URL=redis://h?sslmode=verify-full":              {redis.Resolved{Addr: "h:6379", TLS: true}, ""},
		"{}_URL=redis://h?max_retries=3":                    {redis.Resolved{Addr: "h:6379"}, "{}_URL: option max_retries is skipped: it means nothing in Go"},
		"{}_URL=rediss://default:PW@x.upstash.io:6379": {
			redis.Resolved{Addr: "x.upstash.io:6379", Username: "default", Password: "PW", TLS: true}, "",
		},
		"{}_URL=rediss://:PW@ec2-1-2-3-4.compute-1.amazonaws.com:7490 {}_TLS=skip-verify": {
			redis.Resolved{Addr: "ec2-1-2-3-4.compute-1.amazonaws.com:7490", Password: "PW", TLS: true, SkipVerify: true}, "",
		},
		"{}_URL=rediss://:K%3D@n.redis.cache.windows.net:6380": {
			redis.Resolved{Addr: "n.redis.cache.windows.net:6380", Password: "K=", TLS: true}, "",
		},
		"{}_HOST=h {}_PASSWORD=PW {}_USERNAME_FILE=" + file: {
			redis.Resolved{Addr: "h:6379", Username: "app", Password: "PW"}, "",
		},
	} {
		r, log := records(t, env)
		got := redis.Resolved{
			Addr: r.Addr, Username: r.Username, Password: r.Password, DB: r.DB, TLS: r.TLS, SkipVerify: r.SkipVerify,
		}
		if got != want.resolved {
			t.Errorf("%s\ngot  %+v\nwant %+v", env, got, want.resolved)
		}
		if !strings.Contains(log, want.told) || strings.Contains(log, "PW") {
			t.Errorf("%s: told %q, want %q", env, log, want.told)
		}
	}
}
