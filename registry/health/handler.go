package health

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/vibework/mooring/registry"
)

// Options are the options of [Handler]. The zero value is right for an endpoint that anybody can reach.
type Options struct {
	// MaxAge is how old a report may be when it is served; 0 means 1s. With less than 0 every request asks
	// the resources, though concurrent ones still share one check.
	MaxAge time.Duration

	// ShowErrors adds the text of errors. It holds no secrets, as far as the resources keep their promise,
	// but it tells strangers about the inside of the program.
	ShowErrors bool
}

// Handler serves /livez, /readyz, /readyz/{name} and /startupz for r, or for registry.Default() if r is nil.
// It answers GET and HEAD, and anything else with 405. Whether r is open or draining is read at every request.
func Handler(r *registry.Registry, o Options) http.Handler {
	if r == nil {
		r = registry.Default()
	}
	if o.MaxAge == 0 {
		o.MaxAge = time.Second
	}
	h := &handler{registry: r, options: o}
	h.all = h.newCache(r.CheckAll)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", h.live)
	mux.HandleFunc("GET /startupz", h.startup)
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET /readyz/{name}", h.readyOne)
	return contain(mux)
}

type handler struct {
	registry *registry.Registry
	options  Options
	all      *cache
	one      caches
}

func (h *handler) live(w http.ResponseWriter, req *http.Request) {
	write(w, req, answer{path: "livez", status: registry.Pass})
}

func (h *handler) startup(w http.ResponseWriter, req *http.Request) {
	write(w, req, answer{path: "startupz", status: passIf(h.registry.Opened()), notes: h.state()})
}

func (h *handler) ready(w http.ResponseWriter, req *http.Request) {
	h.answer(w, req, "readyz", h.all)
}

func (h *handler) readyOne(w http.ResponseWriter, req *http.Request) {
	name := req.PathValue("name")
	if !slices.Contains(h.registry.Names(), name) {
		http.NotFound(w, req)
		return
	}
	h.answer(w, req, "readyz/"+name, h.one.get(name, func() *cache {
		return h.newCache(func(ctx context.Context) registry.Report {
			return registry.Report{Results: []registry.Result{h.registry.Check(ctx, name)}}
		})
	}))
}

// answer reports what the cache has, and what is known without asking anybody.
func (h *handler) answer(w http.ResponseWriter, req *http.Request, path string, c *cache) {
	report, ok := c.report(req.Context())
	a := answer{path: path, showErrors: h.options.ShowErrors, notes: h.state()}
	a.exclude(report.Results, req.URL.Query()["exclude"])
	if verbose(req) {
		a.pools = h.pools(a.results)
	}
	a.status = registry.Report{Results: a.results}.Status()
	if !ok {
		a.notes = append(a.notes, "no report in time")
	}
	if len(a.notes) > 0 {
		a.status = registry.Fail
	}
	write(w, req, a)
}

// pools returns the numbers of the resources that lend connections, as they are now: to read them asks nobody.
func (h *handler) pools(results []registry.Result) map[string]registry.PoolStats {
	pools := make(map[string]registry.PoolStats)
	for _, result := range results {
		if res, err := registry.GetFrom[registry.Pooler](h.registry, result.Name); err == nil {
			pools[result.Name] = res.PoolStats()
		}
	}
	return pools
}

// state says why the program is not ready, whatever its resources say.
func (h *handler) state() (notes []string) {
	if !h.registry.Opened() {
		notes = append(notes, "not open")
	}
	if h.registry.Draining() {
		notes = append(notes, "draining")
	}
	return notes
}

func (h *handler) newCache(check func(context.Context) registry.Report) *cache {
	return &cache{check: check, maxAge: h.options.MaxAge}
}

func passIf(ok bool) registry.Status {
	if ok {
		return registry.Pass
	}
	return registry.Fail
}

// contain answers 503 when a handler panics: a prober should not have to guess from a broken connection.
func contain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		defer func() {
			if recover() != nil {
				http.Error(w, "the health check panicked", http.StatusServiceUnavailable)
			}
		}()
		next.ServeHTTP(w, req)
	})
}
