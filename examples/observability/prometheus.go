package observability

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vibework/mooring/registry"
)

// Prometheus registers the metrics of r with reg until stop is called. It panics if they are registered already.
//
//	mooring_resource_up{resource}                      1 or 0, by the last opening, check or close
//	mooring_resource_check_duration_seconds{resource}  a histogram
//	mooring_resource_checks_total{resource,result}     success, failure or timeout
//	mooring_pool_connections{resource,state}           used or idle
//	mooring_pool_max_connections{resource}             0 means any number
//	mooring_pool_waits_total{resource}                 callers who had to wait for a connection
//	mooring_pool_wait_seconds_total{resource}          how long
func Prometheus(r *registry.Registry, reg prometheus.Registerer) (stop func()) {
	serving := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "mooring_resource_up", Help: "Whether the resource can serve, by its last opening, check or close.",
	}, []string{"resource"})
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "mooring_resource_check_duration_seconds", Help: "How long checks took.",
	}, []string{"resource"})
	checks := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "mooring_resource_checks_total", Help: "Checks that were run.",
	}, []string{"resource", "result"})
	collectors := []prometheus.Collector{serving, duration, checks, poolCollector{r}}
	reg.MustRegister(collectors...)
	forget := r.Observe(func(event registry.Event) {
		serving.WithLabelValues(event.Name).Set(float64(up(event)))
		if event.Op == registry.OpCheck {
			duration.WithLabelValues(event.Name).Observe(event.Duration.Seconds())
			checks.WithLabelValues(event.Name, resultOf(event.Err)).Inc()
		}
	})
	return func() {
		forget()
		for _, c := range collectors {
			reg.Unregister(c)
		}
	}
}

func resultOf(err error) string {
	switch registry.KindOf(err) {
	case "":
		return "success"
	case registry.KindTimeout, registry.KindHung:
		return "timeout"
	default:
		return "failure"
	}
}

// poolCollector reads the numbers of the pools when it is asked for them.
type poolCollector struct{ registry *registry.Registry }

var (
	connections = prometheus.NewDesc("mooring_pool_connections", "Connections there are.",
		[]string{"resource", "state"}, nil)
	maximum = prometheus.NewDesc("mooring_pool_max_connections", "Connections there may be; 0 means any number.",
		[]string{"resource"}, nil)
	waits = prometheus.NewDesc("mooring_pool_waits_total", "Callers who had to wait for a connection.",
		[]string{"resource"}, nil)
	waitSeconds = prometheus.NewDesc("mooring_pool_wait_seconds_total", "How long callers have waited in all.",
		[]string{"resource"}, nil)
)

func (poolCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{connections, maximum, waits, waitSeconds} {
		descs <- desc
	}
}

func (c poolCollector) Collect(metrics chan<- prometheus.Metric) {
	send := func(desc *prometheus.Desc, typ prometheus.ValueType, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, typ, value, labels...)
	}
	for name, pool := range pools(c.registry) {
		send(connections, prometheus.GaugeValue, float64(pool.InUse), name, "used")
		send(connections, prometheus.GaugeValue, float64(pool.Idle), name, "idle")
		send(maximum, prometheus.GaugeValue, float64(pool.Max), name)
		send(waits, prometheus.CounterValue, float64(pool.WaitCount), name)
		send(waitSeconds, prometheus.CounterValue, pool.WaitDuration.Seconds(), name)
	}
}
