package health

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/internal/guard"
	"github.com/vibework/mooring/registry/internal/inside"
)

// Options are the options of [Handler]. The zero value is right for an endpoint that anybody can reach.
type Options struct {
	// MaxAge is how old a result may be when it is served; 0 means 1s. With less than 0 every request asks the
	// resources, though concurrent ones still share one check. It plays no part when the registry's Every was set as
	// OpenAll began: then every answer is made of the last results, and nobody is asked or waited for.
	MaxAge time.Duration

	// ShowErrors adds the text of errors. It holds no secrets, as far as the resources keep their promise,
	// but it tells strangers about the inside of the program.
	ShowErrors bool

	// Groups are the resources that a path speaks of, such as "/readyz": {"mysql"} and "/deepz": nil, which is all.
	// Without "/readyz" among them that path speaks of all. The paths of the other probes cannot be groups: Handler
	// panics. A name that is not registered makes its path fail and say so.
	Groups map[string][]string
}

// Handler serves /livez, /readyz, /readyz/{name}, /startupz and the groups for r, or for registry.Default() if r is
// nil. It answers GET and HEAD, and anything else with 405. Whether r is open or draining is read at every request.
func Handler(r *registry.Registry, o Options) http.Handler {
	o.MaxAge = cmp.Or(o.MaxAge, time.Second)
	h := &handler{registry: cmp.Or(r, registry.Default()), options: o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", h.live)
	mux.HandleFunc("GET /startupz", h.startup)
	mux.HandleFunc("GET /readyz/{name}", h.readyOne)
	if _, given := o.Groups["/readyz"]; !given {
		mux.HandleFunc("GET /readyz", h.ready("/readyz", nil))
	}
	for path, names := range o.Groups {
		mux.HandleFunc("GET "+path, h.ready(path, slices.Clone(names)))
	}
	return h.contain(mux)
}

type handler struct {
	registry *registry.Registry
	options  Options
	turns    sync.Map // by the names that are asked for, a channel with one place; there while it is asked
	checked  sync.Map // the names of those that have answered a request: before that, an opening is no check
}

func (h *handler) live(w http.ResponseWriter, req *http.Request) {
	write(w, req, answer{path: "livez", status: registry.Pass})
}

func (h *handler) startup(w http.ResponseWriter, req *http.Request) {
	a := answer{path: "startupz", status: registry.Pass, notes: h.state()}
	if !h.registry.Opened() {
		a.status = registry.Fail
	}
	write(w, req, a)
}

// ready serves a group; nil names are all.
func (h *handler) ready(path string, names []string) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		group := names
		if group == nil {
			group = h.registry.Names()
		}
		excluded := req.URL.Query()["exclude"]
		isExcluded := func(name string) bool { return slices.Contains(excluded, name) }
		isKnown := func(name string) bool { return slices.Contains(group, name) }
		wanted := slices.DeleteFunc(slices.Clone(group), isExcluded)
		h.answer(w, req, answer{
			path:      strings.TrimPrefix(path, "/"),
			results:   h.results(req.Context(), wanted),
			unmatched: slices.DeleteFunc(excluded, isKnown),
		})
	}
}

func (h *handler) readyOne(w http.ResponseWriter, req *http.Request) {
	name := req.PathValue("name")
	if !slices.Contains(h.registry.Names(), name) {
		http.NotFound(w, req)
		return
	}
	h.answer(w, req, answer{path: "readyz/" + name, results: h.results(req.Context(), []string{name})})
}

// results returns the last results where they are young enough, and asks for the others. A flood of requests so costs
// one check in MaxAge; nothing is kept here.
func (h *handler) results(ctx context.Context, names []string) []registry.Result {
	results, ask := h.last(names)
	if len(ask) > 0 && h.options.MaxAge > 0 {
		// Requests with the same question take turns: the first one's answer serves the others.
		question := strings.Join(ask, " ")
		turn, _ := h.turns.LoadOrStore(question, make(chan struct{}, 1))
		select {
		case turn.(chan struct{}) <- struct{}{}:
			defer func() {
				h.turns.CompareAndDelete(question, turn) // a client can ask 2^n questions about n resources
				<-turn.(chan struct{})
			}()
		case <-ctx.Done():
		}
		results, ask = h.last(names)
	}
	if len(ask) == 0 {
		return results
	}
	asked := h.registry.CheckAll(ctx, ask...).Results
	for i, name := range names {
		if slices.Contains(ask, name) {
			results[i], asked = asked[0], asked[1:]
			if !results[i].CheckedAt.IsZero() {
				h.checked.LoadOrStore(name, true)
			}
		}
	}
	return results
}

// last returns the last results, and the names of those that have to be asked for.
func (h *handler) last(names []string) (results []registry.Result, ask []string) {
	last := make(map[string]registry.Result)
	for _, result := range h.registry.Last().Results {
		last[result.Name] = result
	}
	periodic := inside.Periodic(h.registry)
	results = make([]registry.Result, len(names))
	for i, name := range names {
		result, known := last[name]
		if !known || !periodic && !h.fresh(result) {
			ask = append(ask, name)
		}
		results[i] = result
	}
	return results, ask
}

func (h *handler) fresh(result registry.Result) bool {
	_, checked := h.checked.Load(result.Name)
	return checked && time.Since(result.CheckedAt) < h.options.MaxAge
}

// answer adds what is known without asking anybody.
func (h *handler) answer(w http.ResponseWriter, req *http.Request, a answer) {
	a.showErrors, a.notes = h.options.ShowErrors, h.state()
	if verbose(req) {
		a.pools = h.pools(req.Context(), a.results)
	}
	a.status = registry.Report{Results: a.results}.Status()
	if req.Context().Err() != nil {
		a.notes = append(a.notes, "no report in time")
	}
	if len(a.notes) > 0 {
		a.status = registry.Fail
	}
	write(w, req, a)
}

// pools returns the numbers of the resources that lend connections, as they are now. It returns none of them when
// ctx is done before all have been read.
func (h *handler) pools(ctx context.Context, results []registry.Result) map[string]registry.PoolStats {
	pools, read := make(map[string]registry.PoolStats), make(chan error, 1)
	go guard.Call(func() error {
		for _, result := range results {
			if res, err := registry.GetFrom[registry.Pooler](h.registry, result.Name); err == nil {
				pools[result.Name] = res.PoolStats()
			}
		}
		return nil
	}, func(err error) { read <- err })
	select {
	case err := <-read:
		if err != nil {
			panic(err) // on the goroutine of the request, where it is contained
		}
		return pools
	case <-ctx.Done():
		return nil
	}
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
				place := slog.String("place", failed.Place)
				guard.Try(func() { logger.ErrorContext(req.Context(), "the health check panicked", place) })
				http.Error(w, "the health check panicked", http.StatusServiceUnavailable)
			}
		})
	})
}
