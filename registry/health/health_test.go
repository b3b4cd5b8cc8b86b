package health_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/health"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a resource whose check does what the test says.
type fake struct {
	name   string
	check  func(context.Context) error
	checks atomic.Int32
}

func (f *fake) Name() string                { return f.name }
func (f *fake) Open(context.Context) error  { return nil }
func (f *fake) Close(context.Context) error { return nil }

func (f *fake) Check(ctx context.Context) error {
	f.checks.Add(1)
	if f.check == nil {
		return nil
	}
	return f.check(ctx)
}

var errDown = registry.Classify(registry.KindUnreachable, errors.New("10.0.0.7 refused"))

func failing(context.Context) error { return errDown }

func takesThreeSeconds(ctx context.Context) error {
	select {
	case <-time.After(3 * time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// open returns an opened registry of these resources.
func open(t *testing.T, resources ...*fake) *registry.Registry {
	t.Helper()
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	for _, res := range resources {
		r.Register(res)
	}
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func get(h http.Handler, path string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func expect(t *testing.T, h http.Handler, path string, code int, body string) {
	t.Helper()
	gotCode, gotBody := get(h, path)
	if gotCode != code || gotBody != body {
		t.Errorf("GET %s\ngot  %d %s\nwant %d %s", path, gotCode, gotBody, code, body)
	}
}

func TestReadyzShowsNamesAndStatusesOnly(t *testing.T) {
	h := health.Handler(open(t, &fake{name: "mysql"}, &fake{name: "redis", check: failing}), health.Options{})
	expect(t, h, "/readyz", 503,
		`{"status":"fail","checks":{"mysql":[{"status":"pass"}],"redis":[{"status":"fail"}]}}`+"\n")
}

func TestAWarningIsReady(t *testing.T) {
	r := open(t, &fake{name: "mysql"}, &fake{name: "redis", check: failing})
	r.SetOptional("redis")
	expect(t, health.Handler(r, health.Options{}), "/readyz", 200,
		`{"status":"warn","checks":{"mysql":[{"status":"pass"}],"redis":[{"status":"warn"}]}}`+"\n")
}

func TestReadyzIsRedBeforeOpenWhileDrainingAndAfterClose(t *testing.T) {
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	h := health.Handler(r, health.Options{MaxAge: -1})
	expect(t, h, "/readyz", 503, `{"status":"fail","notes":["not open"]}`+"\n")
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, h, "/readyz", 200, `{"status":"pass"}`+"\n")
	r.Drain()
	expect(t, h, "/readyz", 503, `{"status":"fail","notes":["draining"]}`+"\n")
	if err := r.CloseAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, h, "/readyz", 503, `{"status":"fail","notes":["not open","draining"]}`+"\n")
}

func TestDrainingAndOpenedAreReadLiveWhateverTheCacheHolds(t *testing.T) {
	r := open(t, &fake{name: "mysql"})
	h := health.Handler(r, health.Options{MaxAge: time.Hour})
	expect(t, h, "/readyz", 200, `{"status":"pass","checks":{"mysql":[{"status":"pass"}]}}`+"\n")
	r.Drain()
	expect(t, h, "/readyz", 503,
		`{"status":"fail","notes":["draining"],"checks":{"mysql":[{"status":"pass"}]}}`+"\n")
}

func TestLivezAndStartupzRunNoCheck(t *testing.T) {
	mysql := &fake{name: "mysql", check: failing}
	r := open(t, mysql)
	h := health.Handler(r, health.Options{})
	expect(t, h, "/livez", 200, `{"status":"pass"}`+"\n")
	expect(t, h, "/startupz", 200, `{"status":"pass"}`+"\n")
	_ = r.CloseAll(t.Context())
	expect(t, h, "/livez", 200, `{"status":"pass"}`+"\n")
	expect(t, h, "/startupz", 503, `{"status":"fail","notes":["not open"]}`+"\n")
	if n := mysql.checks.Load(); n != 0 {
		t.Errorf("%d checks were run", n)
	}
}

func TestOneResourceIsCheckedAlone(t *testing.T) {
	mysql, redis := &fake{name: "mysql"}, &fake{name: "redis", check: failing}
	h := health.Handler(open(t, mysql, redis), health.Options{})
	expect(t, h, "/readyz/mysql", 200, `{"status":"pass","checks":{"mysql":[{"status":"pass"}]}}`+"\n")
	if n := redis.checks.Load(); n != 0 {
		t.Errorf("redis was checked %d times", n)
	}
	expect(t, h, "/readyz/redis", 503, `{"status":"fail","checks":{"redis":[{"status":"fail"}]}}`+"\n")
	if code, _ := get(h, "/readyz/stranger"); code != 404 {
		t.Errorf("a stranger is %d", code)
	}
}

func TestErrorTextIsShownOnRequestOfTheProgramOnly(t *testing.T) {
	r := open(t, &fake{name: "redis", check: failing})
	expect(t, health.Handler(r, health.Options{ShowErrors: true}), "/readyz", 503,
		`{"status":"fail","checks":{"redis":[{"status":"fail",`+
			`"output":"check redis: unreachable: 10.0.0.7 refused"}]}}`+"\n")
}

func TestErrorTextIsRedacted(t *testing.T) {
	r := open(t, &fake{name: "redis", check: func(context.Context) error {
		return errors.New("dial redis://app:hunter2@10.0.0.7:6379/1 failed")
	}})
	h := health.Handler(r, health.Options{ShowErrors: true})
	for _, path := range []string{"/readyz", "/readyz?verbose", "/readyz/redis", "/readyz/redis?verbose"} {
		if _, body := get(h, path); strings.Contains(body, "hunter2") || !strings.Contains(body, "failed") {
			t.Errorf("GET %s: %s", path, body)
		}
	}
}

func TestVerboseAndExcludeSpeakAsKubernetesDoes(t *testing.T) {
	r := open(t, &fake{name: "mysql"}, &fake{name: "redis", check: failing}, &fake{name: "mongo", check: failing})
	r.SetOptional("mongo")
	h := health.Handler(r, health.Options{})
	expect(t, h, "/readyz?verbose", 503, "[+]mysql ok\n[-]redis failed: reason withheld\n"+
		"[+]mongo warning: reason withheld\nreadyz check failed\n")
	expect(t, h, "/readyz?verbose&exclude=redis&exclude=mongo&exclude=x", 200, "[+]mysql ok\n"+
		`warn: some health checks cannot be excluded: no matches for ["x"]`+"\nreadyz check passed\n")
	expect(t, h, "/readyz?exclude=redis", 200,
		`{"status":"warn","checks":{"mongo":[{"status":"warn"}],"mysql":[{"status":"pass"}]}}`+"\n")
	expect(t, h, "/livez?verbose", 200, "livez check passed\n")
}

// pooled is a fake with a pool.
type pooled struct {
	fake
	stats registry.PoolStats
}

func (p *pooled) PoolStats() registry.PoolStats { return p.stats }

func TestVerboseShowsTheNumbersOfPoolsAndTheJSONDoesNot(t *testing.T) {
	busy := &pooled{fake{name: "mysql"}, registry.PoolStats{Max: 20, Open: 5, InUse: 3, Idle: 2}}
	full := &pooled{fake{name: "redis", check: func(context.Context) error {
		return registry.Classify(registry.KindDegraded, errors.New("all are in use"))
	}}, registry.PoolStats{Max: 2, Open: 2, InUse: 2}}
	endless := &pooled{fake{name: "mongo", check: failing}, registry.PoolStats{Open: 4, InUse: 4}}
	unknown := &pooled{fake: fake{name: "cache"}}
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	for _, res := range []registry.Resource{busy, full, endless, unknown} {
		r.Register(res)
	}
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := health.Handler(r, health.Options{})
	expect(t, h, "/readyz?verbose", 503, "[+]mysql ok (3 of 20 connections in use)\n"+
		"[+]redis warning: reason withheld (2 of 2 connections in use)\n"+
		"[-]mongo failed: reason withheld (4 connections in use)\n[+]cache ok\nreadyz check failed\n")
	expect(t, h, "/readyz/mysql?verbose", 200,
		"[+]mysql ok (3 of 20 connections in use)\nreadyz/mysql check passed\n")
	expect(t, h, "/readyz/mysql", 200, `{"status":"pass","checks":{"mysql":[{"status":"pass"}]}}`+"\n")
	checks := busy.checks.Load()
	busy.stats.InUse = 4
	expect(t, h, "/readyz/mysql?verbose", 200,
		"[+]mysql ok (4 of 20 connections in use)\nreadyz/mysql check passed\n")
	if n := busy.checks.Load(); n != checks {
		t.Errorf("reading the numbers made %d checks", n-checks)
	}
}

func TestEveryAnswerIsToGetOrHeadAndNotToBeStored(t *testing.T) {
	r := open(t, &fake{name: "mysql"}, &fake{name: "redis", check: failing})
	server := httptest.NewServer(health.Handler(r, health.Options{}))
	defer server.Close()
	for path, code := range map[string]int{
		"/livez": 200, "/startupz": 200, "/readyz": 503, "/readyz?verbose": 503, "/readyz?exclude=redis": 200,
		"/readyz/mysql": 200, "/readyz/mysql?verbose": 200, "/readyz/redis": 503, "/readyz/stranger": 404, "/": 404,
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
			want := code
			if path != "/" && method != "GET" && method != "HEAD" {
				want = 405
			}
			req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != want || (method == "HEAD" && len(body) > 0) {
				t.Errorf("%s %s is answered %d %q, want %d", method, path, res.StatusCode, body, want)
			}
			for key, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
				if got := res.Header.Get(key); got != want {
					t.Errorf("%s %s: %s is %q, want %q", method, path, key, got, want)
				}
			}
		}
	}
}

func TestTheBodyIsHealthJSONAndVerboseIsText(t *testing.T) {
	h := health.Handler(open(t, &fake{name: "mysql"}), health.Options{})
	for path, want := range map[string]string{
		"/readyz": "application/health+json", "/readyz?verbose": "text/plain; charset=utf-8",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := w.Header().Get("Content-Type"); got != want || json.Valid(w.Body.Bytes()) != (path == "/readyz") {
			t.Errorf("GET %s: %s: %s", path, got, w.Body)
		}
	}
}

func TestAnExcludedResourceKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		frozen := &fake{name: "redis", check: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		h := health.Handler(open(t, &fake{name: "mysql"}, frozen), health.Options{})
		start := time.Now()
		expect(t, h, "/readyz?exclude=redis", 200, `{"status":"pass","checks":{"mysql":[{"status":"pass"}]}}`+"\n")
		if took := time.Since(start); took > 0 {
			t.Errorf("the answer took %v", took)
		}
		if n := frozen.checks.Load(); n > 0 {
			t.Errorf("the excluded resource was checked %d times", n)
		}
		expect(t, h, "/readyz/redis?exclude=redis", 503, `{"status":"fail","checks":{"redis":[{"status":"fail"}]}}`+"\n")
	})
}

