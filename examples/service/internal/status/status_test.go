package status_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/examples/service/internal/embedded"
	"github.com/vibework/mooring/examples/service/internal/status"
	"github.com/vibework/mooring/registry"
)

func TestThePageShowsHowEachResourceIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		database, store := &fake{name: "database", inUse: 5}, &fake{name: "store"}
		show := watch(t, database, store)
		has(t, show(), "<b>Ready</b>", "answers 200", "healthy", "5 of 20 in use", `<rect width="25" height="6"/>`)

		store.fail(registry.KindUnreachable)
		later(2 * time.Second)
		has(t, show(), "<b>Not ready</b>", "answers 503", `<span class="word fail">unreachable`, `class="fail"`, "just now")

		store.fail("")
		later(10 * time.Minute)
		page := show()
		has(t, page, "<b>Ready</b>", "<b>unreachable</b>", "10 min ago")
		if bars := strings.Count(page, `<rect x="`); bars != 2*60 || strings.Contains(page, `class="fail"`) {
			t.Errorf("there are %d bars of two resources, or one that is long past", bars)
		}
	})
}

func TestAnOptionalResourceIsOnlyWarnedOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fake{name: "store"}
		store.fail(registry.KindTimeout)
		r := new(registry.Registry)
		r.SetOptional("store")
		show := watchIn(t, r, store)
		has(t, show(), "Ready, with a warning", "optional", "not_open", "<b>timeout</b>")
	})
}

func TestThePageTellsNoErrorText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fake{name: "store"}
		show := watch(t, store)
		store.fail(registry.KindAuth)
		later(2 * time.Second)
		if page := show(); strings.Contains(page, "hunter2") {
			t.Error("the text of the error is there")
		}
	})
}

func TestThePageSaysWhereEachResourceIsAndHowOldItsResultIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &registry.Registry{Every: time.Hour}
		show := watchIn(t, r, &located{fake{name: "store"}})
		later(12 * time.Second)
		has(t, show(), "<li>addr store.internal:3306</li>", "<li>database shop</li>", "<li>role primary</li>", "14 s ago")
	})
}

func TestTheVerdictIsThatOfReadyz(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, queue := &fake{name: "store"}, &fake{name: "queue"} // of which readiness does not speak
		show := watch(t, store, queue)
		queue.fail(registry.KindTimeout)
		later(2 * time.Second)
		has(t, show(), "<b>Ready</b>", "answers 200", `<span class="word fail">timeout`)
	})
}

func TestThePageSaysThatTheProgramDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := new(registry.Registry)
		show := watchIn(t, r, &fake{name: "store"})
		r.Drain()
		has(t, show(), "<b>Draining</b>", "answers 503", "healthy") // which is still used
		if err := r.CloseAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		has(t, show(), "<b>Closing</b>", "answers 503", "not_open")
	})
}

func TestTheAssetsAreServedAndNotListed(t *testing.T) {
	page, forget := status.New(new(registry.Registry), status.Options{})
	defer forget()
	mux := http.NewServeMux()
	page.Handle(mux)
	for path, want := range map[string]int{"/assets/page.js": 200, "/assets/page.css": 200, "/assets/": 404, "/assets": 404} {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if answer.Code != want {
			t.Errorf("%s answers %d", path, answer.Code)
		}
	}
}

func TestThereIsNoButtonWithoutAnEmbeddedServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if page := watch(t, &fake{name: "store"})(); strings.Contains(page, "<button") || strings.Contains(page, "outage") {
			t.Error("there is one")
		}
	})
}

// watch opens and watches the resources, and returns what loads the page.
func watch(t *testing.T, resources ...*fake) (show func() string) {
	t.Helper()
	return watchIn(t, new(registry.Registry), resources...)
}

func watchIn[R registry.Resource](t *testing.T, r *registry.Registry, resources ...R) (show func() string) {
	t.Helper()
	for _, resource := range resources {
		r.Register(resource)
	}
	if r.Every == 0 {
		r.Every = time.Second
	}
	page, forget := status.New(r, status.Options{
		Servers: new(embedded.Servers), Ready: []string{"store", "database"}, Roles: map[string]string{"store": "primary"},
	})
	t.Cleanup(forget)
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.CloseAll(context.Background()) })
	later(2 * time.Second) // for a check of each
	mux := http.NewServeMux()
	page.Handle(mux)
	return func() string {
		synctest.Wait()
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		if answer.Code != http.StatusOK {
			t.Errorf("it answers %d", answer.Code)
		}
		return answer.Body.String()
	}
}

func has(t *testing.T, page string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}
	}
}

// fake is a resource that fails as it is told.
type fake struct {
	name  string
	inUse int
	kind  atomic.Value
}

func (f *fake) fail(kind registry.Kind)     { f.kind.Store(kind) }
func (f *fake) Name() string                { return f.name }
func (f *fake) Open(context.Context) error  { return f.Check(context.Background()) }
func (f *fake) Close(context.Context) error { return nil }

func (f *fake) Check(context.Context) error {
	if kind, _ := f.kind.Load().(registry.Kind); kind != "" {
		return registry.Classify(kind, errors.New("the password is hunter2"))
	}
	return nil
}

// located is a fake that says where it is, as backends do.
type located struct{ fake }

func (*located) LogValue() slog.Value {
	return slog.GroupValue(slog.String("addr", "store.internal:3306"), slog.String("database", "shop"))
}

func (f *fake) PoolStats() registry.PoolStats { return registry.PoolStats{InUse: f.inUse, Max: 20} }

// later lets time pass in the bubble of a test.
func later(d time.Duration) { <-time.After(d) }
