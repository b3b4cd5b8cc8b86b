package registry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

func failure(kind registry.Kind) *registry.Error {
	return &registry.Error{Op: registry.OpCheck, Name: "a", Kind: kind, Err: errors.New("10.0.0.7 said hunter2")}
}

func TestTheStatusOfAResult(t *testing.T) {
	for _, test := range []struct {
		result registry.Result
		want   registry.Status
		ok     bool
	}{
		{registry.Result{}, registry.Pass, true},
		{registry.Result{Optional: true}, registry.Pass, true},
		{registry.Result{Err: failure(registry.KindUnreachable)}, registry.Fail, false},
		{registry.Result{Err: failure(registry.KindNotOpen)}, registry.Fail, false},
		{registry.Result{Err: failure(registry.KindDegraded)}, registry.Warn, true},
		{registry.Result{Err: failure(registry.KindExhausted)}, registry.Fail, false},
		{registry.Result{Err: failure(registry.KindReadOnly)}, registry.Fail, false},
		{registry.Result{Err: failure(registry.KindUnreachable), Optional: true}, registry.Warn, true},
		{registry.Result{Err: failure(registry.KindExhausted), Optional: true}, registry.Warn, true},
		{registry.Result{Err: errors.New("of another package")}, registry.Fail, false},
	} {
		if got := test.result.Status(); got != test.want || test.result.OK() != test.ok {
			t.Errorf("%+v: %q, OK %v", test.result, got, test.result.OK())
		}
	}
}

func TestTheStatusOfAReportIsTheWorstOfItsResults(t *testing.T) {
	pass := registry.Result{Name: "a"}
	warn := registry.Result{Name: "b", Err: failure(registry.KindDegraded)}
	fail := registry.Result{Name: "c", Err: failure(registry.KindAuth)}
	for _, test := range []struct {
		results []registry.Result
		want    registry.Status
		failing int
	}{
		{nil, registry.Pass, 0},
		{[]registry.Result{pass, pass}, registry.Pass, 0},
		{[]registry.Result{pass, warn, pass}, registry.Warn, 0},
		{[]registry.Result{fail, warn, pass}, registry.Fail, 1},
		{[]registry.Result{warn, fail, fail}, registry.Fail, 2},
	} {
		report := registry.Report{Results: test.results}
		if got := report.Status(); got != test.want || report.OK() != (got != registry.Fail) {
			t.Errorf("%v: %q, OK %v", test.results, got, report.OK())
		}
		if got := len(causes(t, report.Err())); got != test.failing { // Err leaves out what is only Warn
			t.Errorf("%v: %d errors, want %d", test.results, got, test.failing)
		}
		if (report.Err() == nil) != report.OK() {
			t.Errorf("Err is %v, OK %v", report.Err(), report.OK())
		}
	}
}

func TestAFullPoolIsAWarning(t *testing.T) {
	r := opened(t, &fake{name: "a", check: failing(registry.Classify(registry.KindDegraded, errLost))})
	if report := r.CheckAll(t.Context()); report.Status() != registry.Warn || report.Err() != nil {
		t.Errorf("report: %v", report)
	}
	mustClose(t, r)
}

func sample() registry.Report {
	return registry.Report{Results: []registry.Result{
		{Name: "mysql", Duration: 1500 * time.Microsecond},
		{Name: "redis", Err: failure(registry.KindUnreachable), Duration: 5 * time.Second},
		{Name: "mongo", Optional: true, Err: failure(registry.KindNotOpen)},
	}}
}

func TestAReportInJSONShowsNamesStatusesKindsAndDurations(t *testing.T) {
	text, err := json.Marshal(sample())
	want := `{"status":"fail","results":[` +
		`{"name":"mysql","status":"pass","duration":"1.5ms"},` +
		`{"name":"redis","status":"fail","kind":"unreachable","duration":"5s"},` +
		`{"name":"mongo","status":"warn","kind":"not_open","duration":"0s"}]}`
	if err != nil || string(text) != want {
		t.Errorf("%s (%v), want\n%s", text, err, want)
	}
	if text, err := json.Marshal(registry.Report{}); err != nil || string(text) != `{"status":"pass","results":[]}` {
		t.Errorf("the empty report: %s (%v)", text, err)
	}
	if text, err := json.Marshal(sample().Results[0]); err != nil ||
		string(text) != `{"name":"mysql","status":"pass","duration":"1.5ms"}` {
		t.Errorf("a result: %s (%v)", text, err)
	}
}

// Check puts into the result whatever name its caller has.
func TestTheJSONOfAnyNameIsValid(t *testing.T) {
	for _, name := range []string{"\x00", "\a", "a\nb", `"`, "\xff", "é\u2028", "</script>"} {
		result := registry.New().Check(t.Context(), name)
		for _, value := range []any{result, registry.Report{Results: []registry.Result{result}}, result.Err} {
			if text, err := json.Marshal(value); err != nil || !json.Valid(text) {
				t.Errorf("%q: %s (%v)", name, text, err)
			}
		}
	}
}

func TestAReportInALogShowsNamesStatusesKindsAndDurations(t *testing.T) {
	var text bytes.Buffer
	untimed := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	slog.New(slog.NewJSONHandler(&text, &slog.HandlerOptions{ReplaceAttr: untimed})).Info("health", "report", sample())
	want := `{"level":"INFO","msg":"health","report":{"status":"fail",` +
		`"mysql":{"name":"mysql","status":"pass","duration":1500000},` +
		`"redis":{"name":"redis","status":"fail","kind":"unreachable","duration":5000000000},` +
		`"mongo":{"name":"mongo","status":"warn","kind":"not_open","duration":0}}}`
	if got := strings.TrimSpace(text.String()); got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
}

func TestNeitherJSONNorALogShowsTheTextOfAnError(t *testing.T) {
	var logs bytes.Buffer
	failed := failure(registry.KindAuth)
	event := registry.Event{Op: registry.OpCheck, Name: "a", Err: failed}
	for _, logger := range []*slog.Logger{
		slog.New(slog.NewTextHandler(&logs, nil)), slog.New(slog.NewJSONHandler(&logs, nil)),
	} {
		logger.Info("health", "report", sample(), "result", sample().Results[1])
	}
	slog.New(slog.NewJSONHandler(&logs, nil)).Info("error", "error", failed, "event", event)
	for _, value := range []any{sample(), sample().Results[1], failed, *failed, event, []error{failed}} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Errorf("%T: %v", value, err)
		}
		logs.Write(text)
	}
	if text := logs.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "10.0.0.7") {
		t.Errorf("the text of the error is in\n%s", text)
	}
}

func TestAReportIsReadable(t *testing.T) {
	if got := fmt.Sprint(sample().Err()); got != "check a: unreachable: 10.0.0.7 said hunter2" {
		t.Error(got)
	}
}
