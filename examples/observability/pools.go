package observability

import (
	"iter"

	"github.com/vibework/mooring/registry"
)

// pools yields the numbers of every pool, by the name of its resource.
func pools(r *registry.Registry) iter.Seq2[string, registry.PoolStats] {
	return func(yield func(string, registry.PoolStats) bool) {
		for _, name := range r.Names() {
			res, err := registry.GetFrom[registry.Pooler](r, name)
			if err == nil && !yield(name, res.PoolStats()) {
				return
			}
		}
	}
}

// up is 1 while a resource can serve, as far as the event tells. A full pool can.
func up(event registry.Event) int {
	result := registry.Result{Err: event.Err}
	if event.Op != registry.OpClose && result.OK() {
		return 1
	}
	return 0
}
