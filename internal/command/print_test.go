package command

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

func TestColourIsForATerminalWithoutNO_COLOR(t *testing.T) {
	for _, test := range []struct {
		terminal bool
		noColour string
		want     string
	}{
		{true, "", "\x1b[31mfail\x1b[0m"},
		{true, "1", "fail"},
		{false, "", "fail"},
	} {
		t.Setenv("NO_COLOR", test.noColour)
		var out, errs strings.Builder
		status := run(t.Context(), []string{"doctor", "mysql-nowhere"}, screen{&out, test.terminal}, screen{Writer: &errs})
		if got := plain(out.String()); status != statusWrong || !strings.Contains(got, "mysql-nowhere  "+test.want+"  -") {
			t.Errorf("%+v: it exits with %d after %q", test, status, got)
		}
	}
}

func TestColourTakesNoRoomInTheTable(t *testing.T) {
	rep := report{Status: registry.Fail, Findings: []finding{
		{Name: "a", Status: registry.Pass, Read: []string{"A"}}, {Name: "b", Status: registry.Fail, Read: []string{"B"}},
	}}
	var plain, coloured strings.Builder
	rep.printTable(&plain, func(_ registry.Status, text string) string { return text })
	rep.printTable(&coloured, colour)
	bare := strings.NewReplacer("\x1b[32m", "", "\x1b[31m", "", "\x1b[0m", "").Replace(coloured.String())
	if bare != plain.String() || bare == coloured.String() {
		t.Errorf("got\n%s\nwant\n%s", bare, &plain)
	}
}

func TestWaitsForAConnectionAreShown(t *testing.T) {
	f := finding{Pool: poolOf(registry.PoolStats{
		Max: 20, Open: 3, InUse: 2, Idle: 1, WaitCount: 7, WaitDuration: 1234567 * time.Microsecond,
	})}
	if got, want := f.row()[6], "2 of 20 (waits: 7, 1.2s)"; got != want {
		t.Errorf("the table shows %q, want %q", got, want)
	}
	got, err := json.Marshal(f.Pool)
	const want = `{"max":20,"open":3,"inUse":2,"idle":1,"waitCount":7,"waitMs":1234.567}`
	if err != nil || string(got) != want {
		t.Errorf("JSON is %s, %v", got, err)
	}
}

func TestAStepThatFailsShowsItsKindAndItsTime(t *testing.T) {
	f := finding{Steps: []step{
		{Name: connect, Took: millisOf(800 * time.Microsecond)},
		{Name: authenticate, Took: millisOf(5 * time.Second), Kind: registry.KindTimeout},
	}}
	if row := f.row(); row[3] != "0.8ms" || row[4] != "timeout 5.0s" {
		t.Errorf("got %q", row)
	}
}
