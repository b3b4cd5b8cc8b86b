package kit_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vibework/mooring/backends/config"
	"github.com/vibework/mooring/backends/kit"
	"github.com/vibework/mooring/registry"
)

// fake is a backend whose server does as the test says.
type fake struct {
	*kit.Resource[fakeSetup, *fakeClient, *fakeHandle]
}

type fakeConfig struct {
	Host     string        `env:"HOST" envDefault:"localhost"`
	Password config.Secret `env:"PASSWORD"`
}

type fakeSetup struct {
	config   *fakeConfig
	resolved *[]fakeConfig // each configuration that was checked
	refuses  *error        // what Open fails with
	opens    func()        // called by Open, if there is one
}

type fakeSettings struct{ fakeSetup }

type fakeClient struct {
	handle fakeHandle
	checks func(context.Context) error
}

type fakeHandle struct{ closed int }

func newFake(opts ...kit.Option[fakeSetup]) *fake {
	return &fake{kit.New("fake", resolveFake, opts...)}
}

func resolveFake(name string, in fakeSetup) (*fakeSettings, error) {
	cfg, _, err := config.LoadOr(name, in.config)
	if err != nil {
		return nil, err
	}
	if in.resolved != nil {
		*in.resolved = append(*in.resolved, cfg)
	}
	return &fakeSettings{in}, nil
}

func (s *fakeSettings) Target() kit.Target {
	return kit.Target{Addrs: []string{"a:1", "b:2"}, Database: "shop", User: "app"}
}

func (s *fakeSettings) Open(context.Context) (*fakeClient, error) {
	if s.opens != nil {
		s.opens()
	}
	if s.refuses != nil && *s.refuses != nil {
		return nil, *s.refuses
	}
	return new(fakeClient), nil
}

func TestNobodyWaitsForAnOpenLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answered := make(chan struct{})
		f := newFake(func(s *fakeSetup) { s.opens = func() { <-answered } })
		go func() { _ = f.Open(t.Context()) }()
		synctest.Wait()
		for name, call := range map[string]func(context.Context) error{"Open": f.Open, "Close": f.Close} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			start := time.Now()
			if err := call(ctx); registry.KindOf(err) != registry.KindTimeout || time.Since(start) != time.Second {
				t.Errorf("%s returned %v after %v", name, err, time.Since(start))
			}
			cancel()
		}
		close(answered)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := f.Close(ctx); err != nil { // hasty, not idle
			t.Errorf("Close returned %v", err)
		}
	})
}

func (c *fakeClient) Handle() *fakeHandle { return &c.handle }

func (c *fakeClient) Check(ctx context.Context) error {
	if c.checks != nil {
		return c.checks(ctx)
	}
	return nil
}

func (c *fakeClient) Close(context.Context) error {
	c.handle.closed++
	return nil
}

func (c *fakeClient) PoolStats() registry.PoolStats { return registry.PoolStats{Max: 7} }

func given(cfg fakeConfig) kit.Option[fakeSetup] { return func(s *fakeSetup) { s.config = &cfg } }

func refusing(err *error) kit.Option[fakeSetup] { return func(s *fakeSetup) { s.refuses = err } }

func recording(list *[]fakeConfig) kit.Option[fakeSetup] {
	return func(s *fakeSetup) { s.resolved = list }
}

func opened(t *testing.T, opts ...kit.Option[fakeSetup]) *fake {
	t.Helper()
	res := newFake(opts...)
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return res
}

func TestAResourceIsWhatTheRegistryWants(t *testing.T) {
	var res registry.Resource = newFake()
	if _, ok := res.(registry.Configurer); !ok {
		t.Error("it has no Configure")
	}
	if res.Name() != "fake" {
		t.Errorf("its name is %q", res.Name())
	}
	var methods []string
	for method := range reflect.TypeOf(res).Methods() {
		methods = append(methods, method.Name)
	}
	want := []string{"Check", "Close", "Configure", "Handle", "LogValue", "Name", "Open", "Target", "Use"}
	if !slices.Equal(methods, want) {
		t.Errorf("a backend that embeds a Resource exports\n%v, want\n%v", methods, want)
	}
}

