package mongo_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
)

func TestNoPasswordShowsWhateverItIsMadeOf(t *testing.T) {
	log := capture(t)
	addr := closedPort(t)
	for name, secret := range canary.Hostile() {
		for _, uri := range []string{
			secret.Value,
			"mongodb://app:" + secret.Value + "@" + addr,
			"mongodb://app:" + secret.Escaped() + "@" + addr,
			"mongodb://app:" + secret.Value,
			"mongodb://app:" + secret.Value + "/shop",
		} {
			cfg := at(uri)
			res := mongo.New("mongo", mongo.WithConfig(cfg))
			err := res.Open(t.Context())
			if err == nil {
				t.Errorf("%s: opened", name)
			}
			secret.AbsentFrom(t, err)
			secret.AbsentFrom(t, cfg)
			secret.AbsentFrom(t, res)
			canary.NoParserIn(t, err)
			_, err = res.Handle()
			secret.AbsentFrom(t, err)
		}
		secret.AbsentFrom(t, log.String())
	}
}

// What may be a good host is not opened: a test does not look up names that it has made up.
func TestNoPasswordShowsInTheWrongPlace(t *testing.T) {
	log := capture(t)
	for _, secret := range canary.Hostile() {
		for _, uri := range []string{
			"mongodb://" + secret.Value,
			"mongodb://" + secret.Escaped() + ":x@h",
			"mongodb+srv://" + secret.Value,
			"mongodb://h/" + secret.Value,
			"mongodb://h/?" + secret.Value,
			"mongodb://h/?authSource=" + secret.Value,
			"mongodb://h/?replicaSet=" + secret.Escaped(),
			"mongodb://h/?tlsCAFile=" + secret.Escaped(),
			"mongodb://h/?" + secret.Escaped() + "=1",
		} {
			err := mongo.New("mongo", mongo.WithConfig(at(uri))).Configure()
			secret.AbsentFrom(t, err)
			canary.NoParserIn(t, err)
		}
		for _, v := range config.Describe[mongo.Config]("mongo") {
			for _, name := range append(v.Aliases, v.Name, v.Name+"_FILE") {
				setenv(t, "")
				if !v.Secret {
					t.Setenv("MONGO_URI", "mongodb://h")
				}
				t.Setenv(name, secret.Value)
				err := mongo.New("mongo").Configure()
				secret.AbsentFrom(t, err)
				canary.NoParserIn(t, err)
			}
		}
		secret.AbsentFrom(t, log.String())
	}
}

func TestHostilePasswordsLogIn(t *testing.T) {
	for name, secret := range canary.Hostile() {
		if strings.Contains(secret.Value, "\n") {
			continue // SCRAM forbids it; see the next test
		}
		fake := mongotest.Start(t, mongotest.Options{User: "app", Password: secret.Value})
		res := mongo.New("mongo", mongo.WithConfig(at("mongodb://app:"+secret.Escaped()+"@"+fake.Addr())))
		if err := res.Open(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		secret.AbsentFrom(t, res)
		if err := res.Close(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPasswordThatSCRAMForbidsIsAMistakeOfTheConfiguration(t *testing.T) {
	secret := canary.New("a", "\n")
	r, _ := register(at("mongodb://app:" + secret.Escaped() + "@h"))
	err := r.OpenAll(t.Context())
	want := "open mongo: config: MONGO_URI: the driver refuses it: " +
		"a character in the password that SCRAM forbids, or what a hook has set"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	secret.AbsentFrom(t, err)
}

func TestTheURIIsReadFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "uri")
	if err := os.WriteFile(path, []byte(server(t)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	setenv(t, "MONGO_URI_FILE="+path)
	res := mongo.New("mongo")
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := res.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := res.Check(t.Context()); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("got %v", err)
	}
}

// capture collects what is logged until the test ends.
func capture(t *testing.T) *bytes.Buffer {
	t.Helper()
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &log
}
