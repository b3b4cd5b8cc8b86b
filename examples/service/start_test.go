package main

import (
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestProbesAreAnsweredFromTheBeginning(t *testing.T) {
	t.Parallel()
	backends := stack(t)
	if err := backends.StopServer("mysql"); err != nil {
		t.Fatal(err)
	}
	p := launch(t, backends.Env())
	p.listening(t)
	p.Await(t, "resource=mysql op=open")
	for path, want := range map[string]int{
		"/livez": 200, "/startupz": 503, "/readyz": 503, "/readyz/mongo": 503, "/products": 503, "/nothing": 503, "/": 503,
	} {
		if code, text := p.get(t, path); code != want {
			t.Errorf("while starting %s answers %d %s", path, code, text)
		}
	}

	if err := backends.StartServer("mysql"); err != nil {
		t.Fatal(err)
	}
	p.Await(t, "msg=serving")
	for _, path := range []string{"/livez", "/startupz", "/readyz", "/readyz/mongo", "/products"} {
		if code, text := p.get(t, path); code != http.StatusOK {
			t.Errorf("%s answers %d %s", path, code, text)
		}
	}
}

func TestSIGTERMWhileOpeningEndsIt(t *testing.T) {
	t.Parallel()
	p := launch(t, []string{"MYSQL_URL=mysql://root@127.0.0.1:1/none"})
	p.Await(t, "resource=mysql op=open")
	p.Signal(t, syscall.SIGTERM)
	endsWith1(t, p)
	if !strings.Contains(p.Log(), "canceled") {
		t.Error("it does not say why")
	}
}

func TestAWrongConfigurationExitsWith1AndNamesTheVariables(t *testing.T) {
	t.Parallel()
	p := launch(t, []string{"MYSQL_URL=mysql://root:hunter2", "REDIS_HOST=h", "REDIS_PORT=hunter2"})
	endsWith1(t, p, "MYSQL_URL: ", "REDIS_PORT: ")
	if strings.Contains(p.Log(), "hunter2") {
		t.Error("the password is shown")
	}
}

func TestNothingIsEmbeddedUnasked(t *testing.T) {
	t.Parallel()
	p := launch(t, []string{"PUBSUB_PROJECT_ID=example"}, "-embedded=false")
	endsWith1(t, p, "MYSQL_URL", "MONGO_URI", "REDIS_URL")
	if strings.Contains(p.Log(), "embedded server") || strings.Contains(p.Log(), "PUBSUB_PROJECT_ID") {
		t.Error("a server is embedded, or the project is not enough for Pub/Sub")
	}
}

func TestAMisspeltVariableIsNoReasonToEmbedAServer(t *testing.T) {
	t.Parallel()
	p := launch(t, []string{"MONGO_URII=mongodb://mongo/orders", "MYSQL_USR=app"})
	endsWith1(t, p, "did you mean MONGO_URI?", "did you mean MYSQL_USER?", "configure mongo", "configure mysql")
}

// endsWith1 expects the program to end, not by a signal, and to have written this.
func endsWith1(t *testing.T, p *program, wants ...string) {
	t.Helper()
	if err, ok := errors.AsType[*exec.ExitError](p.Ended(t)); !ok || err.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	for _, want := range wants {
		if !strings.Contains(p.Log(), want) {
			t.Errorf("%q is missing", want)
		}
	}
}
