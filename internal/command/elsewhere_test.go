package command

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestABackendOfAnotherModuleIsNotPassedOverInSilence(t *testing.T) {
	var said bytes.Buffer
	tellOfOthers([]string{"POSTGRES_HOST=", "MYSQL_HOST=db"}, &said)
	if said.Len() > 0 {
		t.Errorf("without one: %s", &said)
	}
	tellOfOthers([]string{"POSTGRES_URL=postgres://app:ZQXV@h", "POSTGRES_ROLE=any"}, &said)
	const want = "mooring: POSTGRES_URL is set, which this command does not examine, but that of another module does: " +
		"go install github.com/vibework/mooring/backends/postgres/cmd/mooring@latest\n"
	if said.String() != want {
		t.Errorf("got  %swant %s", &said, want)
	}
}

func TestTheModulesElsewhereAreThere(t *testing.T) {
	for _, module := range elsewhere {
		folder := strings.Replace(module, "github.com/vibework/mooring", "../..", 1)
		if mod, err := os.ReadFile(folder + "/go.mod"); err != nil || !strings.HasPrefix(string(mod), "module "+module+"\n") {
			t.Errorf("%s: %v", module, err)
		}
	}
}
