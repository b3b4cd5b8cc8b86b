package serve

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vibework/mooring/registry/health"
)

// front is the server's handler: it answers probes from the beginning, and lets everything else through to the
// program's handler once that is there. It knows which handlers are running.
type front struct {
	Options
	probes    http.Handler
	otherwise http.Handler                 // where start returns none
	behind    atomic.Pointer[http.Handler] // the program's; nil until it serves

	mu    sync.Mutex
	conns map[net.Conn]int // how many handlers are running on each connection, where there are some
	none  chan struct{}    // closed while there are none, or nil before the first
}

// connection is the key of a request's net.Conn in its context.
type connection struct{}

func newFront(o Options) *front {
	f := &front{
		Options: o, probes: health.Handler(o.Registry, o.Health), otherwise: o.Server.Handler,
		conns: make(map[net.Conn]int),
	}
	theirs := o.Server.ConnContext
	o.Server.Handler = f
	o.Server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		if theirs != nil {
			ctx = theirs(ctx, conn)
		}
		return context.WithValue(ctx, connection{}, conn)
	}
	return f
}

// open lets requests through to the program's handler, or to what stands in for it if it is nil.
func (f *front) open(handler http.Handler) {
	handler = cmp.Or(handler, f.otherwise, http.NotFoundHandler())
	f.behind.Store(&handler)
}

func (f *front) isOpen() bool { return f.behind.Load() != nil }

func (f *front) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	defer f.track(req)()
	if f.Registry.Draining() && req.Header.Get("Upgrade") == "" {
		w.Header().Set("Connection", "close") // the next request of the client is to find another instance
	}
	switch behind := f.behind.Load(); {
	case req.URL.Path == "/livez", f.isProbe(req.URL.Path) && behind != nil:
		f.probes.ServeHTTP(w, req)
	case f.isProbe(req.URL.Path):
		f.probes.ServeHTTP(&red{ResponseWriter: w}, req)
	case behind != nil:
		(*behind).ServeHTTP(w, req)
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the service is starting", http.StatusServiceUnavailable)
	}
}

func (f *front) isProbe(path string) bool {
	_, group := f.Health.Groups[path]
	return group || path == "/startupz" || path == "/readyz" || strings.HasPrefix(path, "/readyz/")
}

// red is the answer to a probe of a service that does not serve yet: resources that are open do not make it green. The
// handler of the probes calls WriteHeader only for what is red, or not found.
type red struct {
	http.ResponseWriter
	already bool
}

func (w *red) WriteHeader(code int) {
	w.already = true
	w.ResponseWriter.WriteHeader(code)
}

func (w *red) Write(text []byte) (int, error) {
	if w.already {
		return w.ResponseWriter.Write(text)
	}
	w.Header().Set("Content-Type", "application/health+json")
	w.WriteHeader(http.StatusServiceUnavailable)
	return io.WriteString(w, `{"status":"fail","notes":["starting"]}`+"\n")
}

// track counts the handler of a request, until the function that it returns is called.
func (f *front) track(req *http.Request) (end func()) {
	conn, _ := req.Context().Value(connection{}).(net.Conn)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.conns) == 0 {
		f.none = make(chan struct{})
	}
	f.conns[conn]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.conns[conn]--; f.conns[conn] == 0 {
			delete(f.conns, conn)
		}
		if len(f.conns) == 0 {
			close(f.none)
		}
	}
}

// idle returns what is closed when no handler is running, or nil.
func (f *front) idle() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.none
}

// cut closes the connections of the handlers that are running, and returns how many those are. It also closes hijacked
// ones, which the server knows no more.
func (f *front) cut() (running int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for conn, handlers := range f.conns {
		_ = conn.Close()
		running += handlers
	}
	return running
}
