package health_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
)

func ExampleHandler() {
	r := registry.New() // a program leaves this out and passes nil for registry.Default()
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(&fake{name: "mysql"})
	_ = r.OpenAll(context.Background())

	mux := http.NewServeMux()
	mux.Handle("/", health.Handler(r, health.Options{}))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	fmt.Print(w.Code, " ", w.Body)

	r.Drain()
	w = httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz?verbose", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output:
	// 200 {"status":"pass","checks":{"mysql":[{"status":"pass"}]}}
	// 503 [-]draining
	// [+]mysql ok
	// readyz check failed
}
