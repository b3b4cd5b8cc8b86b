package main

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/vibework/mooring/internal/commandtest"
)

// program is the path of the command.
var program string

func TestMain(m *testing.M) { os.Exit(commandtest.Run(m, ".", &program)) }

// mooring runs the command in this environment and no other, and returns what it prints.
func mooring(t *testing.T, environ []string, args ...string) (text string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, environ...)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

func TestTheDoctorExaminesPostgreSQL(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	text, status := mooring(t, []string{"POSTGRES_URL=postgres://app:ZQXV@" + addr + "/shop"}, "doctor")
	if status != 1 {
		t.Errorf("it exits with %d", status)
	}
	for _, part := range []string{"postgres: unreachable at connect", addr, "shop", "app", "POSTGRES_URL", "pubsub"} {
		if !strings.Contains(text, part) {
			t.Errorf("without %s:\n%s", part, text)
		}
	}
	if strings.Contains(text, "ZQXV") || strings.Contains(text, "go install") {
		t.Errorf("too much is said:\n%s", text)
	}
}

func TestWhatLibpqReadsMakesPostgreSQLOneToExamine(t *testing.T) {
	for pair, wanted := range map[string]bool{
		"PGHOST=127.0.0.1":                              true,
		"DATABASE_URL=postgres://127.0.0.1/shop":        true,
		"DATABASE_URL=jdbc:postgresql://127.0.0.1/shop": true,
		"DATABASE_URL=mysql://app@127.0.0.1/shop":       false,
		"PGDATA=/var/lib":                               false,
	} {
		text, status := mooring(t, []string{pair}, "doctor")
		if strings.Contains(text, "postgres: config at configure") != wanted || status != 2 {
			t.Errorf("%s: it exits with %d, and says:\n%s", pair, status, text)
		}
	}
}

func TestAVariableOfPostgreSQLThatIsMisspeltIsNamed(t *testing.T) {
	text, status := mooring(t, []string{"POSTGRES_ULR=postgres://h"}, "doctor")
	if status != 2 || !strings.Contains(text, "POSTGRES_ULR is not read; did you mean POSTGRES_URL?") {
		t.Errorf("it exits with %d, and says:\n%s", status, text)
	}
}

func TestTheVariablesOfAllFiveAreListed(t *testing.T) {
	text, _ := mooring(t, []string{"DATABASE_URL=postgres://h"}, "env")
	for _, variable := range []string{"MYSQL_URL", "MONGO_URI", "REDIS_URL", "PUBSUB_PROJECT_ID", "POSTGRES_ROLE"} {
		if !strings.Contains(text, "\n"+variable+" ") && !strings.HasPrefix(text, variable+" ") {
			t.Errorf("without %s:\n%s", variable, text)
		}
	}
}
