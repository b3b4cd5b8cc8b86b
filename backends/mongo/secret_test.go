package mongo_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/internal/canary"
	"github.com/vibework/mooring/internal/mongotest"
	"github.com/vibework/mooring/registry"
)

func TestNoPasswordShowsWhateverItIsMadeOf(t *testing.T) {
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
	}
}

func TestNoPasswordShowsInTheWrongPlaceOfAURI(t *testing.T) {
	addr := closedPort(t)
	for name, secret := range canary.Hostile() {
		for _, uri := range []string{
			"mongodb://" + secret.Value,
			"mongodb://" + secret.Escaped() + ":x@" + addr,
			"mongodb://" + addr + "/" + secret.Value,
			"mongodb://" + addr + "/?" + secret.Value,
			"mongodb://" + addr + "/?authSource=" + secret.Value,
			"mongodb://" + addr + "/?replicaSet=" + secret.Escaped(),
			"mongodb://" + addr + "/?tlsCAFile=" + secret.Escaped(),
			"mongodb://" + addr + "/?" + secret.Escaped() + "=1",
		} {
			err := mongo.New("mongo", mongo.WithConfig(at(uri))).Open(t.Context())
			if err == nil {
				t.Errorf("%s: opened", name)
			}
			secret.AbsentFrom(t, err)
			canary.NoParserIn(t, err)
		}
	}
}

func TestNoPasswordShowsInTheWrongVariable(t *testing.T) {
	for name, secret := range canary.Hostile() {
		for _, v := range config.Describe[mongo.Config]("mongo") {
			variables := []string{v.Name}
			if v.Secret {
				variables = append(variables, v.Name+"_FILE")
			}
			for _, variable := range variables {
				setenv(t, "MONGO_URI=mongodb://h")
				if v.Secret {
					setenv(t, "")
				}
				t.Setenv(variable, secret.Value)
				r := registry.New()
				r.OpenTimeout = time.Nanosecond
				r.Register(mongo.New("mongo"))
				err := r.OpenAll(t.Context())
				if err == nil {
					t.Errorf("%s in %s: opened", name, variable)
				}
				secret.AbsentFrom(t, err)
				canary.NoParserIn(t, err)
			}
		}
	}
}

func TestHostilePasswordsLogIn(t *testing.T) {
	for name, secret := range canary.Hostile() {
		if strings.Contains(secret.Value, "\n") {
			continue // SCRAM forbids it; see the next test
		}
		fake := mongotest.Start(t, mongotest.Options{User: "app", Password: secret.Value})
		res := mongo.New("mongo", mongo.WithConfig(at("mongodb://app:"+escaped(secret)+"@"+fake.Addr())))
		if err := res.Open(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := res.Close(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPasswordThatSCRAMForbidsIsAMistakeOfTheConfiguration(t *testing.T) {
	secret := canary.New("a", "\n")
	r, _ := register(at("mongodb://app:" + escaped(secret) + "@h"))
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

// escaped is the secret as it stands in a connection string, where a + is a +.
func escaped(secret canary.Secret) string { return strings.ReplaceAll(secret.Escaped(), "+", "%20") }
