package deploy

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vibework/mooring/internal/backends"
)

func TestTheServiceFindsAllFourBackendsConfigured(t *testing.T) {
	m := read(t)
	environ := m.environ(t)
	for _, b := range backends.Table {
		res, err := b.NewFrom(b.Name, environ)
		if err := errors.Join(err, res.Configure()); err != nil {
			t.Errorf("%s: %v", b.Name, err)
		}
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
	for _, b := range backends.Table {
		if examined := slices.Contains(args, b.Name); examined == (b.Name == "redis") { // which is optional
			t.Errorf("%s is examined: %v", b.Name, examined)
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
