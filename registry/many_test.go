package registry_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestManyResourcesInStagesTakeTheTimeOfTheirStages is about a program with a resource for each of 200 tenants.
func TestManyResourcesInStagesTakeTheTimeOfTheirStages(t *testing.T) {
	const many, together, one = 200, 16, 20 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		r := quiet()
		var names []string
		for i := range many {
			names = append(names, fmt.Sprintf("tenant-%d", i))
			r.Register(&fake{name: names[i], open: after(one, nil), close: after(one, nil)})
		}
		r.SetStages(slices.Collect(slices.Chunk(names, together))...)
		const most = one * many / together * 12 / 10
		for _, call := range []struct {
			name string
			run  func()
		}{{"OpenAll", func() { mustOpen(t, r) }}, {"CloseAll", func() { mustClose(t, r) }}} {
			start := time.Now()
			call.run()
			if took := time.Since(start); took > most {
				t.Errorf("%s took %v, more than %v", call.name, took, most)
			}
		}
	})
}
