package kit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// rotation is a server with passwords, and a configuration that says one.
type rotation struct {
	*kit.Login
	mu      sync.Mutex
	says    string // the configuration: a password
	rest    string
	accepts string // the server: passwords
	logins  []string
}

func newRotation(t *testing.T, password string) (*rotation, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	r := &rotation{says: password, accepts: password}
	r.Login = kit.NewLogin("memo", func() kit.Credentials {
		r.mu.Lock()
		defer r.mu.Unlock()
		return kit.Credentials{User: "app", Password: config.NewSecret(r.says), Rest: config.NewSecret(r.rest)}
	})
	return r, &log
}

// connect logs in and returns which passwords it took.
func (r *rotation) connect(t *testing.T) (tried string, err error) {
	r.mu.Lock()
	r.logins = nil
	r.mu.Unlock()
	err = r.Connect(t.Context(), r.dial)
	return strings.Join(r.logins, " "), err
}

func (r *rotation) dial(c kit.Credentials) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logins = append(r.logins, c.Password.Reveal())
	if !strings.Contains(r.accepts, c.Password.Reveal()) {
		return kit.Errorf(registry.KindAuth, "access denied")
	}
	return nil
}

func TestAConnectionLogsInWithTheCredentialsOfNow(t *testing.T) {
	type step struct {
		says, accepts string
		tried         string
		fails         bool
	}
	for name, steps := range map[string][]step{
		"both are valid for a moment": {
			{"a", "a", "a", false}, {"a", "ab", "a", false}, {"b", "ab", "b", false}, {"b", "b", "b", false},
		},
		"the server is first": {
			{"a", "a", "a", false}, {"a", "b", "a", true}, {"a", "b", "a", true}, {"b", "b", "b", false},
		},
		"the file is first": {
			{"a", "a", "a", false},
			{"b", "a", "b a", false},
			{"b", "a", "a", false},
			{"b", "a", "a", false},
			{"b", "b", "a b", false},
			{"b", "b", "b", false},
			{"b", "a", "b", true},
			{"b", "b", "b", false},
		},
		"nothing has ever worked": {
			{"a", "x", "a", true}, {"b", "x", "b", true}, {"b", "x", "b", true}, {"c", "c", "c", false},
		},
		"neither works any longer": {
			{"a", "a", "a", false},
			{"b", "x", "b a", true},
			{"b", "x", "b", true},
			{"b", "x", "b", true},
			{"c", "x", "c", true},
			{"c", "c", "c", false},
		},
		"a mistake is mended": {
			{"a", "a", "a", false},
			{"x", "a", "x a", false},
			{"x", "a", "a", false},
			{"y", "a", "y a", false},
			{"b", "ab", "b", false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newRotation(t, steps[0].says)
			for i, s := range steps {
				r.says, r.accepts = s.says, s.accepts
				tried, err := r.connect(t)
				if tried != s.tried || (err != nil) != s.fails {
					t.Errorf("step %d: tried %q, %v; want %q, fails: %t", i, tried, err, s.tried, s.fails)
				}
			}
		})
	}
}

func TestCredentialsThatChangeDuringALoginAreTriedAtOnce(t *testing.T) {
	r, _ := newRotation(t, "a")
	r.accepts = "b"
	err := r.Connect(t.Context(), func(c kit.Credentials) error {
		err := r.dial(c)
		r.says = "b"
		return err
	})
	if got := strings.Join(r.logins, " "); err != nil || got != "a b" {
		t.Errorf("tried %q, %v", got, err)
	}
}

