package registrytest

import (
	"context"
	"fmt"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vibework/mooring/registry"
)

// Open opens all resources of r, or of registry.Default() if r is nil, for the test of a program that uses real
// servers, and closes them when the test ends, after the cleanups that it registers later. The test fails
//
//   - at once, if one does not open
//   - if CloseAll returns an error, as the backends do about connections that are still in use: rows that nobody
//     closed, a connection that was not given back
//   - if a goroutine that the opening has started is still there 15s later
//
// It cannot see the goroutines that the test itself starts; goleak does.
func Open(t testing.TB, r *registry.Registry) {
	t.Helper()
	if r == nil {
		r = registry.Default()
	}
	mark := strconv.FormatInt(marks.Add(1), 10)
	labels := pprof.Labels(markKey, mark) // goroutines inherit it
	var err error
	pprof.Do(t.Context(), labels, func(ctx context.Context) { err = r.OpenAll(ctx) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.CloseAll(context.Background()); err != nil {
			t.Error(err)
		}
		err := eventually(15*time.Second, func() error {
			if left := goroutines(mark); len(left) > 0 {
				return fmt.Errorf("CloseAll has left goroutines: %s", strings.Join(left, "\n"))
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
