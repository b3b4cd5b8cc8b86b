package observability

import (
	"context"
	"sync"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/vibework/mooring/backends/mongo"
	"github.com/vibework/mooring/registry"
)

// TraceMongo makes a span of every command, named for it. The command itself is not recorded: it is full of values.
func TraceMongo(tracer trace.Tracer) mongo.Option {
	return mongo.WithHook(func(o *options.ClientOptions) {
		o.SetMonitor(newCommandMonitor(tracer))
	})
}

type commandKey struct {
	connection string
	request    int64
}

func newCommandMonitor(tracer trace.Tracer) *event.CommandMonitor {
	var spans sync.Map // from commandKey to trace.Span
	end := func(e event.CommandFinishedEvent, err error) {
		value, ok := spans.LoadAndDelete(commandKey{e.ConnectionID, e.RequestID})
		if !ok {
			return
		}
		span := value.(trace.Span)
		if err != nil {
			span.SetStatus(codes.Error, string(registry.KindOf(err)))
		}
		span.End()
	}
	return &event.CommandMonitor{
		Started: func(ctx context.Context, e *event.CommandStartedEvent) {
			_, span := tracer.Start(ctx, e.CommandName, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
				attribute.String("db.system.name", "mongodb"),
				attribute.String("db.operation.name", e.CommandName),
				attribute.String("db.namespace", e.DatabaseName)))
			spans.Store(commandKey{e.ConnectionID, e.RequestID}, span)
		},
		Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) { end(e.CommandFinishedEvent, nil) },
		Failed:    func(_ context.Context, e *event.CommandFailedEvent) { end(e.CommandFinishedEvent, e.Failure) },
	}
}
