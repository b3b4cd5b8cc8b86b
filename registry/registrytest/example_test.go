package registrytest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

// The test of a resource of one's own. The lamp has no server, so its target has only New.
func ExampleRun() {
	testContract := func(t *testing.T) { // TestContract in a test file
		registrytest.Run(t, registrytest.Target{
			New: func(*testing.T) registry.Resource { return new(lamp) },
		})
	}
	_ = testContract // go test calls it
}

// The test of a handler that answers by the state of the database: no server is needed.
func ExampleFake() {
	db, r := registrytest.Fake("mysql"), registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(db)
	if err := r.OpenAll(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	handler := func(w http.ResponseWriter, req *http.Request) { // the program's
		if err := r.Check(req.Context(), "mysql").Err; err != nil {
			http.Error(w, "orders are closed: "+string(registry.KindOf(err)), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "orders are open")
	}

	for _, tell := range []func(){
		func() {},
		func() { db.Down(registry.KindUnreachable) },
		db.Panic,
		db.Up,
	} {
		tell()
		answer := httptest.NewRecorder()
		handler(answer, httptest.NewRequest(http.MethodGet, "/orders", nil))
		fmt.Print(answer.Code, " ", answer.Body)
	}
	// Output:
	// 200 orders are open
	// 503 orders are closed: unreachable
	// 503 orders are closed: panic
	// 200 orders are open
}
