// Package prometheus shows a registry's health and its pools to Prometheus.
//
//	collector := prometheus.NewCollector(registry.Default())
//	defer collector.Stop()
//	driver.MustRegister(collector)
//
// A scrape never starts a check, and waits for none: the numbers are those of the checks that probes, or the registry
// with Every, have run. The metrics are
//
//	mooring_resource_up{resource}                      1 if it can serve, by what is known last; a warning is 1
//	mooring_resource_checked_timestamp_seconds{resource} when that was found; not there before
//	mooring_resource_check_duration_seconds{resource}  a histogram
//	mooring_resource_check_failures_total{resource,kind} checks that failed, by the kind of the error
//	mooring_pool_connections{resource,state}           used or idle
//	mooring_pool_max_connections{resource}             0 means any number
//	mooring_pool_waits_total{resource}                 callers who had to wait for a connection
//	mooring_pool_wait_seconds_total{resource}          how long
package prometheus

import (
	driver "github.com/prometheus/client_golang/prometheus"

	"github.com/vibework/mooring/registry"
)

// Collector is the metrics of one registry. It is safe for concurrent use.
type Collector struct {
	registry *registry.Registry
	duration *driver.HistogramVec
	failures *driver.CounterVec
	stop     func()
}

var _ driver.Collector = (*Collector)(nil)

var (
	resource    = []string{"resource"}
	up          = driver.NewDesc("mooring_resource_up", "Whether the resource can serve.", resource, nil)
	checked     = driver.NewDesc("mooring_resource_checked_timestamp_seconds", "When that was found.", resource, nil)
	connections = driver.NewDesc("mooring_pool_connections", "Connections there are.", []string{"resource", "state"}, nil)
	maximum     = driver.NewDesc("mooring_pool_max_connections", "Connections there may be; 0: no limit.", resource, nil)
	waits       = driver.NewDesc("mooring_pool_waits_total", "Callers who had to wait for a connection.", resource, nil)
	waitSeconds = driver.NewDesc("mooring_pool_wait_seconds_total", "How long callers have waited in all.", resource, nil)
)

// NewCollector returns the metrics of r, or of registry.Default() if r is nil. It counts checks from now on.
func NewCollector(r *registry.Registry) *Collector {
	if r == nil {
		r = registry.Default()
	}
	c := &Collector{
		registry: r,
		duration: driver.NewHistogramVec(driver.HistogramOpts{
			Name: "mooring_resource_check_duration_seconds", Help: "How long checks took.",
		}, resource),
		failures: driver.NewCounterVec(driver.CounterOpts{
			Name: "mooring_resource_check_failures_total", Help: "Checks that failed.",
		}, []string{"resource", "kind"}),
	}
	c.stop = r.Observe(func(event registry.Event) {
		if event.Op != registry.OpCheck {
			return
		}
		c.duration.WithLabelValues(event.Name).Observe(event.Duration.Seconds())
		if event.Err != nil {
			c.failures.WithLabelValues(event.Name, string(registry.KindOf(event.Err))).Inc()
		}
	})
	return c
}

// Stop ends the counting of checks. What was counted stays, and the rest is still read at every scrape.
func (c *Collector) Stop() { c.stop() }

// Describe is for Prometheus.
func (c *Collector) Describe(descs chan<- *driver.Desc) {
	c.duration.Describe(descs)
	c.failures.Describe(descs)
	for _, desc := range []*driver.Desc{up, checked, connections, maximum, waits, waitSeconds} {
		descs <- desc
	}
}

// Collect is for Prometheus.
func (c *Collector) Collect(metrics chan<- driver.Metric) {
	c.duration.Collect(metrics)
	c.failures.Collect(metrics)
	send := func(desc *driver.Desc, typ driver.ValueType, value float64, labels ...string) {
		metrics <- driver.MustNewConstMetric(desc, typ, value, labels...)
	}
	for _, result := range c.registry.Last().Results {
		serving := 0.0
		if result.OK() {
			serving = 1
		}
		send(up, driver.GaugeValue, serving, result.Name)
		if !result.CheckedAt.IsZero() {
			send(checked, driver.GaugeValue, float64(result.CheckedAt.UnixMilli())/1000, result.Name)
		}
		pool, found := statsOf(c.registry, result.Name)
		if !found {
			continue
		}
		send(connections, driver.GaugeValue, float64(pool.InUse), result.Name, "used")
		send(connections, driver.GaugeValue, float64(pool.Idle), result.Name, "idle")
		send(maximum, driver.GaugeValue, float64(pool.Max), result.Name)
		send(waits, driver.CounterValue, float64(pool.WaitCount), result.Name)
		send(waitSeconds, driver.CounterValue, pool.WaitDuration.Seconds(), result.Name)
	}
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
