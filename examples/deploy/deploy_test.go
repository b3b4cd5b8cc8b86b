// Package deploy has no code: it checks the manifests beside it against the types of Kubernetes, and what they say
// against what the service does.
package deploy

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"

	"github.com/vibework/mooring/internal/backends"
)

var resources = time.Duration(len(backends.Table))

type manifest struct {
	text       string
	config     corev1.ConfigMap
	deployment appsv1.Deployment
	disruption policyv1.PodDisruptionBudget
	service    corev1.Service
}

// read fails the test for a field that Kubernetes does not know, a wrong type, and a key that is there twice.
func read(t *testing.T) (m manifest) {
	t.Helper()
	text, err := os.ReadFile("kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m.text = string(text)
	documents := bytes.Split(text, []byte("\n---\n"))
	kinds := []any{&m.config, &m.deployment, &m.disruption, &m.service}
	if len(documents) != len(kinds) {
		t.Fatalf("there are %d documents, want %d", len(documents), len(kinds))
	}
	for i, document := range documents {
		if err := yaml.UnmarshalStrict(document, kinds[i]); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m manifest) container(t *testing.T) corev1.Container {
	t.Helper()
	if n := len(m.deployment.Spec.Template.Spec.Containers); n != 1 {
		t.Fatalf("there are %d containers", n)
	}
	return m.deployment.Spec.Template.Spec.Containers[0]
}

// duration returns the value of a flag among the service's arguments.
func (m manifest) duration(t *testing.T, flag string) time.Duration {
	t.Helper()
	args := m.container(t).Args
	at := slices.Index(args, flag) + 1
	if at == 0 || at == len(args) {
		t.Fatalf("there is no %s", flag)
	}
	value, err := time.ParseDuration(args[at])
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestTheManifestIsWhatKubernetesUnderstands(t *testing.T) {
	m := read(t)
	kinds := []string{
		m.config.APIVersion, m.config.Kind, m.deployment.APIVersion, m.deployment.Kind,
		m.disruption.APIVersion, m.disruption.Kind, m.service.APIVersion, m.service.Kind,
	}
	want := []string{"v1", "ConfigMap", "apps/v1", "Deployment", "policy/v1", "PodDisruptionBudget", "v1", "Service"}
	if !slices.Equal(kinds, want) {
		t.Errorf("the kinds are %q", kinds)
	}
	labels := m.deployment.Spec.Template.Labels
	for key, value := range m.deployment.Spec.Selector.MatchLabels {
		if labels[key] != value || m.service.Spec.Selector[key] != value || m.disruption.Spec.Selector.MatchLabels[key] != value {
			t.Errorf("the label %s differs", key)
		}
	}
	if got := m.service.Spec.Ports[0].TargetPort.StrVal; got != m.container(t).Ports[0].Name {
		t.Errorf("the Service leads to the port %q", got)
	}
	var wrong corev1.Service
	if yaml.UnmarshalStrict([]byte("spec: {port: 80}"), &wrong) == nil {
		t.Error("a misspelt field is not found")
	}
}

func TestThePodIsHardenedAndGetsNoVariablesOfOtherServices(t *testing.T) {
	pod := read(t).deployment.Spec.Template.Spec
	if links := pod.EnableServiceLinks; links == nil || *links {
		t.Error("enableServiceLinks is not false")
	}
	if nonRoot := pod.SecurityContext.RunAsNonRoot; nonRoot == nil || !*nonRoot {
		t.Error("runAsNonRoot is not true")
	}
	for _, container := range append(pod.InitContainers, pod.Containers...) {
		s := container.SecurityContext
		if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || s.Capabilities.Drop[0] != "ALL" {
			t.Errorf("%s may do too much", container.Name)
		}
	}
}

func TestTheProbesGiveAStartAllItsTime(t *testing.T) {
	c := read(t).container(t)
	for path, probe := range map[string]*corev1.Probe{
		"/startupz": c.StartupProbe, "/livez": c.LivenessProbe, "/readyz": c.ReadinessProbe,
	} {
		if probe.HTTPGet.Path != path || probe.TimeoutSeconds < 2 || probe.TimeoutSeconds > probe.PeriodSeconds {
			t.Errorf("the probe of %s asks %s for %ds", path, probe.HTTPGet.Path, probe.TimeoutSeconds)
		}
	}
	starting := resources * 30 * time.Second
	s := c.StartupProbe
	if patience := time.Duration(s.PeriodSeconds*s.FailureThreshold) * time.Second; patience < starting {
		t.Errorf("it may take %v to start, not %v", patience, starting)
	}
}

// TestADrainedNodeLeavesPodsThatServe also wants the budget to let a node go at all.
func TestADrainedNodeLeavesPodsThatServe(t *testing.T) {
	m := read(t)
	replicas, most := int(*m.deployment.Spec.Replicas), m.disruption.Spec.MaxUnavailable
	if most == nil || most.IntValue() < 1 || most.IntValue() >= replicas || m.disruption.Spec.MinAvailable != nil {
		t.Errorf("of %d pods %v may be away", replicas, most)
	}
}

// TestTheServersHaveRoomForAllPods computes what the manifest says, with the pod that a roll-out has more.
func TestTheServersHaveRoomForAllPods(t *testing.T) {
	m := read(t)
	surge := m.deployment.Spec.Strategy.RollingUpdate.MaxSurge.IntValue()
	pool, err := strconv.Atoi(m.config.Data["MYSQL_MAX_OPEN_CONNS"])
	if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprintf("%d connections of the server", (int(*m.deployment.Spec.Replicas)+surge)*(pool+1))
	if !strings.Contains(m.text, said) {
		t.Errorf("the manifest does not say %q", said)
	}
}

func TestEveryServerHasToTakeWrites(t *testing.T) {
	data, named := read(t).config.Data, 0
	for _, b := range backends.Table {
		for _, v := range b.Describe(b.Name) {
			if !strings.HasSuffix(v.Name, "_ROLE") {
				continue
			}
			if named++; data[v.Name] != "primary" {
				t.Errorf("%s is %q", v.Name, data[v.Name])
			}
		}
	}
	if named == 0 {
		t.Error("no backend has a role")
	}
}

func TestTheGracePeriodAddsUp(t *testing.T) {
	m := read(t)
	total, drain := m.duration(t, "-budget"), m.duration(t, "-drain")
	half := (total - drain) / 2
	want := []time.Duration{drain, half, half, total}

	var said []time.Duration
	for _, line := range regexp.MustCompile(`(?m)^ +#   +([0-9.]+s) `).FindAllStringSubmatch(m.text, -1) {
		value, err := time.ParseDuration(line[1])
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, value)
	}
	if !slices.Equal(said, want) {
		t.Errorf("the comment says %v, want %v", said, want)
	}
	grace := time.Duration(*m.deployment.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
	if spare := grace - total; spare < time.Second || spare > 10*time.Second {
		t.Errorf("of a grace period of %v there is %v to spare", grace, spare)
	}
	if hook := m.container(t).Lifecycle; hook != nil {
		t.Error("a preStop hook is not in the sum")
	}
}

func TestEveryVariableIsReadByABackendAndEverySecretIsAFile(t *testing.T) {
	m := read(t)
	secret := make(map[string]bool) // by the names of all variables
	for _, b := range backends.Table {
		for _, v := range b.Describe(b.Name) {
			secret[v.Name] = v.Secret
		}
	}
	mount := m.container(t).VolumeMounts[0].MountPath
	for name, value := range m.config.Data {
		plain, isFile := strings.CutSuffix(name, "_FILE")
		isSecret, known := secret[plain]
		if isSecret != isFile || !known || (isFile && !strings.HasPrefix(value, mount+"/")) {
			t.Errorf("%s: read by a backend %v, a secret %v, in a file %v", name, known, isSecret, isFile)
		}
	}
	for _, c := range append(m.deployment.Spec.Template.Spec.InitContainers, m.container(t)) {
		if len(c.EnvFrom) != 1 || c.EnvFrom[0].ConfigMapRef.Name != m.config.Name || len(c.Env) > 0 {
			t.Errorf("%s has variables of its own", c.Name)
		}
	}
}
