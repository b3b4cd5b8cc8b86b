package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vibework/mooring/registry"

	"github.com/vibework/mooring/examples/devstack"
)

// asDoctor makes the test binary the program.
const asDoctor = "DOCTOR_AS_PROGRAM=1"

func TestMain(m *testing.M) {
	if os.Getenv("DOCTOR_AS_PROGRAM") == "1" {
		main()
	}
	os.Exit(m.Run())
}

// doctor runs the program in this environment and in no other.
func doctor(t *testing.T, environ []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(slices.Clone(environ), asDoctor, "HOME="+t.TempDir())
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "\x1b") || strings.Contains(errs.String(), "\x1b") {
		t.Errorf("there is colour where there is no terminal:\n%s%s", &out, &errs)
	}
	for _, variable := range environ { // nothing but the shortest of values may show, and those by chance
		if _, value, _ := strings.Cut(variable, "="); len(value) > 8 {
			for _, part := range regexp.MustCompile(`[^:/@?]{9,}`).FindAllString(value, -1) {
				if strings.Contains(out.String()+errs.String(), part) {
					t.Errorf("a part of %s shows:\n%s%s", variable, &out, &errs)
				}
			}
		}
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// here runs the program in this process, for what examines no backend.
func here(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), args, &out, &errs)
	return status, out.String(), errs.String()
}

func start(t *testing.T, servers ...string) *devstack.Stack {
	t.Helper()
	stack, err := devstack.Start(t.Context(), servers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stack.Stop() })
	return stack
}

