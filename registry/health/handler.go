package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

func (h *handler) ready(path string, group []string) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		h.answer(w, req, strings.TrimPrefix(path, "/"), group, req.URL.Query()["exclude"])
	}
}

func (h *handler) readyOne(w http.ResponseWriter, req *http.Request) {
	name := req.PathValue("name")
	if !slices.Contains(h.registry.Names(), name) {
		http.NotFound(w, req)
		return
	}
	h.answer(w, req, "readyz/"+name, []string{name}, nil)
}

// answer answers for a group, which is all if it is nil, without those that are excluded. What is known without asking
// anybody is read last.
func (h *handler) answer(w http.ResponseWriter, req *http.Request, path string, group, excluded []string) {
	if group == nil {
		group = h.registry.Names()
	}
	isExcluded := func(name string) bool { return slices.Contains(excluded, name) }
	isKnown := func(name string) bool { return slices.Contains(group, name) }
	a := answer{path: path, showErrors: h.options.ShowErrors}
	a.results = h.results(req.Context(), slices.DeleteFunc(slices.Clone(group), isExcluded))
	a.unmatched = slices.DeleteFunc(excluded, isKnown)
	if verbose(req) {
		a.pools = h.pools(req.Context(), a.results)
	}
	a.notes, a.status = h.state(), registry.Report{Results: a.results}.Status()
	if req.Context().Err() != nil {
		a.notes = append(a.notes, "no report in time")
	}
	if len(a.notes) > 0 {
		a.status = registry.Fail
	}
	write(w, req, a)
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
				h.checked.LoadOrStore(name, true) // takes no lock where it is there
			}
		}
	}
	return results
}

// last returns the last results, and the names of those that have to be asked for. The map does not leave it, so that
// it costs no allocation.
func (h *handler) last(names []string) (results []registry.Result, ask []string) {
	known := make(map[string]registry.Result)
	for _, result := range h.registry.Last().Results {
		known[result.Name] = result
	}
	periodic := inside.Periodic(h.registry)
	results = make([]registry.Result, len(names))
	for i, name := range names {
		result, registered := known[name]
		_, checked := h.checked.Load(name)
		results[i] = result
		fresh := registered && periodic || checked && time.Since(result.CheckedAt) < h.options.MaxAge
		if !fresh {
			ask = append(ask, name)
		}
	}
	return results, ask
}

// pools returns the numbers of the resources that lend connections, as they are now. It returns none of them when
// ctx is done before all have been read.
func (h *handler) pools(ctx context.Context, results []registry.Result) map[string]string {
	pools, read := make(map[string]string), make(chan error, 1)
	go guard.Call(func() error {
		for _, result := range results {
			res, err := registry.GetFrom[registry.Pooler](h.registry, result.Name)
			if err != nil {
				continue
			}
			if stats := res.PoolStats(); stats != (registry.PoolStats{}) {
				pools[result.Name] = fmt.Sprintf(" (%v)", stats)
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
				guard.Try(func() { logger.ErrorContext(req.Context(), "the health check panicked", "place", failed.Place) })
				http.Error(w, "the health check panicked", http.StatusServiceUnavailable)
			}
		})
	})
}
