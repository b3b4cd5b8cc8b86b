package observability

import (
	"database/sql"
	sqldriver "database/sql/driver"

	pubsubdriver "cloud.google.com/go/pubsub/v2"
	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/vibework/mooring/backends/mysql"
	"github.com/vibework/mooring/backends/pubsub"
)

// TraceMySQL makes a span of every call of the handle. A span has the text of its query: pass values as arguments,
// which are never recorded, or set DisableQuery, too.
func TraceMySQL(provider trace.TracerProvider) mysql.Option {
	return mysql.WithHook(func(c sqldriver.Connector) *sql.DB {
		return otelsql.OpenDB(c,
			otelsql.WithTracerProvider(provider),
			otelsql.WithAttributes(attribute.String("db.system.name", "mysql")),
			otelsql.WithSpanOptions(otelsql.SpanOptions{OmitConnResetSession: true, OmitRows: true}))
	})
}

// TracePubSub turns the client's own spans on: of publishing, and of receiving with the context that came with a
// message. The client takes the global tracer provider, and calls this feature experimental.
func TracePubSub() pubsub.Option {
	return pubsub.WithHook(func(c *pubsubdriver.ClientConfig) { c.EnableOpenTelemetryTracing = true })
}