// plain replaces what differs from run to run, and the columns with it.
func plain(text string) string {
	text = regexp.MustCompile(`\d+\.\dms`).ReplaceAllString(text, "1ms")
	return regexp.MustCompile(` {2,}`).ReplaceAllString(text, "  ")
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got = plain(got); got != plain(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAHealthyEnvironment(t *testing.T) {
	status, stdout, stderr := doctor(t, start(t).Env())
	if status != statusWell || stderr != "" {
		t.Errorf("it exits with %d and says %s", status, stderr)
	}
	expect(t, stdout, `BACKEND  STATUS  RESOLVE  CONNECT  AUTHENTICATE  CHECK  IN USE  READ
mysql  pass  1ms  1ms  1ms  1ms  0 of 20  MYSQL_URL
mongo  pass  1ms  1ms  1ms  1ms  0 of 100  MONGO_URI
redis  pass  1ms  1ms  1ms  1ms  0 of 20  REDIS_URL
pubsub  pass  1ms  1ms  1ms  1ms  -  PUBSUB_PROJECT_ID PUBSUB_EMULATOR_HOST
`)
}

func TestAHalfConfiguredEnvironmentNamesEveryVariableAndExitsWith2(t *testing.T) {
	env := append(start(t, "mysql").Env(), "REDIS_PASSWORD=hunter2-and-more", "REDIS_PORT=70000",
		"MONGO_PORT=tcp://10.0.0.1:27017")
	status, stdout, _ := doctor(t, env)
	if status != statusWrong {
		t.Errorf("it exits with %d", status)
	}
	expect(t, stdout, `BACKEND  STATUS  RESOLVE  CONNECT  AUTHENTICATE  CHECK  IN USE  READ
mysql  pass  1ms  1ms  1ms  1ms  0 of 20  MYSQL_URL
mongo  skip  -  -  -  -  -  nothing: no variable is set
redis  fail  -  -  -  -  -  REDIS_PORT REDIS_PASSWORD
pubsub  skip  -  -  -  -  -  nothing: no variable is set

redis: config at configure:
  REDIS_PORT: not a port: want 1 to 65535
  -> mend the variables that are named; doctor -env lists them all
`)
}

func TestABrokenEnvironmentSaysWhatIsWrongAtWhichStepAndExitsWith1(t *testing.T) {
	stack := start(t, "mysql", "mongo", "redis")
	if err := stack.StopServer("redis"); err != nil {
		t.Fatal(err)
	}
	env := stack.Env()
	for i, variable := range env {
		if strings.HasPrefix(variable, "MYSQL_URL=") {
			env[i] = regexp.MustCompile(`app:[^@]*@`).ReplaceAllString(variable, "app:not-the-password@")
		}
	}
	env = append(env, "PUBSUB_EMULATOR_HOST=pubsub-host.invalid:8085")
	status, stdout, _ := doctor(t, env)
	if status != statusUnwell {
		t.Errorf("it exits with %d", status)
	}
	expect(t, stdout, `BACKEND  STATUS  RESOLVE  CONNECT  AUTHENTICATE  CHECK  IN USE  READ
mysql  fail  1ms  1ms  auth  -  -  MYSQL_URL
mongo  pass  1ms  1ms  1ms  1ms  0 of 100  MONGO_URI
redis  fail  1ms  unreachable  -  -  -  REDIS_URL
pubsub  fail  unreachable  -  -  -  -  PUBSUB_EMULATOR_HOST

mysql: auth at authenticate:
  access denied (1045)
  -> `+advice[registry.KindAuth]+`

redis: unreachable at connect:
  connection refused
  -> `+advice[registry.KindUnreachable]+`

pubsub: unreachable at resolve:
  no such host
  -> `+advice[registry.KindUnreachable]+"\n")
}

func TestJSONHasTheStepsWithTheirKindsAndAdvice(t *testing.T) {
	stack := start(t, "redis")
	if err := stack.StopServer("redis"); err != nil {
		t.Fatal(err)
	}
	status, stdout, _ := doctor(t, stack.Env(), "-json")
	var got struct {
		Status   string
		Backends []struct {
			Name, Status string
			Read         []string
			Steps        []struct{ Name, Status, Duration, Kind, Error, Advice string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Backends) != 4 || status != statusUnwell {
		t.Fatalf("status %d, %v: %s", status, err, stdout)
	}
	redis := got.Backends[2]
	last := redis.Steps[len(redis.Steps)-1]
	if got.Status != "fail" || redis.Status != "fail" || !slices.Equal(redis.Read, []string{"REDIS_URL"}) ||
		len(redis.Steps) != 3 || last.Name != "connect" || last.Kind != "unreachable" || last.Advice == "" {
		t.Errorf("got %s", stdout)
	}
	if got.Backends[0].Status != "skip" {
		t.Errorf("mysql is %s", got.Backends[0].Status)
	}
}

func TestUnsetBackendsAreExaminedWhenTheyAreNamed(t *testing.T) {
	status, stdout, _ := doctor(t, nil, "mysql-replica")
	if status != statusWrong || !strings.Contains(stdout, "MYSQL_REPLICA_URL is not set") {
		t.Errorf("it exits with %d after\n%s", status, stdout)
	}
	status, stdout, _ = doctor(t, nil)
	if status != statusWrong || !strings.Contains(stdout, "no variable of any backend is set") {
		t.Errorf("with nothing set it exits with %d after\n%s", status, stdout)
	}
}

func TestWaitGoesOnUntilAllAreWell(t *testing.T) {
	stack := start(t, "redis")
	if err := stack.StopServer("redis"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-wait", "60s")
	cmd.Env = append(stack.Env(), asDoctor)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	progress, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 200)
	n, _ := progress.Read(line)
	if got := string(line[:n]); !strings.HasPrefix(got, "waiting for redis (unreachable), at most ") {
		t.Errorf("it says %q", got)
	}
	if err := stack.StartServer("redis"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v after\n%s", err, &stdout)
	}
}

func TestWaitEndsWithItsTimeAndAtOnceForWhatTimeDoesNotMend(t *testing.T) {
	stack := start(t, "redis")
	env := stack.Env()
	if err := stack.StopServer("redis"); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := doctor(t, env, "-wait", "100ms")
	if status != statusUnwell || strings.Count(stderr, "\n") != 1 {
		t.Errorf("it exits with %d and says %s", status, stderr)
	}
	status, _, stderr = doctor(t, append(env, "MYSQL_PASSWORD=hunter2-and-more"), "-wait", "1h")
	if status != statusWrong || strings.Contains(stderr, "waiting") {
		t.Errorf("it exits with %d and says %s", status, stderr)
	}
}

func TestProbeIsTheHealthCheckOfAContainer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/livez" {
			http.Error(w, "redis is down", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	if status, _, stderr := here(t, "-probe", server.URL+"/livez"); status != statusWell || stderr != "" {
		t.Errorf("it exits with %d and says %s", status, stderr)
	}
	status, _, stderr := here(t, "-probe", server.URL+"/readyz")
	if want := "doctor: probe: 503 Service Unavailable: redis is down\n"; status != statusUnwell || stderr != want {
		t.Errorf("it exits with %d and says %s", status, stderr)
	}
}

func TestEnvListsEveryVariableInEveryForm(t *testing.T) {
	t.Setenv("MYSQL_URL", "hunter2")
	t.Setenv("PUBSUB_PROJECT_ID", "")
	t.Setenv("GOOGLE_CLOUD_PROJECT", "")
	t.Setenv("GCLOUD_PROJECT", "hunter2")
	t.Setenv("REDIS_PASSWORD_FILE", "hunter2")
	for form, wants := range map[string][]string{
		"-env": {
			"MYSQL_URL  secret  yes  ", "MYSQL_MAX_OPEN_CONNS  int  20  -  ",
			"REDIS_PASSWORD  secret  REDIS_PASSWORD_FILE  ", "PUBSUB_PROJECT_ID  string  GCLOUD_PROJECT  ",
		},
		"-env=markdown": {
			"| VARIABLE | TYPE | DEFAULT | SET | MEANING |\n| --- | --- | --- | --- | --- |\n",
			"| MYSQL_MAX_OPEN_CONNS | int | 20 | - | most connections at a time |\n",
		},
		"-env=dotenv": {"# mysql\n# mysql://user:", "; set now, as MYSQL_URL\n#MYSQL_URL=\n", "\n#MYSQL_MAX_OPEN_CONNS=20\n"},
	} {
		status, stdout, stderr := here(t, form)
		for _, want := range wants {
			if !strings.Contains(plain(stdout), want) {
				t.Errorf("%s: %q is missing in\n%s", form, want, stdout)
			}
		}
		if status != statusWell || stderr != "" || strings.Contains(stdout, "hunter2") {
			t.Errorf("%s exits with %d and says %s", form, status, stderr)
		}
	}
}

func TestWrongUsageExitsWith2(t *testing.T) {
	for _, args := range []string{
		"-unknown", "postgres", "My_SQL", "mysql -json", "-wait -1s", "-env=xml", "-env -json", "-probe http://x -json",
	} {
		if status, _, stderr := here(t, strings.Fields(args)...); status != statusWrong || stderr == "" {
			t.Errorf("%s exits with %d and says %q", args, status, stderr)
		}
	}
	if status, stdout, _ := here(t, "-h"); status != statusWell || !strings.HasPrefix(stdout, "usage: doctor") {
		t.Errorf("-h exits with %d and says %q", status, stdout)
	}
}
