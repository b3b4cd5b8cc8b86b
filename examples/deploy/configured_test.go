package deploy

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

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

// TestTheContainerOfComposeFindsItsBackendsAndHasTimeToEnd reads compose.yaml, which has the servers, too.
func TestTheContainerOfComposeFindsItsBackendsAndHasTimeToEnd(t *testing.T) {
	text, err := os.ReadFile("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct {
			Environment map[string]string
			DependsOn   map[string]struct{ Condition string } `json:"depends_on"`
			Grace       string                                `json:"stop_grace_period"`
			Build       struct{ Dockerfile string }
		}
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	orders := compose.Services["orders"]
	var environ []string
	for name, value := range orders.Environment {
		environ = append(environ, name+"="+value)
	}
	for _, b := range backends.Table {
		res, err := b.NewFrom(b.Name, environ)
		if err := errors.Join(err, res.Configure()); err != nil {
			t.Errorf("%s: %v", b.Name, err)
		}
		_, isThere := compose.Services[b.Name]
		if waits := orders.DependsOn[b.Name].Condition == "service_healthy"; !isThere || waits == (b.Name == "redis") {
			t.Errorf("%s is there: %v; it is waited for: %v", b.Name, isThere, waits)
		}
	}
	m := read(t)
	if grace, err := time.ParseDuration(orders.Grace); err != nil || grace < m.duration(t, "-budget")+time.Second {
		t.Errorf("the service has %q to end, %v", orders.Grace, err)
	}
	if _, err := os.Stat("../../" + orders.Build.Dockerfile); err != nil {
		t.Error(err)
	}
}

// TestTheCommandUnderstandsItsArguments adds an instance that nobody knows, so that the command reads all arguments and
// examines nothing.
func TestTheCommandUnderstandsItsArguments(t *testing.T) {
	command := build(t, "../..", "./cmd/mooring")
	containers := read(t).deployment.Spec.Template.Spec.InitContainers
	if len(containers) != 1 || containers[0].Name != "mooring" {
		t.Fatalf("the init containers are %v", containers)
	}
	args := append(slices.Clone(containers[0].Args), "nobody")
	out, err := exec.CommandContext(t.Context(), command, args...).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 ||
		!strings.Contains(string(out), `"nobody" is no instance`) {
		t.Errorf("of %q the command says, with %v,\n%s", args, err, out)
	}
	for _, b := range backends.Table {
		if examined := slices.Contains(args, b.Name); examined == (b.Name == "redis") { // which is optional
			t.Errorf("%s is examined: %v", b.Name, examined)
		}
	}
}

// TestTheDockerfilesBuildWhatTheyRun holds what they build, copy and run against each other and against the tree.
func TestTheDockerfilesBuildWhatTheyRun(t *testing.T) {
	for _, file := range []string{"Dockerfile", "../../cmd/mooring/Dockerfile"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var built []string
		for _, m := range regexp.MustCompile(`go build (?:-C (\S+) )?.* -o (\S+) (\S+)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join("../..", m[1], m[3], "main.go")); err != nil {
				t.Errorf("%s builds %s: %v", file, m[3], err)
			}
			built = append(built, m[2])
		}
		for _, m := range regexp.MustCompile(`(?:ENTRYPOINT|CMD) \["(/[^"]*)"`).FindAllStringSubmatch(string(text), -1) {
			if copied := strings.Contains(string(text), "COPY --from=build "+strings.Join(built, " ")+" /"); !copied ||
				!slices.Contains(built, m[1]) {
				t.Errorf("%s runs %s, builds %q, and copies that: %v", file, m[1], built, copied)
			}
		}
	}
}

// TestAContainerIsHealthyWhenItsURLSaysSo runs the health check of the image of the service.
func TestAContainerIsHealthyWhenItsURLSaysSo(t *testing.T) {
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	check := regexp.MustCompile(`\["/mooring", "probe", "http://127.0.0.1:8080(/\w+)"\]`).FindStringSubmatch(string(text))
	if check == nil {
		t.Fatal("there is no health check")
	}
	var healthy atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || !healthy.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	command := build(t, "../..", "./cmd/mooring")
	for _, want := range []bool{true, false} {
		healthy.Store(want)
		err := exec.CommandContext(t.Context(), command, "probe", server.URL+check[1]).Run()
		if (err == nil) != want {
			t.Errorf("healthy %v: %v", want, err)
		}
	}
}

// build builds a program of a module and returns its path.
func build(t *testing.T, module, program string) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "program")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-C", module, "-o", binary, program).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
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
