package all_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/internal/backends"
	"github.com/vibework/mooring/internal/canary"
)

// canaryProgram is the variable that makes the test binary the program that runs the cases.
const canaryProgram = "MOORING_CANARY_PROGRAM"

// canaryJob is what the program reads from its standard input.
type canaryJob struct {
	Secrets []string                     // passwords to plant
	Servers map[string]map[string]string // host:port by backend and then by how the server behaves
	Folder  string                       // for files
}

// canaryLimit is far more than the program needs, also beside eight busy processes.
const canaryLimit = 8 * time.Minute

// What a program with a password in the right or in the wrong place shows must not hold four characters of its random
// part: in errors, however printed, in JSON, logs, events, health answers, its panic and the trace of all goroutines.
func TestNoPasswordShowsWhateverTheVariableAndWhateverTheServer(t *testing.T) {
	secrets := []canary.Secret{canary.New("", ""), canary.New("p-", "-q")} // good for many a variable
	hostile := canary.Hostile()
	for _, name := range slices.Sorted(maps.Keys(hostile)) {
		secrets = append(secrets, hostile[name])
	}
	job := canaryJob{Folder: t.TempDir(), Servers: make(map[string]map[string]string)}
	for _, s := range secrets {
		job.Secrets = append(job.Secrets, s.Value)
	}
	ears := startCanaryServers(t, job.Servers)

	output := canaryOutput(t, job, hostile["as a URL"])
	for i, line := range canary.LinesWith(output, secrets) {
		if i == 20 {
			t.Fatal("and more")
		}
		t.Errorf("a part of a secret shows: %s", line)
	}
	var missing []string
	for _, proof := range []string{ // that the program has done what there is to look at
		"refused by configuration", "Open has failed", "Open has succeeded", "a check has failed", "event:",
		`"msg":"open failed"`, "panic: the end", "goroutine 1 [", "[running]", "health answer:", "closed",
		"level=WARN", "whole program:", "did you mean",
		"a file for MYSQL_URL_FILE: Open: auth", "a file for MYSQL_DSN_FILE: Open: auth",
		"a file for MONGO_URI_FILE: Open: auth", "a file for REDIS_URL_FILE: Open: auth",
	} {
		if !strings.Contains(output, proof) {
			missing = append(missing, proof)
		}
	}
	if len(missing) > 0 {
		t.Errorf("the output of the program has no %q; it ends with:\n%s", missing, output[max(0, len(output)-3000):])
	}
	missesNoServer(t, output, job.Servers, len(secrets))
	missesNoSecret(t, ears, secrets)
}

func TestTheCanaryIsPlantedInEachVariableAlone(t *testing.T) {
	secret := canary.New("", "")
	cases := canaryCases(secret, t.TempDir())
	for _, v := range allVariables() {
		for _, name := range append(slices.Clip(v.Aliases), v.Name) {
			alone := func(c canaryCase) bool {
				file := func(pair string) bool { return strings.HasPrefix(pair, name+"_FILE=") }
				return slices.Contains(c.env, name+"="+secret.Value) && !slices.ContainsFunc(c.env, file)
			}
			// What names a file need not be the secret: its content may be.
			if !slices.ContainsFunc(cases, alone) && !strings.HasSuffix(name, "_FILE") {
				t.Errorf("the secret is never in %s alone", name)
			}
		}
	}
	for _, name := range allFitting() {
		fits := func(c canaryCase) bool { return c.fits && slices.Contains(c.env, name+"="+secret.Value) }
		if !slices.ContainsFunc(cases, fits) {
			t.Errorf("the secret fits nowhere in %s", name)
		}
	}
}

// canaryOutput runs the program in an environment that holds the secret, and returns all that it prints.
func canaryOutput(t *testing.T, job canaryJob, secret canary.Secret) string {
	t.Helper()
	input, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), canaryLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &output, &output
	cmd.Env = append(wholeProgram(job, secret),
		canaryProgram+"=1", "PATH="+job.Folder, "HOME="+job.Folder, "TMPDIR="+job.Folder, "GOTRACEBACK=all",
		"GORACE=halt_on_error=1", "MONGODB_LOG_ALL=debug", "MONGODB_LOG_PATH=stderr",
		// GRPC_GO_LOG_SEVERITY_LEVEL is not here: it makes gRPC print where it dials, and no client can prevent it.
		"GOOGLE_SDK_GO_LOGGING_LEVEL=debug",
	)
	if err := cmd.Run(); err == nil {
		t.Error("the program has ended without the panic")
	}
	if ctx.Err() != nil {
		t.Fatalf("the program did not end within %v", canaryLimit)
	}
	return output.String()
}

// allFitting are the variables of all backends whose whole value may be a secret that the server gets to see.
func allFitting() (names []string) {
	for _, w := range worlds {
		names = append(names, w.fitting...)
	}
	return names
}

// wholeProgram is the environment for the default instances: the secret where it belongs, and servers that send it back.
func wholeProgram(job canaryJob, secret canary.Secret) []string {
	environ := []string{"REDIS_PASWORD=" + secret.Value, "GOOGLE_APPLICATION_CREDENTIALS=" + secret.Value}
	for backend, w := range worlds {
		fill := strings.NewReplacer("{secret}", secret.Escaped(), "{addr}", job.Servers[backend]["echoes"])
		for _, pair := range w.whole {
			environ = append(environ, fill.Replace(pair))
		}
	}
	return environ
}

