package observability

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/vibework/mooring/registry"
)

// OpenTelemetry records the metrics of r with meter until stop is called. The names of those of a pool are the
// semantic conventions'; for checks there are no conventions.
//
//	mooring.resource.up            1 or 0, by the last opening, check or close
//	mooring.check.duration         a histogram in seconds; error.type is the kind of a failure
//	db.client.connection.count     by db.client.connection.state: used or idle
//	db.client.connection.max       where there is a maximum
func OpenTelemetry(r *registry.Registry, meter metric.Meter) (stop func(), err error) {
	serving, err1 := meter.Int64Gauge("mooring.resource.up")
	duration, err2 := meter.Float64Histogram("mooring.check.duration", metric.WithUnit("s"))
	count, err3 := meter.Int64ObservableUpDownCounter("db.client.connection.count", metric.WithUnit("{connection}"))
	most, err4 := meter.Int64ObservableUpDownCounter("db.client.connection.max", metric.WithUnit("{connection}"))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	reading, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for name, pool := range pools(r) {
			pooled := attribute.String("db.client.connection.pool.name", name)
			state := attribute.Key("db.client.connection.state")
			o.ObserveInt64(count, int64(pool.InUse), metric.WithAttributes(pooled, state.String("used")))
			o.ObserveInt64(count, int64(pool.Idle), metric.WithAttributes(pooled, state.String("idle")))
			if pool.Max > 0 {
				o.ObserveInt64(most, int64(pool.Max), metric.WithAttributes(pooled))
			}
		}
		return nil
	}, count, most)
	if err != nil {
		return nil, err
	}
	forget := r.Observe(func(event registry.Event) {
		resource := attribute.String("resource", event.Name)
		serving.Record(context.Background(), int64(up(event)), metric.WithAttributes(resource))
		if event.Op != registry.OpCheck {
			return
		}
		attributes := []attribute.KeyValue{resource}
		if event.Err != nil {
			attributes = append(attributes, attribute.String("error.type", string(registry.KindOf(event.Err))))
		}
		duration.Record(context.Background(), event.Duration.Seconds(), metric.WithAttributes(attributes...))
	})
	return func() {
		forget()
		_ = reading.Unregister() // it can only fail when somebody has unregistered it before
	}, nil
}
