package health_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
)

// FuzzQuery checks that no query makes the handler fail, or answer what is not JSON unless that is asked for.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "verbose", "exclude=db", "exclude=%zz&exclude=", "exclude=a;b", "verbose=1&exclude=x%0a[+]y ok"} {
		f.Add(seed)
	}
	handler := health.Handler(new(registry.Registry), health.Options{})
	f.Fuzz(func(t *testing.T, query string) {
		req := httptest.NewRequest(http.MethodGet, "/readyz", nil)
		req.URL.RawQuery = query
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, req)
		if answer.Code != http.StatusServiceUnavailable { // the registry is not open
			t.Errorf("%q: status %d", query, answer.Code)
		}
		given, _ := url.ParseQuery(query)
		if !given.Has("verbose") && !json.Valid(answer.Body.Bytes()) {
			t.Errorf("%q: the answer is %s", query, answer.Body)
		}
	})
}