// A canaryCase is an environment with a secret somewhere in it. {addr} stands for where the server is, and {file} for
// the path of a file with that content.
type canaryCase struct {
	backend string
	env     []string
	file    string
	fits    bool // the secret is where it belongs, and the server gets to see it
	shown   bool // the secret is where an address or the name of a database belongs, which records show
}

// canaryCases are all the places where somebody could put the secret: each variable that Describe knows, a file in the
// place of each secret, every part of a URL or a DSN, there or in a file, and files of credentials.
func canaryCases(secret canary.Secret, folder string) (cases []canaryCase) {
	file := func(name, content string) string {
		path := fmt.Sprintf("%s/%d-%s", folder, len(cases), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			panic(err)
		}
		return path
	}
	for _, b := range backends.Table {
		backend, w, vars := b.Name, worlds[b.Name], b.Describe(b.Name)
		add := func(env ...string) *canaryCase {
			cases = append(cases, canaryCase{backend: backend, env: env})
			return &cases[len(cases)-1]
		}
		for _, v := range vars {
			for _, name := range append(slices.Clip(v.Aliases), v.Name) {
				for _, base := range w.bases(v) {
					fits := slices.Contains(w.fitting, v.Name) && (w.inClear == "" || slices.Contains(base, w.inClear))
					c := add(append(base, name+"="+secret.Value)...)
					c.fits, c.shown = fits, slices.Contains(w.shown, v.Name)
					if v.Secret {
						add(append(base, name+"_FILE="+secret.Value)...)
						add(append(base, name+"_FILE="+file("secret", secret.Value+"\n"))...)
						add(append(base, name+"="+secret.Value, name+"_FILE="+secret.Value)...)
					} else if strings.HasSuffix(name, "_FILE") {
						add(append(base, name+"="+file("pem", "-----BEGIN "+secret.Value+"-----\n"+secret.Value))...)
					}
				}
			}
			for i, shape := range w.shapes[v.Name] {
				escaped := strings.ReplaceAll(shape, "{secret}", secret.Escaped())
				add(v.Name + "=" + strings.ReplaceAll(shape, "{secret}", secret.Value)).shown = slices.Contains(w.shown, shape)
				c := add(v.Name + "=" + escaped)
				c.fits, c.shown = i == 0 && v.Secret && w.inClear == "", slices.Contains(w.shown, shape)
				if i > 0 {
					continue
				}
				for _, extra := range w.extras {
					add(v.Name+"="+escaped, extra).fits = extra == w.inClear
				}
				if v.Secret {
					add(v.Name+"_FILE={file}", w.inClear).file = escaped + "\n"
				}
			}
		}
	}
	for _, content := range credentialFiles {
		path := file("credentials", strings.ReplaceAll(content, "{secret}", jsonText(secret.Value)))
		cases = append(cases, canaryCase{
			backend: "pubsub", env: []string{"PUBSUB_PROJECT_ID=p", "PUBSUB_CREDENTIALS_FILE=" + path},
		})
	}
	return cases
}

// bases are the settings of the other variables that make v count.
func (w world) bases(v config.Var) [][]string {
	if slices.Contains(w.alone, v.Name) {
		return [][]string{nil}
	}
	clean := func(env []string) []string { // of what the secret takes the place of; an append to it makes a copy
		return slices.Clip(slices.DeleteFunc(slices.Clone(env), func(pair string) bool {
			name, _, _ := strings.Cut(pair, "=")
			return name == v.Name
		}))
	}
	all := [][]string{clean(w.parts)}
	if w.inClear != "" && slices.Contains(w.inClearFor, v.Name) {
		all = append(all, clean(append(slices.Clone(w.parts), w.inClear)))
	}
	return all
}

var credentialFiles = []string{
	"{secret}", `{"type":"{secret}"}`, `{"type":"service_account","private_key":"{secret}","client_email":"{secret}"}`,
	`{"type":"authorized_user","client_id":"c","client_secret":"{secret}","refresh_token":"{secret}"}`,
	`{"type":"external_account","audience":"{secret}","token_url":"{secret}","credential_source":{"file":"{secret}"}}`,
	`{"type":"service_account","private_key":"{secret}`,
}

// jsonText is s as it stands between the quotes of JSON.
func jsonText(s string) string {
	text, _ := json.Marshal(s)
	return string(text[1 : len(text)-1])
}

// at is the case's environment with the server at addr, and its file in the folder.
func (c canaryCase) at(addr, folder string) []string {
	host, port, _ := net.SplitHostPort(addr)
	fill := []string{"{addr}", addr, "{host}", host, "{port}", port}
	if c.file != "" {
		file, err := os.CreateTemp(folder, "url-*")
		if err != nil {
			panic(err)
		}
		_, err = strings.NewReplacer(fill...).WriteString(file, c.file)
		if err = errors.Join(err, file.Close()); err != nil {
			panic(err)
		}
		fill = append(fill, "{file}", file.Name())
	}
	env := make([]string, len(c.env))
	for i, pair := range c.env {
		env[i] = strings.NewReplacer(fill...).Replace(pair)
	}
	return env
}
