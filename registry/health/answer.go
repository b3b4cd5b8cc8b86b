package health

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/vibework/mooring/registry"
)

// answer is what one request is told.
type answer struct {
	path       string
	status     registry.Status
	notes      []string
	results    []registry.Result
	pools      map[string]string // the numbers of those that have them, in parentheses; shown to people only
	unmatched  []string          // exclude=name for which there is no such name
	showErrors bool
}

// write renders before it writes, so that a panic while rendering can still become an answer.
func write(w http.ResponseWriter, req *http.Request, a answer) {
	body, contentType := a.json(), "application/health+json"
	if verbose(req) {
		body, contentType = a.text(), "text/plain; charset=utf-8"
	}
	w.Header().Set("Content-Type", contentType)
	if a.status == registry.Fail {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(body)
}

func verbose(req *http.Request) bool { return req.URL.Query().Has("verbose") }

type component struct {
	Status registry.Status `json:"status"`
	Output string          `json:"output,omitempty"`
}

func (a answer) json() []byte {
	body := struct {
		Status registry.Status        `json:"status"`
		Notes  []string               `json:"notes,omitempty"`
		Checks map[string][]component `json:"checks,omitempty"`
	}{a.status, a.notes, make(map[string][]component, len(a.results))}
	for _, result := range a.results {
		body.Checks[result.Name] = []component{{result.Status(), a.output(result)}}
	}
	text, _ := json.Marshal(body) // strings alone always marshal
	return append(text, '\n')
}

// text is the answer as Kubernetes' servers give it to people.
func (a answer) text() []byte {
	var text bytes.Buffer
	for _, note := range a.notes {
		fmt.Fprintf(&text, "[-]%s\n", note)
	}
	for _, result := range a.results {
		sign, verdict, reason := '+', "ok", cmp.Or(a.output(result), "reason withheld")
		switch result.Status() {
		case registry.Warn:
			verdict = "warning: " + reason
		case registry.Fail:
			sign, verdict = '-', "failed: "+reason
		}
		fmt.Fprintf(&text, "[%c]%s %s%s\n", sign, result.Name, verdict, a.pools[result.Name])
	}
	if len(a.unmatched) > 0 {
		fmt.Fprintf(&text, "warn: some health checks cannot be excluded: no matches for %q\n", a.unmatched)
	}
	verdict := "passed"
	if a.status == registry.Fail {
		verdict = "failed"
	}
	fmt.Fprintf(&text, "%s check %s\n", a.path, verdict)
	return text.Bytes()
}

func (a answer) output(result registry.Result) string {
	if !a.showErrors || result.Err == nil {
		return ""
	}
	return result.Err.Error()
}
