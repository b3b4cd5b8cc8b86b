package observability_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/vibework/mooring/examples/observability"
	"github.com/vibework/mooring/registry"
)

// fake is a resource with a pool.
type fake struct {
	name   string
	err    error
	checks int
}

func (f *fake) Name() string                { return f.name }
func (f *fake) Open(context.Context) error  { return nil }
func (f *fake) Close(context.Context) error { return nil }

func (f *fake) Check(context.Context) error {
	f.checks++
	return f.err
}

func (f *fake) PoolStats() registry.PoolStats {
	return registry.PoolStats{Max: 20, Open: 5, InUse: 3, Idle: 2, WaitCount: 7, WaitDuration: 1500 * time.Millisecond}
}

func newRegistry(resources ...*fake) *registry.Registry {
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	for _, res := range resources {
		r.Register(res)
	}
	return r
}

func failing(kind registry.Kind) error { return registry.Classify(kind, errors.New("unwell")) }

func TestPrometheusShowsChecksAndPoolsAndStartsNoCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mysql := &fake{name: "mysql"}
		r := newRegistry(mysql, &fake{name: "redis", err: failing(registry.KindTimeout)},
			&fake{name: "mongo", err: failing(registry.KindDegraded)})
		reg := prometheus.NewPedanticRegistry()
		stop := observability.Prometheus(r, reg)
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
			`mooring_resource_checks_total{resource="mysql",result="success"} 2`,
			`mooring_resource_checks_total{resource="redis",result="timeout"} 1`,
			`mooring_resource_checks_total{resource="mongo",result="failure"} 1`,
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
		_ = r.CloseAll(t.Context())
		synctest.Wait()
		if text := scrape(t, reg); !strings.Contains(text, `mooring_resource_up{resource="mysql"} 0`+"\n") {
			t.Errorf("after Close\n%s", text)
		}
		stop()
		if text := scrape(t, reg); text != "" {
			t.Errorf("after stop\n%s", text)
		}
	})
}

func scrape(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestOpenTelemetryHasTheConventionalNamesAndStartsNoCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mysql := &fake{name: "mysql"}
		r := newRegistry(mysql, &fake{name: "redis", err: failing(registry.KindAuth)})
		reader := sdkmetric.NewManualReader()
		provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
		stop, err := observability.OpenTelemetry(r, provider.Meter("test"))
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = r.CheckAll(t.Context())
		synctest.Wait() // the observer has all events
		got := collect(t, reader)
		for name, want := range map[string]int64{
			"mooring.resource.up resource=mysql":                                                              1,
			"mooring.resource.up resource=redis":                                                              0,
			"mooring.check.duration resource=mysql":                                                           1,
			"mooring.check.duration error.type=auth,resource=redis":                                           1,
			"db.client.connection.count db.client.connection.pool.name=mysql,db.client.connection.state=used": 3,
			"db.client.connection.count db.client.connection.pool.name=mysql,db.client.connection.state=idle": 2,
			"db.client.connection.max db.client.connection.pool.name=redis":                                   20,
		} {
			if value, ok := got[name]; !ok || value != want {
				t.Errorf("%s is %d (%v), want %d; there are %v", name, value, ok, want, got)
			}
		}
		if mysql.checks != 1 {
			t.Errorf("%d checks were run", mysql.checks)
		}
		_ = r.CloseAll(t.Context())
	})
}

// collect returns the values, and of a histogram the counts, by name and attributes.
func collect(t *testing.T, reader sdkmetric.Reader) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	values := make(map[string]int64)
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Gauge[int64]:
				for _, point := range data.DataPoints {
					values[m.Name+" "+encode(point.Attributes)] = point.Value
				}
			case metricdata.Sum[int64]:
				for _, point := range data.DataPoints {
					values[m.Name+" "+encode(point.Attributes)] = point.Value
				}
			case metricdata.Histogram[float64]:
				for _, point := range data.DataPoints {
					values[m.Name+" "+encode(point.Attributes)] = int64(point.Count)
				}
			}
		}
	}
	return values
}
