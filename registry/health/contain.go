package health

import (
	"log/slog"
	"net/http"
	"runtime/debug"
)

// contain answers 503 when a handler panics: a prober should not have to guess from a broken connection. What it
// logs is where, not what: the value of a panic may hold anything.
func (h *handler) contain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		defer func() {
			if recover() != nil {
				h.logger().ErrorContext(req.Context(), "the health check panicked", slog.String("stack", string(debug.Stack())))
				http.Error(w, "the health check panicked", http.StatusServiceUnavailable)
			}
		}()
		next.ServeHTTP(w, req)
	})
}

func (h *handler) logger() *slog.Logger {
	if h.registry.Logger != nil {
		return h.registry.Logger
	}
	return slog.Default()
}
