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
			if value := recover(); value != nil {
				stack, elsewhere := value.(stackOf)
				if !elsewhere {
					stack = debug.Stack()
				}
				h.logger().ErrorContext(req.Context(), "the health check panicked", slog.String("stack", string(stack)))
				http.Error(w, "the health check panicked", http.StatusServiceUnavailable)
			}
		}()
		next.ServeHTTP(w, req)
	})
}

// stackOf is the stack of a panic on another goroutine, passed on to the request's.
type stackOf []byte

func (h *handler) logger() *slog.Logger {
	if h.registry.Logger != nil {
		return h.registry.Logger
	}
	return slog.Default()
}
