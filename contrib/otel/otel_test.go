package otel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/vibework/mooring/contrib/otel"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

func Example() {
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(registrytest.Fake("mysql"))

	meters := sdkmetric.NewMeterProvider() // with a reader that exports
	stop, err := otel.Metrics(r, meters)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	spans := tracetest.NewSpanRecorder()
	defer otel.Spans(r, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))()

	ctx := context.Background()
	_ = r.OpenAll(ctx)
	_ = r.CheckAll(ctx)
	_ = r.CloseAll(ctx) // gives observers the time to see what has happened
	for _, span := range spans.Ended() {
		fmt.Println(span.Name())
	}
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

func newRegistry(mysql *pooled) *registry.Registry {
	r := registry.New()
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(mysql)
	r.Register(&pooled{name: "redis", err: registry.Classify(registry.KindAuth, errors.New("unwell"))})
	return r
}

func TestMetricsHaveTheConventionalNamesAndStartNoCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mysql := &pooled{name: "mysql"}
		r := newRegistry(mysql)
		reader := sdkmetric.NewManualReader()
		stop, err := otel.Metrics(r, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
		if err != nil {
			t.Fatal(err)
		}
		if got := collect(t, reader); got["mooring.check.up mooring.resource=mysql"] != 0 {
			t.Errorf("before Open it is up: %v", got)
		}
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = r.CheckAll(t.Context())
		synctest.Wait() // the observer has all events
		got := collect(t, reader)
		for name, want := range map[string]int64{
			"mooring.check.up mooring.resource=mysql":                                                         1,
			"mooring.check.up mooring.resource=redis":                                                         0,
			"mooring.check.duration mooring.resource=mysql":                                                   1,
			"mooring.check.duration error.type=auth,mooring.resource=redis":                                   1,
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
		stop()
		if got := collect(t, reader); len(got) > 2 { // the histogram of what was
			t.Errorf("after stop there are %v", got)
		}
		_ = r.CloseAll(t.Context())
	})
}

func TestASpanHasTheTimeAndTheKindOfWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry(&pooled{name: "mysql"})
		spans := tracetest.NewSpanRecorder()
		stop := otel.Spans(r, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
		if err := r.OpenAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = r.Check(t.Context(), "redis")
		_ = r.CloseAll(t.Context())
		synctest.Wait()
		stop()
		got := make(map[string]bool)
		for _, span := range spans.Ended() {
			set := attribute.NewSet(span.Attributes()...)
			got[span.Name()+" "+encode(set)+" "+span.Status().Description] = true
			if span.EndTime().After(time.Now()) || span.StartTime().IsZero() {
				t.Errorf("%s lasts from %v to %v", span.Name(), span.StartTime(), span.EndTime())
			}
		}
		for _, want := range []string{
			"mooring.open mooring.attempt=1,mooring.resource=mysql ",
			"mooring.check error.type=auth,mooring.resource=redis auth",
			"mooring.close mooring.resource=redis ",
		} {
			if !got[want] {
				t.Errorf("%q is missing in %v", want, got)
			}
		}
	})
}

func encode(set attribute.Set) string { return set.Encoded(attribute.DefaultEncoder()) }

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

// broken is a resource whose pool cannot be asked.
type broken struct{ pooled }

func (*broken) PoolStats() registry.PoolStats { panic("no pool") }

func TestAPoolThatPanicsHidesNoOtherNumbers(t *testing.T) {
	r := registry.New()
	r.Register(&broken{pooled{name: "mysql"}})
	r.Register(&pooled{name: "redis"})
	reader := sdkmetric.NewManualReader()
	stop, err := otel.Metrics(r, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	got := collect(t, reader)
	if _, there := got["db.client.connection.max db.client.connection.pool.name=mysql"]; there {
		t.Errorf("a pool that panics has numbers: %v", got)
	}
	if got["db.client.connection.max db.client.connection.pool.name=redis"] != 20 {
		t.Errorf("the numbers of the other pool are missing: %v", got)
	}
}
