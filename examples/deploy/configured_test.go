package deploy

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
	"github.com/vibework/mooring/backends/redis"
)

func TestTheServiceFindsAllFourBackendsConfigured(t *testing.T) {
	m := read(t)
	environ := m.environ(t)
	mysqlConfig, mysqlErr := config.LoadFrom[mysql.Config](mysql.Name, environ)
	mongoConfig, mongoErr := config.LoadFrom[mongo.Config](mongo.Name, environ)
	redisConfig, redisErr := config.LoadFrom[redis.Config](redis.Name, environ)
	pubsubConfig, pubsubErr := config.LoadFrom[pubsub.Config](pubsub.Name, environ)
	if err := errors.Join(
		mysqlErr, mysql.New(mysql.Name, mysql.WithConfig(mysqlConfig)).Configure(),
		mongoErr, mongo.New(mongo.Name, mongo.WithConfig(mongoConfig)).Configure(),
		redisErr, redis.New(redis.Name, redis.WithConfig(redisConfig)).Configure(),
		pubsubErr, pubsub.New(pubsub.Name, pubsub.WithConfig(pubsubConfig)).Configure(),
	); err != nil {
		t.Error(err)
	}
	isEmbedded := func(arg string) bool { return strings.HasPrefix(strings.TrimLeft(arg, "-"), "embedded") }
	if args := m.container(t).Args; slices.ContainsFunc(args, isEmbedded) {
		t.Errorf("%q would make up for what is missing", args)
	}
}

// TestTheDoctorUnderstandsItsArguments adds an instance that nobody knows, so that the doctor reads all arguments
// and examines nothing.
func TestTheDoctorUnderstandsItsArguments(t *testing.T) {
	doctor := filepath.Join(t.TempDir(), "doctor")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", doctor, "../doctor").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	containers := read(t).deployment.Spec.Template.Spec.InitContainers
	if len(containers) != 1 || containers[0].Name != "doctor" {
		t.Fatalf("the init containers are %v", containers)
	}
	args := append(slices.Clone(containers[0].Args), "nobody")
	out, err := exec.CommandContext(t.Context(), doctor, args...).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 ||
		!strings.Contains(string(out), `"nobody" is no instance`) {
		t.Errorf("of %q the doctor says, with %v,\n%s", args, err, out)
	}
	for _, want := range []string{mysql.Name, mongo.Name, pubsub.Name} { // redis is optional
		if !slices.Contains(args, want) {
			t.Errorf("%s is not examined", want)
		}
	}
}

// environ returns what a container of the manifest has in its environment, with secrets of the right form.
func (m manifest) environ(t *testing.T) (environ []string) {
	t.Helper()
	mount, folder := m.container(t).VolumeMounts[0].MountPath, t.TempDir()
	for name, secret := range map[string]string{
		"mysql-password": "secret", "mongo-uri": "mongodb://orders:secret@mongo/orders", "redis-password": "secret",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range m.config.Data {
		environ = append(environ, name+"="+strings.Replace(value, mount, folder, 1))
	}
	return environ
}
