package observability

import (
	"context"
	"strings"

	driver "github.com/gomodule/redigo/redis"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/vibework/mooring/backends/redis"
	"github.com/vibework/mooring/registry"
)

// TraceRedis makes a span of every command that is given a context, named for it. Its arguments are not recorded.
// Commands in a pipeline, by Send, have no spans.
func TraceRedis(tracer trace.Tracer) redis.Option {
	return redis.WithHook(func(pool *driver.Pool) {
		dial := pool.DialContext
		pool.DialContext = func(ctx context.Context) (driver.Conn, error) {
			conn, err := dial(ctx)
			if err != nil {
				return nil, err
			}
			return &tracedConn{conn, tracer}, nil
		}
	})
}

type tracedConn struct {
	driver.Conn
	tracer trace.Tracer
}

var _ driver.ConnWithContext = (*tracedConn)(nil)

func (c *tracedConn) DoContext(ctx context.Context, command string, args ...any) (any, error) {
	if command == "" { // the pool flushes what was sent
		return driver.DoContext(c.Conn, ctx, command, args...)
	}
	name := strings.ToUpper(command)
	ctx, span := c.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system.name", "redis"), attribute.String("db.operation.name", name)))
	defer span.End()
	reply, err := driver.DoContext(c.Conn, ctx, command, args...)
	if err != nil {
		span.SetStatus(codes.Error, string(registry.KindOf(err)))
	}
	return reply, err
}

func (c *tracedConn) ReceiveContext(ctx context.Context) (any, error) {
	return driver.ReceiveContext(c.Conn, ctx)
}