func TestAResourceSaysWhereItConnects(t *testing.T) {
	res := newFake()
	if got := fmt.Sprint(res.LogValue()); got != "[]" {
		t.Errorf("before Configure: %s", got)
	}
	if err := res.Configure(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(res.LogValue()); got != "[addr=a:1,b:2 database=shop]" {
		t.Errorf("records have %s", got)
	}
	if got := res.Target(); got.User != "app" {
		t.Errorf("the user is %q", got.User)
	}
}

func TestTheHandleStaysFromOneOpenToTheNext(t *testing.T) {
	res := newFake()
	if _, err := res.Handle(); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("before Open: %v", err)
	}
	if err := res.Close(t.Context()); err != nil {
		t.Errorf("closing what is not open: %v", err)
	}
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := kit.Must(res.Handle())
	if err := res.Open(t.Context()); err != nil || kit.Must(res.Handle()) != first {
		t.Errorf("opening what is open made another client, or failed: %v", err)
	}
	for range 2 {
		if err := res.Close(t.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if kit.Must(res.Handle()) != first || first.closed != 1 {
		t.Errorf("after Close the handle has gone, or the client was closed %d times", first.closed)
	}
	if err := res.Check(t.Context()); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("a check after Close: %v", err)
	}
	if err := res.Open(t.Context()); err != nil || kit.Must(res.Handle()) == first {
		t.Errorf("opening again kept the old client, or failed: %v", err)
	}
}

func TestClientOfIsTheClientOfTheHandle(t *testing.T) {
	res := newFake()
	if _, err := kit.ClientOf(res.Resource); !errors.Is(err, registry.ErrNotOpen) {
		t.Errorf("before Open: %v", err)
	}
	res = opened(t)
	client, err := kit.ClientOf(res.Resource)
	if err != nil || client.Handle() != kit.Must(res.Handle()) {
		t.Errorf("got %p, %v", client, err)
	}
}

func TestPoolStatsAreZeroUnlessTheResourceIsOpen(t *testing.T) {
	res := newFake()
	if got := kit.PoolStats(res.Resource); got.Max != 0 {
		t.Errorf("before Open: %+v", got)
	}
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := kit.PoolStats(res.Resource); got.Max != 7 {
		t.Errorf("while open: %+v", got)
	}
	_ = res.Close(t.Context())
	if got := kit.PoolStats(res.Resource); got.Max != 0 {
		t.Errorf("after Close: %+v", got)
	}
}

func TestAHandleThatIsMissingSaysWhy(t *testing.T) {
	down := errors.New("nobody there")
	res := newFake(refusing(&down))
	if err := res.Open(t.Context()); err != down {
		t.Errorf("got %v", err)
	}
	_, err := res.Handle()
	if err == nil || err.Error() != "fake: not open: nobody there" || !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
	defer func() {
		if got := recover(); got != "fake: not open: nobody there" {
			t.Errorf("the panic is %v", got)
		}
	}()
	kit.Must(res.Handle())
}

func TestOpenUsesWhatConfigureHasReadOnce(t *testing.T) {
	var resolved []fakeConfig
	t.Setenv("FAKE_HOST", "first")
	res := newFake(recording(&resolved))
	if err := res.Configure(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("FAKE_HOST", "second")
	for range 2 {
		if err := res.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = res.Close(t.Context())
	}
	if len(resolved) != 2 || resolved[0].Host != "first" || resolved[1].Host != "second" {
		t.Errorf("it was opened with %v", resolved)
	}
}

func TestAFailedOpenReadsTheConfigurationAgain(t *testing.T) {
	var resolved []fakeConfig
	refused := errors.New("wrong password")
	res := newFake(recording(&resolved), refusing(&refused))
	t.Setenv("FAKE_PASSWORD", "old")
	if err := errors.Join(res.Configure(), res.Open(t.Context())); !errors.Is(err, refused) {
		t.Fatal(err)
	}
	t.Setenv("FAKE_PASSWORD", "new")
	refused = nil
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(resolved) != 2 || resolved[1].Password.Reveal() != "new" {
		t.Errorf("it was configured %d times", len(resolved))
	}
}

func TestConfigureReportsWhatIsWrongAsConfiguration(t *testing.T) {
	t.Setenv("FAKE_PASSWORD", "here")
	t.Setenv("FAKE_PASSWORD_FILE", "/and/there")
	res := newFake()
	for what, err := range map[string]error{"Configure": res.Configure(), "Open": res.Open(t.Context())} {
		if registry.KindOf(err) != registry.KindConfig || !strings.Contains(fmt.Sprint(err), "FAKE_PASSWORD") {
			t.Errorf("%s: %v (%s)", what, err, registry.KindOf(err))
		}
	}
}

func TestAConfigGivenInCodeReplacesTheEnvironment(t *testing.T) {
	var resolved []fakeConfig
	t.Setenv("FAKE_HOST", "environment")
	res := newFake(recording(&resolved))
	if err := res.Configure(); err != nil {
		t.Fatal(err)
	}
	res.Use(given(fakeConfig{})) // what Configure has kept counts no longer
	if err := res.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last := resolved[len(resolved)-1]; last.Host != "localhost" {
		t.Errorf("the host is %q", last.Host)
	}
}

func TestUsePanicsWhileTheResourceIsOpen(t *testing.T) {
	res := opened(t)
	defer func() {
		if got := recover(); got != "fake: Use after the resource was opened" {
			t.Errorf("the panic is %v", got)
		}
	}()
	res.Use(given(fakeConfig{}))
}

func TestACheckWithoutADeadlineGetsFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		res := opened(t)
		client, _ := kit.ClientOf(res.Resource)
		client.checks = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		start := time.Now()
		if err := res.Check(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start = time.Now()
		_ = res.Check(ctx)
		if took := time.Since(start); took != time.Minute {
			t.Errorf("with a deadline of its own it took %v", took)
		}
	})
}

func TestCloseEndsTheChecksThatAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		res := opened(t)
		client, _ := kit.ClientOf(res.Resource)
		client.checks = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		answer := make(chan error, 1)
		start := time.Now()
		go func() { answer <- res.Check(t.Context()) }()
		synctest.Wait()
		if err := res.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-answer; !errors.Is(err, registry.ErrNotOpen) || time.Since(start) != 0 {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

func TestAResourceMayBeUsedFromAnyGoroutine(t *testing.T) {
	res := newFake()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { _ = res.Open(t.Context()) })
		all.Go(func() { _ = res.Check(t.Context()) })
		all.Go(func() { _, _ = res.Handle() })
		all.Go(func() { _ = res.Configure() })
		all.Go(func() { _ = res.Close(t.Context()) })
	}
	all.Wait()
	if err := res.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAPrintedResourceShowsNoPassword(t *testing.T) {
	const secret = "ZQXVKJWPYR"
	res := opened(t, given(fakeConfig{Host: "user:" + secret + "@host", Password: config.NewSecret(secret)}))
	_ = res.Configure()
	for _, value := range []any{res, *res, res.Resource} {
		if text := fmt.Sprintf("%+v %#v", value, value); strings.Contains(text, secret) {
			t.Errorf("it shows the password: %s", text)
		}
	}
}
