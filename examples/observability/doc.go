// Package observability shows a registry's health and its pools to Prometheus and to OpenTelemetry, and traces what
// a program asks of its backends. It is there to be copied: each file stands nearly alone.
//
//	prometheus.go  metrics for Prometheus
//	otel.go        metrics for OpenTelemetry, by its semantic conventions where there are any
//	pools.go       what both read at every scrape
//	trace*.go      an option for each backend
//
// Metrics come from two places. [registry.Registry.Observe] tells of every check that is run, and PoolStats reads
// counters. So a scrape never starts a check: the numbers are those of the checks that probes, or a loop of the
// program, have started.
//
//	stop := observability.Prometheus(registry.Default(), prometheus.DefaultRegisterer)
//	defer stop()
//	mysql.Use(observability.TraceMySQL(otel.GetTracerProvider()))
//
// For MongoDB there is the maintained package
// go.opentelemetry.io/contrib/instrumentation/go.mongodb.org/mongo-driver/v2/mongo/otelmongo, whose NewMonitor fits
// into the same hook. It is not compiled here because it could not be had from the module proxy where this was
// written; TraceMongo stands in for it. Redigo has no instrumentation of its own, and the client of Pub/Sub has a
// switch.
package observability