func TestAReportOfAllServesTheProbesOfSingleResources(t *testing.T) {
	mysql := &fake{name: "mysql"}
	h := health.Handler(open(t, mysql, &fake{name: "redis"}), health.Options{MaxAge: time.Hour})
	for _, path := range []string{"/readyz", "/readyz/mysql", "/readyz?exclude=redis", "/readyz/mysql?verbose"} {
		if code, body := get(h, path); code != 200 {
			t.Errorf("GET %s: %d %s", path, code, body)
		}
	}
	if n := mysql.checks.Load(); n != 1 {
		t.Errorf("%d checks were made", n)
	}
}

func TestSingleResourcesAreRedWhileDraining(t *testing.T) {
	r := open(t, &fake{name: "mysql"})
	h := health.Handler(r, health.Options{})
	r.Drain()
	const body = `{"status":"fail","notes":["draining"],"checks":{"mysql":[{"status":"pass"}]}}` + "\n"
	expect(t, h, "/readyz/mysql", 503, body)
	expect(t, h, "/readyz?exclude=redis", 503, body)
}

func TestAFloodOfProbesCostsOneCheckInMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mysql := &fake{name: "mysql", check: func(context.Context) error {
			<-time.After(10 * time.Millisecond)
			return nil
		}}
		h := health.Handler(open(t, mysql), health.Options{})
		var clients sync.WaitGroup
		for range 64 {
			clients.Go(func() {
				for range 300 { // one each 10ms: 3s
					get(h, "/readyz")
					<-time.After(10 * time.Millisecond)
				}
			})
		}
		clients.Wait()
		if n := mysql.checks.Load(); n < 3 || n > 4 {
			t.Errorf("19200 requests in 3s made %d checks", n)
		}
	})
}