func TestAnotherErrorThanOfLoggingInIsNotTriedAgain(t *testing.T) {
	r, _ := newRotation(t, "a")
	calls := 0
	err := r.Connect(t.Context(), func(kit.Credentials) error {
		calls++
		return kit.Errorf(registry.KindUnreachable, "connection refused")
	})
	if calls != 1 || registry.KindOf(err) != registry.KindUnreachable {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestWhatElseHasChangedIsToldOnceAndWithoutAValue(t *testing.T) {
	r, log := newRotation(t, "hunter2")
	_, _ = r.connect(t)
	r.rest, r.says, r.accepts = "ZQXVKJWPYR", "hunter3", "hunter2"
	for range 3 {
		if _, err := r.connect(t); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]int{
		"restart to apply": 1, "those before are tried": 1, "resource=memo": 2, "hunter": 0, "ZQXV": 0,
	} {
		if n := strings.Count(log.String(), text); n != want {
			t.Errorf("%q: %d times, want %d:\n%s", text, n, want, log)
		}
	}
}

func TestManyConnectionsCostOneRefusalForEachChange(t *testing.T) {
	r, _ := newRotation(t, "a")
	_, _ = r.connect(t)
	r.says, r.logins = "b", nil
	for range 20 {
		if err := r.Connect(t.Context(), r.dial); err != nil {
			t.Error(err)
		}
	}
	if refused := strings.Count(strings.Join(r.logins, ""), "b"); refused != 1 {
		t.Errorf("%d logins were refused", refused)
	}
}

func TestConnectionsAtTheSameTimeSeeARotation(t *testing.T) {
	r, _ := newRotation(t, "a")
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 200 {
				if err := r.Connect(t.Context(), r.dial); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 200 {
		old, next := string(rune('a'+i)), string(rune('a'+i+1)) // none comes back: it would have been tried
		for _, change := range []func(){
			func() { r.accepts = old + next }, func() { r.says = next },
		} {
			r.mu.Lock()
			change()
			r.mu.Unlock()
		}
	}
	running.Wait()
}

func TestCredentialsOfAFunctionAreAskedForEachConnection(t *testing.T) {
	n := 0
	login := kit.Asking(func(context.Context) (string, config.Secret, error) {
		n++
		if n == 3 {
			return "", config.Secret{}, errors.New("token ZQXVKJWPYR")
		}
		return "app", config.NewSecret("token"), nil
	})
	for range 2 {
		if err := login.Connect(t.Context(), func(c kit.Credentials) error { return nil }); err != nil {
			t.Error(err)
		}
	}
	err := login.Connect(t.Context(), func(kit.Credentials) error { return nil })
	if registry.KindOf(err) != registry.KindAuth || strings.Contains(err.Error(), "ZQXV") {
		t.Errorf("%s: %v", registry.KindOf(err), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	login = kit.Asking(func(ctx context.Context) (string, config.Secret, error) { return "", config.Secret{}, ctx.Err() })
	err = login.Connect(ctx, func(kit.Credentials) error { return nil })
	if n != 3 || registry.KindOf(err) != registry.KindCanceled || login.User() != "" {
		t.Errorf("asked %d times; %v", n, err)
	}
}

func TestAFunctionThatBlocksOrPanicsDoesNoHarm(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	type none = config.Secret
	for _, test := range []struct {
		kind registry.Kind
		ask  kit.Ask
	}{
		{registry.KindTimeout, func(context.Context) (user string, password none, err error) {
			<-release
			return user, password, err
		}},
		{registry.KindPanic, func(context.Context) (string, none, error) { panic("token ZQXVKJWPYR") }},
		{registry.KindPanic, func(context.Context) (string, none, error) {
			return "", none{}, registry.Classify(registry.KindPanic, errors.New("token ZQXVKJWPYR"))
		}},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := kit.Asking(test.ask).Connect(ctx, func(kit.Credentials) error { return nil })
		if registry.KindOf(err) != test.kind || strings.Contains(err.Error(), "ZQXV") {
			t.Errorf("got %v, want %s", err, test.kind)
		}
		cancel()
	}
}

type followed struct {
	Host     string        `env:"HOST"`
	User     string        `env:"USER"`
	Password config.Secret `env:"PASSWORD"`
}

func (f followed) Credentials() kit.Credentials {
	return kit.Credentials{User: f.User, Password: f.Password, Rest: config.NewSecret(f.Host)}
}

func TestAConfigurationIsFollowedThroughItsFiles(t *testing.T) {
	dir := t.TempDir()
	set := func(name, value string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set("user", "app")
	set("password", "old")
	t.Setenv("MEMO_HOST", "h")
	t.Setenv("MEMO_USER_FILE", filepath.Join(dir, "user"))
	t.Setenv("MEMO_PASSWORD_FILE", filepath.Join(dir, "password"))
	read := func() (followed, error) { return config.Load[followed]("memo") }
	settings, login, err := kit.Follow[followed]("memo", nil, nil, read)
	if err != nil || settings.User != "app" {
		t.Fatalf("%+v, %v", settings, err)
	}
	for _, generation := range []string{"old", "new", "newer"} {
		set("password", generation)
		set("user", "app-"+generation)
		err := login.Connect(t.Context(), func(c kit.Credentials) error {
			if c.User != "app-"+generation || c.Password.Reveal() != generation {
				return errors.New(c.User + " " + c.Password.Reveal())
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", generation, err)
		}
		if user := login.User(); user != "app-"+generation {
			t.Errorf("the user is %s", user)
		}
	}
}

func TestAFileThatIsRefusedIsNamed(t *testing.T) {
	_, log := newRotation(t, "")
	path := filepath.Join(t.TempDir(), "host")
	t.Setenv("MEMO_HOST_FILE", path)
	read := func() (followed, error) {
		f, vars, err := config.LoadOr[followed]("memo", nil)
		if f.Host == "ZQXV" {
			err = errors.New(vars.Name("HOST") + ": not the name of a host")
		}
		return f, err
	}
	const want = "MEMO_HOST_FILE: not the name of a host"
	for _, host := range []string{"ZQXV", "good"} {
		if err := os.WriteFile(path, []byte(host), 0o600); err != nil {
			t.Fatal(err)
		}
		_, login, err := kit.Follow[followed]("memo", nil, nil, read)
		if login == nil {
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
			continue
		}
		if err := os.WriteFile(path, []byte("ZQXV"), 0o600); err != nil {
			t.Fatal(err)
		}
		err = login.Connect(t.Context(), func(c kit.Credentials) error { return nil })
		if err != nil || !strings.Contains(log.String(), want+": what was read before stays in use") {
			t.Errorf("%v: %s", err, log)
		}
	}
}

func TestAConfigurationThatIsGivenHasNoFiles(t *testing.T) {
	t.Setenv("MEMO_PASSWORD_FILE", "/no/such")
	given := followed{User: "app"}
	settings, login, err := kit.Follow("memo", &given, nil, func() (followed, error) { return config.Defaults(given), nil })
	if err != nil || settings.User != given.User {
		t.Fatalf("%+v, %v", settings, err)
	}
	_ = login.Connect(t.Context(), func(c kit.Credentials) error {
		if c.User != "app" {
			t.Errorf("%q", c.User)
		}
		return nil
	})
}

// FuzzLogin rotates at random: each byte is what the configuration says, what the server accepts, or a connection.
func FuzzLogin(f *testing.F) {
	for _, seed := range []string{"csCaScBsc", "aAcbcBcc", "abBcccAcb", "xcXc"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, steps string) {
		r, _ := newRotation(t, "a")
		settled := false
		for _, step := range steps {
			switch {
			case step >= 'a' && step <= 'd' && step != 'c':
				r.says, settled = string(step), false
			case step >= 'A' && step <= 'D':
				r.accepts, settled = strings.ToLower(string(step)), false
			default:
				tried, err := r.connect(t)
				if r.says == r.accepts && err != nil {
					t.Fatalf("%q: %v, though the server accepts what the configuration says", steps, err)
				}
				if logins := len(strings.Fields(tried)); logins > 2 || settled && logins != 1 {
					t.Fatalf("%q: tried %q, settled: %t", steps, tried, settled)
				}
				settled = err == nil
			}
		}
	})
}

func TestUnsureCredentialsAreThoseThatMayBeWorseThanOthers(t *testing.T) {
	latest := kit.Credentials{User: "app", Password: config.NewSecret("old")}
	accepted := "old"
	l := kit.NewLogin("db", func() kit.Credentials { return latest })
	unsure := func() (got bool) {
		_ = l.Connect(t.Context(), func(c kit.Credentials) error {
			if got = l.Unsure(); c.Password.Reveal() != accepted {
				return registry.Classify(registry.KindAuth, errors.New("refused"))
			}
			return nil
		})
		return got
	}
	for _, step := range []struct {
		file, server string
		want         bool
	}{
		{"old", "old", false},
		{"new", "old", true}, // the new one is refused, and the old one in use again
		{"new", "old", true},
		{"new", "new", false}, // the old one is refused: nothing is left but the new one
		{"new", "new", false},
		{"next", "next", true},
		{"next", "next", false},
	} {
		latest.Password, accepted = config.NewSecret(step.file), step.server
		if got := unsure(); got != step.want {
			t.Errorf("the file says %s, the server %s: %v", step.file, step.server, got)
		}
	}
}
