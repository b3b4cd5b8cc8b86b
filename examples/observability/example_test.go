package observability_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	driver "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/vibework/mooring/contrib/otel"
	"github.com/vibework/mooring/contrib/prometheus"
	"github.com/vibework/mooring/registry"
	"github.com/vibework/mooring/registry/registrytest"
)

// A program takes one of the two kinds of metrics, and spans if it has somewhere to send them.
func Example() {
	r := registry.New() // registry.Default() in a program
	r.Logger = slog.New(slog.DiscardHandler)
	r.Register(registrytest.Fake("mysql"))

	collector := prometheus.NewCollector(r)
	defer collector.Stop()
	metrics := driver.NewRegistry()
	metrics.MustRegister(collector)
	http.Handle("/metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))

	stop, err := otel.Metrics(r, metric.NewMeterProvider())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	defer otel.Spans(r, trace.NewTracerProvider())()

	ctx := context.Background()
	fmt.Println(r.OpenAll(ctx), r.CloseAll(ctx))
	// Output: <nil> <nil>
}