func TestManyDifferentQuestionsLeaveNothingBehind(t *testing.T) {
	var resources []*fake
	for n := range 12 {
		resources = append(resources, &fake{name: fmt.Sprintf("r%d", n)})
	}
	h := health.Handler(open(t, resources...), health.Options{MaxAge: time.Nanosecond})
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	get(h, "/readyz")
	before := inUse()
	for mix := range 1 << len(resources) {
		path := "/readyz?"
		for n, res := range resources {
			if mix&(1<<n) != 0 {
				path += "exclude=" + res.name + "&"
			}
		}
		get(h, path)
	}
	if after := inUse(); after > before+1<<18 {
		t.Errorf("after 4096 different questions the heap has grown by %d kB", (after-before)>>10)
	}
	runtime.KeepAlive(h)
}

func TestTheDeadlineOfARequestBoundsItsWaitingAndNotTheCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mysql := &fake{name: "mysql", check: takesThreeSeconds}
		h := health.Handler(open(t, mysql), health.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w := httptest.NewRecorder()
		start := time.Now()
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil))
		if time.Since(start) != time.Second || w.Code != 503 || !strings.Contains(w.Body.String(), "no report in time") {
			t.Errorf("after %v: %d %s", time.Since(start), w.Code, w.Body)
		}
		if code, body := get(h, "/readyz"); code != 200 || time.Since(start) != 3*time.Second {
			t.Errorf("the patient caller got %d %s after %v", code, body, time.Since(start))
		}
		if n := mysql.checks.Load(); n != 1 {
			t.Errorf("%d checks were run", n)
		}
	})
}

func TestAClientThatLeavesSpoilsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mysql := &fake{name: "mysql", check: takesThreeSeconds}
		h := health.Handler(open(t, mysql), health.Options{})
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil))
		if code, body := get(h, "/readyz"); code != 200 {
			t.Errorf("the next client got %d %s", code, body)
		}
		if n := mysql.checks.Load(); n != 1 {
			t.Errorf("%d checks were run", n)
		}
	})
}

func TestAPanicIsA503(t *testing.T) {
	r := open(t, &fake{name: "mysql", check: func(context.Context) error { panic("boom") }})
	expect(t, health.Handler(r, health.Options{}), "/readyz", 503,
		`{"status":"fail","checks":{"mysql":[{"status":"fail"}]}}`+"\n")
}

// broken is a fake whose pool ends the goroutine.
type broken struct {
	fake
	end func()
}

func (b *broken) PoolStats() registry.PoolStats { b.end(); return registry.PoolStats{} }

func TestAPanicOutsideOfTheChecksIsA503AndItsPlaceIsLogged(t *testing.T) {
	for _, end := range []func(){func() { panic("secret") }, runtime.Goexit} {
		var logs bytes.Buffer
		r := registry.New()
		r.Register(&broken{fake{name: "mysql"}, end})
		r.Logger = slog.New(slog.NewTextHandler(&logs, nil))
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		expect(t, health.Handler(r, health.Options{}), "/readyz?verbose", 503, "the health check panicked\n")
		if text := logs.String(); !strings.Contains(text, "health_test.go:") || strings.Contains(text, "secret") {
			t.Error(text)
		}
	}
}

// jammed is a writer that panics.
type jammed struct{}

func (jammed) Write([]byte) (int, error) { panic("disk full") }

func TestAPanicIsA503EvenIfItCannotBeLogged(t *testing.T) {
	r := registry.New()
	r.Register(&broken{fake{name: "mysql"}, runtime.Goexit})
	r.Logger = slog.New(slog.NewTextHandler(jammed{}, nil))
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, health.Handler(r, health.Options{}), "/readyz?verbose", 503, "the health check panicked\n")
}

