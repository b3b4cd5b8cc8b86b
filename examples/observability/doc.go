// Package observability traces what a program asks of its backends, and shows how a program is observed as a whole:
// its Example has metrics for Prometheus and for OpenTelemetry, and spans of the registry, by the packages
// contrib/prometheus and contrib/otel, which are there to be imported. This package is there to be copied.
//
//	mysql.Use(observability.TraceMySQL(otel.GetTracerProvider()))
//
// For MongoDB there is the maintained package
// go.opentelemetry.io/contrib/instrumentation/go.mongodb.org/mongo-driver/v2/mongo/otelmongo, whose NewMonitor fits
// into the same hook. It is not a dependency of these examples: TraceMongo shows what such a monitor does. Redigo has
// no instrumentation of its own, and the client of Pub/Sub has a switch.
package observability
