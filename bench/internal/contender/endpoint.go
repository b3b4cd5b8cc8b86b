package contender

import (
	"context"
	"encoding/json"
	"net/http"
)

// endpoint is a handler written by hand, for those who do not come with one. It answers with the names and
// statuses that Mooring answers with.
func endpoint(checkAll func(ctx context.Context, tell func(name string, err error))) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		status, checks := "pass", make(map[string]string)
		checkAll(req.Context(), func(name string, err error) {
			checks[name] = "pass"
			if err != nil {
				status, checks[name] = "fail", "fail"
			}
		})
		body, err := json.Marshal(map[string]any{"status": status, "checks": checks})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if status == "fail" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write(body)
	})
}