func TestAPathSpeaksOfItsGroup(t *testing.T) {
	well := &fake{name: "mysql"}
	ill := &fake{name: "redis", check: func(context.Context) error { return errors.New("refused") }}
	h := health.Handler(open(t, well, ill), health.Options{Groups: map[string][]string{
		"/readyz": {"mysql"}, "/deepz": nil, "/wrongz": {"mysql", "mongo"},
	}})
	expect(t, h, "/readyz", 200, `{"status":"pass","checks":{"mysql":[{"status":"pass"}]}}`+"\n")
	expect(t, h, "/deepz", 503, `{"status":"fail","checks":{"mysql":[{"status":"pass"}],"redis":[{"status":"fail"}]}}`+"\n")
	expect(t, h, "/deepz?exclude=redis", 200, `{"status":"pass","checks":{"mysql":[{"status":"pass"}]}}`+"\n")
	expect(t, h, "/readyz/redis", 503, `{"status":"fail","checks":{"redis":[{"status":"fail"}]}}`+"\n")
	expect(t, h, "/wrongz", 503, `{"status":"fail","checks":{"mongo":[{"status":"fail"}],"mysql":[{"status":"pass"}]}}`+"\n")
}

func TestWithEveryNoRequestWaitsOrAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &fake{name: "mysql", check: takesThreeSeconds}
		r := registry.New()
		r.Logger = slog.New(slog.DiscardHandler)
		r.Every = time.Minute
		r.Register(slow)
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		h := health.Handler(r, health.Options{})
		start := time.Now()
		for range 10 {
			expect(t, h, "/readyz", 200, `{"status":"pass","checks":{"mysql":[{"status":"pass"}]}}`+"\n")
			<-time.After(time.Second)
		}
		if took := time.Since(start); took != 10*time.Second || slow.checks.Load() != 0 {
			t.Errorf("%v, with %d checks", took, slow.checks.Load())
		}
		<-time.After(time.Minute)
		if n := slow.checks.Load(); n != 1 {
			t.Errorf("%d checks in a minute", n)
		}
		if err := r.CloseAll(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestReadinessFollowsOpenAllAtOnce(t *testing.T) {
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(&fake{name: "mysql"})
	h := health.Handler(r, health.Options{MaxAge: time.Hour})
	if code, _ := get(h, "/readyz"); code != 503 {
		t.Errorf("before OpenAll: %d", code)
	}
	if err := r.OpenAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, body := get(h, "/readyz"); code != 200 {
		t.Errorf("after it: %d %s", code, body)
	}
	if err := r.CloseAll(t.Context()); err != nil {
		t.Error(err)
	}
	if code, _ := get(h, "/readyz"); code != 503 {
		t.Errorf("after CloseAll: %d", code)
	}
}

// stuck is a fake whose numbers take for ever.
type stuck struct {
	fake
	release chan struct{}
}

func (s *stuck) PoolStats() registry.PoolStats {
	<-s.release
	return registry.PoolStats{}
}

func TestPoolNumbersThatBlockAreLeftOutWhenTheRequestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		res := &stuck{fake{name: "mysql"}, make(chan struct{})}
		defer close(res.release)
		r := registry.New()
		r.Logger = slog.New(slog.DiscardHandler)
		r.Register(res)
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		w := httptest.NewRecorder()
		health.Handler(r, health.Options{}).ServeHTTP(w,
			httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz?verbose", nil))
		if took := time.Since(start); took != time.Second || !strings.Contains(w.Body.String(), "[+]mysql ok") {
			t.Errorf("after %v: %s", took, w.Body)
		}
		if err := r.CloseAll(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatEveryIsSetToWhileOpenHasNoEffectYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, &fake{name: "mysql", check: failing})
		r.Every = time.Minute
		<-time.After(time.Hour)
		expect(t, health.Handler(r, health.Options{}), "/readyz", 503,
			`{"status":"fail","checks":{"mysql":[{"status":"fail"}]}}`+"\n")
	})
}
