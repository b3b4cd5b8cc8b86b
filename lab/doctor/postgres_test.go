// Package doctor holds the command of backends/postgres against a server of PostgreSQL.
package doctor_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vibework/mooring/lab/internal/server"
)

func TestTheDoctorExaminesPostgreSQL(t *testing.T) {
	program := filepath.Join(t.TempDir(), "mooring")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program,
		"github.com/vibework/mooring/backends/postgres/cmd/mooring")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p, _, err := server.PostgreSQL(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		role, password string
		args           []string
		status         int
		want           []string
	}{
		{"primary", p.Password, []string{"wait", "30s"}, 0, []string{"postgres  pass"}},
		{"primary", p.Password, []string{"doctor"}, 0, []string{
			p.Addr, "postgres: the server takes 37 connections: a pool of 10 fits 1 instances",
		}},
		{"replica", p.Password, []string{"doctor", "postgres"}, 2, []string{"postgres: config at authenticate"}},
		{"any", "wrong-sailor", []string{"doctor"}, 1, []string{
			"postgres: auth at authenticate", "compare the user name and the password with those on the server",
		}},
	} {
		cmd := exec.CommandContext(t.Context(), program, test.args...)
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "POSTGRES_ROLE=" + test.role,
			"POSTGRES_URL=postgres://" + server.User + ":" + test.password + "@" + p.Addr + "/" + server.Database,
		}
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != test.status {
			t.Errorf("%s, %s: it exits with %d, want %d", test.args, test.role, got, test.status)
		}
		for _, want := range test.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s, %s: without %q:\n%s", test.args, test.role, want, out)
			}
		}
	}
}
