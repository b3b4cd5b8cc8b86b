package health

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"

	"github.com/vibework/mooring/registry/internal/guard"
)

// contain answers 503 when a handler panics: a prober should not have to guess from a broken connection. What it
// logs is where, not what: the value of a panic may hold anything.
func (h *handler) contain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		serve := func() error { next.ServeHTTP(w, req); return nil }
		guard.Call(serve, func(err error) {
			if failed, ok := errors.AsType[*guard.PanicError](err); ok {
				logger := cmp.Or(h.registry.Logger, slog.Default())
				logger.ErrorContext(req.Context(), "the health check panicked", slog.String("place", failed.Place))
				http.Error(w, "the health check panicked", http.StatusServiceUnavailable)
			}
		})
	})
}
