package command

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/internal/backends"
	"github.com/vibework/mooring/internal/commandtest"
	"github.com/vibework/mooring/registry"
)

// program is the path of the command.
var program string

func TestMain(m *testing.M) { os.Exit(commandtest.Run(m, "../../cmd/mooring", &program)) }

// mooring runs the program in this environment and in no other.
func mooring(t *testing.T, environ []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(slices.Clone(environ), "HOME="+t.TempDir())
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "\x1b") || strings.Contains(errs.String(), "\x1b") {
		t.Errorf("there is colour where there is no terminal:\n%s%s", &out, &errs)
	}
	for _, variable := range environ { // nothing but addresses and the shortest of values may show, and those by chance
		if _, value, _ := strings.Cut(variable, "="); len(value) > 8 {
			for _, part := range regexp.MustCompile(`[^:/@?]{9,}`).FindAllString(value, -1) {
				if part != "127.0.0.1" && part != "pubsub-host.invalid" && strings.Contains(out.String()+errs.String(), part) {
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
	status = run(t.Context(), args, screen{Writer: &out}, screen{Writer: &errs})
	return status, out.String(), errs.String()
}

// plain replaces what differs from run to run, and the columns with it.
func plain(text string) string {
	text = regexp.MustCompile(`\d+\.\dm?s`).ReplaceAllString(text, "1ms")
	text = regexp.MustCompile(`\b0 of \d+`).ReplaceAllString(text, "0 of N") // the defaults are the backends'
	text = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(text, "HOST")
	return regexp.MustCompile(` {2,}`).ReplaceAllString(text, "  ")
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got = plain(got); got != plain(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAHealthyEnvironment(t *testing.T) {
	status, stdout, stderr := mooring(t, start(t, "mysql", "mongo", "redis", "pubsub").Env, "doctor")
	if status != statusWell || stderr != "" {
		t.Errorf("it exits with %d and says %s", status, stderr)
	}
	expect(t, stdout, `BACKEND  STATUS  RESOLVE  CONNECT  AUTHENTICATE  CHECK  IN USE  ADDRESS  DATABASE  USER  READ
mysql  pass  1ms  1ms  1ms  1ms  0 of 10  HOST  shop  app  MYSQL_URL
mongo  pass  1ms  1ms  1ms  1ms  0 of 100  HOST  -  app  MONGO_URI
redis  pass  1ms  1ms  1ms  1ms  0 of 10  HOST  0  app  REDIS_URL
pubsub  pass  1ms  1ms  1ms  1ms  -  HOST  project  -  PUBSUB_PROJECT_ID PUBSUB_EMULATOR_HOST
`)
}

func TestAHalfConfiguredEnvironmentNamesEveryVariableAndExitsWith2(t *testing.T) {
	env := slices.Concat(start(t, "mysql").Env, []string{
		"REDIS_PASSWORD=hunter2-and-more", "REDIS_PORT=70000", "MONGO_PORT=tcp://10.0.0.1:27017",
	})
	status, stdout, _ := mooring(t, env, "doctor")
	if status != statusWrong {
		t.Errorf("it exits with %d", status)
	}
	expect(t, stdout, `BACKEND  STATUS  RESOLVE  CONNECT  AUTHENTICATE  CHECK  IN USE  ADDRESS  DATABASE  USER  READ
mysql  pass  1ms  1ms  1ms  1ms  0 of 10  HOST  shop  app  MYSQL_URL
mongo  skip  -  -  -  -  -  -  -  -  nothing: no variable is set
redis  fail  -  -  -  -  -  -  -  -  REDIS_PORT REDIS_PASSWORD
pubsub  skip  -  -  -  -  -  -  -  -  nothing: no variable is set

redis: config at configure:
  REDIS_PORT: not a port: want 1 to 65535
  REDIS_URL is not set, nor is REDIS_HOST or REDIS_SENTINEL_HOSTS
  -> mend the variables that are named; mooring env lists them all
`)
}

func TestABrokenEnvironmentSaysWhatIsWrongAtWhichStepAndExitsWith1(t *testing.T) {
	stack := start(t, "mysql", "mongo", "redis")
	stack.stop["redis"]()
	env := stack.Env
	for i, variable := range env {
		if strings.HasPrefix(variable, "MYSQL_URL=") {
			env[i] = regexp.MustCompile(`app:[^@]*@`).ReplaceAllString(variable, "app:not-the-password@")
		}
	}
	env = append(env, "PUBSUB_EMULATOR_HOST=pubsub-host.invalid:8085")
	status, stdout, _ := mooring(t, env, "doctor")
	if status != statusUnwell {
		t.Errorf("it exits with %d", status)
	}
	expect(t, stdout, `BACKEND  STATUS  RESOLVE  CONNECT  AUTHENTICATE  CHECK  IN USE  ADDRESS  DATABASE  USER  READ
mysql  fail  1ms  1ms  auth 1ms  -  -  HOST  shop  app  MYSQL_URL
mongo  pass  1ms  1ms  1ms  1ms  0 of 100  HOST  -  app  MONGO_URI
redis  fail  1ms  unreachable 1ms  -  -  -  HOST  0  app  REDIS_URL
pubsub  fail  unreachable 1ms  -  -  -  -  pubsub-host.invalid:8085  emulator  -  PUBSUB_EMULATOR_HOST

mysql: auth at authenticate:
  access denied (1045), or the server wants TLS: MYSQL_TLS
  -> `+advice[registry.KindAuth]+`

redis: unreachable at connect:
  connection refused
  -> `+advice[registry.KindUnreachable]+`

pubsub: unreachable at resolve:
  no such host
  -> `+advice[registry.KindUnreachable]+"\n")
}

func TestJSONHasTheStepsWithTheirKindsAndAdviceAndTheNumbersOfThePool(t *testing.T) {
	stack := start(t, "mysql", "redis")
	stack.stop["redis"]()
	status, stdout, _ := mooring(t, stack.Env, "doctor", "-json")
	var got struct {
		Status   string
		Backends []struct {
			Name, Status string
			Read         []string
			Steps        []struct {
				Name, Status, Kind, Error, Advice string
				DurationMs                        *float64
			}
			Pool   map[string]float64
			Target map[string]string
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Backends) != 4 || status != statusUnwell {
		t.Fatalf("status %d, %v: %s", status, err, stdout)
	}
	mysql, mongo, redis := got.Backends[0], got.Backends[1], got.Backends[2]
	last := redis.Steps[len(redis.Steps)-1]
	if got.Status != "fail" || redis.Status != "fail" || !slices.Equal(redis.Read, []string{"REDIS_URL"}) ||
		len(redis.Steps) != 3 || last.Name != "connect" || last.Kind != "unreachable" || last.Advice == "" ||
		last.DurationMs == nil || *last.DurationMs <= 0 || redis.Pool != nil || mongo.Status != "skip" {
		t.Errorf("got %s", stdout)
	}
	want := map[string]float64{"max": mysql.Pool["max"], "open": 1, "inUse": 0, "idle": 1, "waitCount": 0, "waitMs": 0}
	if mysql.Target["addr"] == "" || mysql.Target["database"] != "shop" || mysql.Target["user"] != "app" {
		t.Errorf("it shows %v", mysql.Target)
	}
	if !maps.Equal(mysql.Pool, want) || want["max"] == 0 {
		t.Errorf("the pool is %v, want %v", mysql.Pool, want)
	}
}

func TestAMistakeThatOnlyTheServerFindsExitsWith2AndTheAdviceNamesNoVariable(t *testing.T) {
	env := start(t, "mysql").Env
	env[0] = regexp.MustCompile(`/\w*$`).ReplaceAllString(env[0], "/nowhere")
	status, stdout, _ := mooring(t, env, "doctor")
	if status != statusWrong || !strings.Contains(stdout, "mysql: config at authenticate:") ||
		!strings.Contains(stdout, advice[registry.KindConfig]) {
		t.Errorf("it exits with %d after\n%s", status, stdout)
	}
}

func TestWhatAnotherServerAnswersLeadsToItsPort(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	status, stdout, _ := mooring(t, []string{"REDIS_URL=" + strings.Replace(server.URL, "http", "redis", 1)}, "doctor")
	if status != statusUnwell || !strings.Contains(stdout, "is this port the one of a Redis server?") {
		t.Errorf("it exits with %d after\n%s", status, stdout)
	}
}

func TestUnsetBackendsAreExaminedWhenTheyAreNamed(t *testing.T) {
	status, stdout, _ := mooring(t, nil, "doctor", "mysql-redis", "reports-mysql")
	for _, want := range []string{"MYSQL_REDIS_URL is not set, nor is MYSQL_REDIS_DSN", "REPORTS_MYSQL_URL is not set"} {
		if status != statusWrong || !strings.Contains(stdout, want) {
			t.Errorf("it exits with %d, without %q, after\n%s", status, want, stdout)
		}
	}
	status, stdout, _ = mooring(t, nil, "doctor")
	if status != statusWrong || !strings.Contains(stdout, "no backend is configured") {
		t.Errorf("with nothing set it exits with %d after\n%s", status, stdout)
	}
}

func TestProbeIsTheHealthCheckOfAContainer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != "/livez" {
			http.Error(w, "redis is down", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	if status, _, stderr := here(t, "probe", server.URL+"/livez"); status != statusWell || stderr != "" {
		t.Errorf("it exits with %d and says %s", status, stderr)
	}
	status, _, stderr := here(t, "probe", server.URL+"/readyz")
	if want := "mooring probe: 503 Service Unavailable: redis is down\n"; status != statusUnwell || stderr != want {
		t.Errorf("it exits with %d and says %s", status, stderr)
	}
}

func TestEnvListsEveryVariableInEveryForm(t *testing.T) {
	t.Setenv("MYSQL_URL", "hunter2")
	t.Setenv("PUBSUB_PROJECT_ID", "")
	t.Setenv("GOOGLE_CLOUD_PROJECT", "")
	t.Setenv("GCLOUD_PROJECT", "hunter2")
	t.Setenv("REDIS_PASSWORD_FILE", "hunter2")
	const dial = "MYSQL_DIAL_TIMEOUT"
	vars := backends.Table[0].Describe("mysql")
	v := vars[slices.IndexFunc(vars, func(v config.Var) bool { return v.Name == dial })]
	for form, wants := range map[string][]string{
		"env": {
			"MYSQL_URL  secret  yes  ", dial + "  duration  " + v.Default + "  -  ",
			"REDIS_PASSWORD  secret  REDIS_PASSWORD_FILE  ", "PUBSUB_PROJECT_ID  string  GCLOUD_PROJECT  ",
		},
		"env -markdown": {
			"| VARIABLE | TYPE | DEFAULT | SET | MEANING |\n| --- | --- | --- | --- | --- |\n",
			"| " + dial + " | duration | " + v.Default + " | - | " + v.Doc + " |\n",
		},
		"env -dotenv": {"# mysql\n# mysql://user:", "; set now, as MYSQL_URL\n#MYSQL_URL=\n", "\n#" + dial + "=" + v.Default + "\n"},
	} {
		status, stdout, stderr := here(t, strings.Fields(form)...)
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

func TestOutputThatIsLostIsNotWell(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is Linux's")
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for args, want := range map[string]int{
		"help": statusUnwell, "env": statusUnwell, "env -dotenv": statusUnwell, "env -markdown mysql": statusUnwell,
		"doctor -h": statusUnwell, "doctor mysql": statusWrong, "doctor -json mysql": statusWrong,
	} {
		var stderr bytes.Buffer
		status := run(t.Context(), strings.Fields(args), screen{Writer: full}, screen{Writer: &stderr})
		if status != want || !strings.Contains(stderr.String(), "the output is not whole: ") {
			t.Errorf("%s exits with %d and says %q", args, status, &stderr)
		}
	}
}

func TestWhatIsSetInVainIsTold(t *testing.T) {
	_, _, stderr := mooring(t, []string{"REDIS_URL=redis://127.0.0.1:1", "REDIS_HOST=other"}, "doctor")
	if !strings.Contains(stderr, "not read because REDIS_URL is set: REDIS_HOST") {
		t.Errorf("it says %q", stderr)
	}
}

func TestWrongUsageExitsWith2(t *testing.T) {
	for args, want := range map[string]string{
		"":                              `"" is no command`,
		"-unknown":                      `"-unknown" is no command`,
		"doctor -unknown":               "-unknown",
		"doctor postgres":               "postgres",
		"doctor My_SQL":                 "My_SQL",
		"doctor my-mysql-proxy":         "no instance of a backend",
		"doctor mysql -json":            "flags come before",
		"wait":                          "for how long",
		"wait mysql":                    `"mysql" is no duration`,
		"wait 0s":                       "more than 0",
		"wait ":                         `"" is no duration`,
		"wait 60s postgres":             "postgres",
		"env markdown":                  "no instance of a backend",
		"doctor mysql://u:hunter2@h/db": "a URL is no instance of a backend",
		"wait redis://:hunter2@h":       "a URL is no duration",
		"mysql://u:hunter2@h/db":        "a URL is no command",
		"env -markdown -dotenv":         "exclude each other",
		"probe ":                        "exactly one URL",
		"probe":                         "exactly one URL",
		"probe http://x mysql":          "exactly one URL",
		"probe http://x -json":          "flags come before",
	} {
		status, stdout, stderr := here(t, strings.Split(args, " ")...)
		if line, _, _ := strings.Cut(stderr, "\n"); status != statusWrong || stdout != "" || !strings.Contains(line, want) {
			t.Errorf("%q exits with %d and says %q", args, status, line)
		}
		if strings.Contains(stderr, "hunter2") {
			t.Errorf("%q: a password shows in %q", args, stderr)
		}
		if lines := strings.Count(stderr, "\n"); lines > 6 {
			t.Errorf("%q: what is wrong is lost in %d lines", args, lines)
		}
	}
	if status, stdout, stderr := here(t); status != statusWrong || stdout != "" || stderr != usage {
		t.Errorf("without a command it exits with %d and says %q", status, stderr)
	}
	for _, args := range []string{"-h", "help", "doctor -h"} {
		if status, stdout, _ := here(t, strings.Fields(args)...); status != statusWell || stdout != usage {
			t.Errorf("%s exits with %d and says %q", args, status, stdout)
		}
	}
}
