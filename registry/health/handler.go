package health

import (
	"context"
	"net/http"
	"slices"
	"sync"
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
	h.all = h.newCache(func(ctx context.Context) []registry.Result { return r.CheckAll(ctx).Results })
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", h.live)
	mux.HandleFunc("GET /startupz", h.startup)
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET /readyz/{name}", h.readyOne)
	return h.contain(mux)
}

type handler struct {
	registry *registry.Registry
	options  Options
	all      *cache
	singles  sync.Map // of *cache, by name
}

func (h *handler) live(w http.ResponseWriter, req *http.Request) {
	write(w, req, answer{path: "livez", status: registry.Pass})
}

func (h *handler) startup(w http.ResponseWriter, req *http.Request) {
	write(w, req, answer{path: "startupz", status: passIf(h.registry.Opened()), notes: h.state()})
}

func (h *handler) ready(w http.ResponseWriter, req *http.Request) {
	excluded := req.URL.Query()["exclude"]
	if len(excluded) == 0 {
		results, ok := h.all.results(req.Context())
		h.answer(w, req, answer{path: "readyz", results: results}, ok)
		return
	}
	known := h.registry.Names()
	isExcluded := func(name string) bool { return slices.Contains(excluded, name) }
	results, ok := h.each(req.Context(), slices.DeleteFunc(slices.Clone(known), isExcluded))
	isKnown := func(name string) bool { return slices.Contains(known, name) }
	h.answer(w, req, answer{path: "readyz", results: results, unmatched: slices.DeleteFunc(excluded, isKnown)}, ok)
}

func (h *handler) readyOne(w http.ResponseWriter, req *http.Request) {
	name := req.PathValue("name")
	if !slices.Contains(h.registry.Names(), name) {
		http.NotFound(w, req)
		return
	}
	results, ok := h.each(req.Context(), []string{name})
	h.answer(w, req, answer{path: "readyz/" + name, results: results}, ok)
}

// answer adds what is known without asking anybody.
func (h *handler) answer(w http.ResponseWriter, req *http.Request, a answer, inTime bool) {
	a.showErrors, a.notes = h.options.ShowErrors, h.state()
	if verbose(req) {
		a.pools = h.pools(a.results)
	}
	a.status = registry.Report{Results: a.results}.Status()
	if !inTime {
		a.notes = append(a.notes, "no report in time")
	}
	if len(a.notes) > 0 {
		a.status = registry.Fail
	}
	write(w, req, a)
}

// each returns the results of some resources, and whether all of them came in time. None waits for another.
func (h *handler) each(ctx context.Context, names []string) (results []registry.Result, ok bool) {
	found := make([][]registry.Result, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		if result, ok := h.all.recent(name); ok {
			found[i] = []registry.Result{result}
			continue
		}
		all.Go(func() { found[i], _ = h.single(name).results(ctx) })
	}
	all.Wait()
	results = slices.Concat(found...)
	return results, len(results) == len(names)
}

// single returns the cache of one resource, made when it is first asked for.
func (h *handler) single(name string) *cache {
	if known, ok := h.singles.Load(name); ok {
		return known.(*cache)
	}
	known, _ := h.singles.LoadOrStore(name, h.newCache(func(ctx context.Context) []registry.Result {
		return []registry.Result{h.registry.Check(ctx, name)}
	}))
	return known.(*cache)
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

func (h *handler) newCache(check func(context.Context) []registry.Result) *cache {
	return &cache{check: check, maxAge: h.options.MaxAge}
}

func passIf(ok bool) registry.Status {
	if ok {
		return registry.Pass
	}
	return registry.Fail
}
