// Package otel shows a registry's health and its pools to OpenTelemetry, as metrics and as spans.
//
//	stop, err := otel.Metrics(registry.Default(), api.GetMeterProvider())
//	defer otel.Spans(registry.Default(), api.GetTracerProvider())()
//
// Reading metrics never starts a check, and waits for none: they are those of the checks that probes, or the registry
// with Every, have run. What a program asks of its backends is for their drivers to trace; examples/observability shows
// how.
package otel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/vibework/mooring/registry"
)

const scope = "github.com/vibework/mooring/contrib/otel"

// What attributes are called. Those of errors and pools are the semantic conventions'.
const (
	resource  = attribute.Key("mooring.resource")
	attempt   = attribute.Key("mooring.attempt")
	errorType = attribute.Key("error.type")
	poolName  = attribute.Key("db.client.connection.pool.name")
	poolState = attribute.Key("db.client.connection.state")
)

// Metrics records the metrics of r, or of registry.Default() if r is nil, until stop is called. The names of those of a
// pool are the semantic conventions'; for checks there are no conventions.
//
//	mooring.check.up               1 if the resource can serve, by what is known last, else 0; a warning is 1
//	mooring.check.duration         a histogram in seconds; error.type is the kind of a failure
//	db.client.connection.count     by db.client.connection.state: used or idle
//	db.client.connection.max       where there is a maximum
func Metrics(r *registry.Registry, provider metric.MeterProvider) (stop func(), err error) {
	if r == nil {
		r = registry.Default()
	}
	meter := provider.Meter(scope)
	up, err1 := meter.Int64ObservableGauge("mooring.check.up")
	duration, err2 := meter.Float64Histogram("mooring.check.duration", metric.WithUnit("s"))
	count, err3 := meter.Int64ObservableUpDownCounter("db.client.connection.count", metric.WithUnit("{connection}"))
	most, err4 := meter.Int64ObservableUpDownCounter("db.client.connection.max", metric.WithUnit("{connection}"))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	reading, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, result := range r.Last().Results {
			serving := int64(0)
			if result.OK() {
				serving = 1
			}
			o.ObserveInt64(up, serving, metric.WithAttributes(resource.String(result.Name)))
			pool, found := statsOf(r, result.Name)
			if !found {
				continue
			}
			pooled := poolName.String(result.Name)
			o.ObserveInt64(count, int64(pool.InUse), metric.WithAttributes(pooled, poolState.String("used")))
			o.ObserveInt64(count, int64(pool.Idle), metric.WithAttributes(pooled, poolState.String("idle")))
			if pool.Max > 0 {
				o.ObserveInt64(most, int64(pool.Max), metric.WithAttributes(pooled))
			}
		}
		return nil
	}, up, count, most)
	if err != nil {
		return nil, err
	}
	forget := r.Observe(func(event registry.Event) {
		if event.Op == registry.OpCheck {
			duration.Record(context.Background(), event.Duration.Seconds(), metric.WithAttributes(attributes(event)...))
		}
	})
	return func() {
		forget()
		_ = reading.Unregister() // it can only fail when somebody has unregistered it before
	}, nil
}

// Spans makes a span of every attempt to open a resource of r, or of registry.Default() if r is nil, of every check and
// of every closing, until stop is called. They are called mooring.open, mooring.check and mooring.close, and have no
// parent: a check may have several callers. Their errors have a kind and no text.
func Spans(r *registry.Registry, provider trace.TracerProvider) (stop func()) {
	if r == nil {
		r = registry.Default()
	}
	tracer := provider.Tracer(scope)
	return r.Observe(func(event registry.Event) {
		_, span := tracer.Start(context.Background(), "mooring."+string(event.Op),
			trace.WithTimestamp(event.Time), trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(attributes(event)...))
		if event.Op == registry.OpOpen {
			span.SetAttributes(attempt.Int(event.Attempt))
		}
		if event.Err != nil {
			span.SetStatus(codes.Error, string(registry.KindOf(event.Err)))
		}
		span.End(trace.WithTimestamp(event.Time.Add(event.Duration)))
	})
}

func attributes(event registry.Event) []attribute.KeyValue {
	if event.Err == nil {
		return []attribute.KeyValue{resource.String(event.Name)}
	}
	return []attribute.KeyValue{resource.String(event.Name), errorType.String(string(registry.KindOf(event.Err)))}
}

// statsOf returns the numbers of the pool of the resource of that name, if it has one. Metrics are read on goroutines
// where a PoolStats that panics would end the program; its resource has no numbers.
func statsOf(r *registry.Registry, name string) (stats registry.PoolStats, found bool) {
	defer func() { _ = recover() }()
	pooler, err := registry.GetFrom[registry.Pooler](r, name)
	if err != nil {
		return stats, false
	}
	return pooler.PoolStats(), true
}
