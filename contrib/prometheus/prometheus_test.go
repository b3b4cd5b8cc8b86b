package prometheus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	driver "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/vibework/mooring/contrib/prometheus"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

func Example() {
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(registrytest.Fake("mysql"))

	collector := prometheus.NewCollector(r)
	defer collector.Stop()
	metrics := driver.NewRegistry()
	metrics.MustRegister(collector)
	http.Handle("/metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))

	families, err := metrics.Gather() // as a scrape does
	fmt.Println(families[0].GetName(), families[0].GetMetric()[0].GetGauge().GetValue(), err)
	// Output: mooring_resource_up 0 <nil>
}

// pooled is a resource with a pool, which counts its checks.
type pooled struct {
	name   string
	err    error
	checks int
}

func (p *pooled) Name() string                { return p.name }
func (p *pooled) Open(context.Context) error  { return nil }
func (p *pooled) Close(context.Context) error { return nil }
func (p *pooled) Check(context.Context) error { p.checks++; return p.err }

func (p *pooled) PoolStats() registry.PoolStats {
	return registry.PoolStats{Max: 20, Open: 5, InUse: 3, Idle: 2, WaitCount: 7, WaitDuration: 1500 * time.Millisecond}
}

func scrape(t *testing.T, reg *driver.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestAScrapeShowsWhatIsKnownAndStartsNoCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mysql := &pooled{name: "mysql"}
		r := registry.New()
		r.Logger = slog.New(slog.DiscardHandler)
		for _, res := range []registry.Resource{
			mysql,
			&pooled{name: "redis", err: registry.Classify(registry.KindTimeout, errors.New("unwell"))},
			&pooled{name: "mongo", err: registry.Classify(registry.KindDegraded, errors.New("busy"))},
		} {
			r.Register(res)
		}
		collector := prometheus.NewCollector(r)
		reg := driver.NewPedanticRegistry()
		reg.MustRegister(collector)
		if text := scrape(t, reg); !strings.Contains(text, `mooring_resource_up{resource="mysql"} 0`+"\n") ||
			strings.Contains(text, "mooring_resource_checked") {
			t.Errorf("before Open\n%s", text)
		}
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = r.CheckAll(t.Context())
		_ = r.Check(t.Context(), "mysql")
		synctest.Wait() // the observer has all events
		before := mysql.checks
		text := scrape(t, reg)
		for _, want := range []string{
			`mooring_resource_up{resource="mysql"} 1`,
			`mooring_resource_up{resource="redis"} 0`,
			`mooring_resource_up{resource="mongo"} 1`,
			`mooring_resource_checked_timestamp_seconds{resource="mysql"} 9.466848e+08`,
			`mooring_resource_check_failures_total{kind="timeout",resource="redis"} 1`,
			`mooring_resource_check_failures_total{kind="degraded",resource="mongo"} 1`,
			`mooring_resource_check_duration_seconds_count{resource="mysql"} 2`,
			`mooring_pool_connections{resource="mysql",state="used"} 3`,
			`mooring_pool_connections{resource="mysql",state="idle"} 2`,
			`mooring_pool_max_connections{resource="mysql"} 20`,
			`mooring_pool_waits_total{resource="mysql"} 7`,
			`mooring_pool_wait_seconds_total{resource="mysql"} 1.5`,
		} {
			if !strings.Contains(text, want+"\n") {
				t.Errorf("%s is missing in\n%s", want, text)
			}
		}
		if mysql.checks != before {
			t.Error("a scrape has started a check")
		}
		collector.Stop()
		_ = r.CheckAll(t.Context())
		_ = r.CloseAll(t.Context())
		synctest.Wait()
		text = scrape(t, reg)
		if !strings.Contains(text, `mooring_resource_up{resource="mysql"} 0`+"\n") ||
			!strings.Contains(text, `check_duration_seconds_count{resource="mysql"} 2`+"\n") {
			t.Errorf("after Stop and CloseAll\n%s", text)
		}
	})
}

// broken is a resource whose pool cannot be asked.
type broken struct{ pooled }

func (*broken) PoolStats() registry.PoolStats { panic("no pool") }

func TestAPoolThatPanicsHidesNoOtherNumbers(t *testing.T) {
	r := registry.New()
	r.Register(&broken{pooled{name: "mysql"}})
	r.Register(&pooled{name: "redis"})
	collector := prometheus.NewCollector(r)
	defer collector.Stop()
	reg := driver.NewPedanticRegistry()
	reg.MustRegister(collector)
	text := scrape(t, reg)
	if strings.Contains(text, `connections{resource="mysql"`) ||
		!strings.Contains(text, `mooring_pool_max_connections{resource="redis"} 20`+"\n") {
		t.Error(text)
	}
}
