// SPDX-License-Identifier: Apache-2.0

package server

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/clew-tracing/clew/store/embed"
)

// metricsPrefix begins every name of Clew's own metrics.
const metricsPrefix = "clew_"

// registerMetrics makes /metrics tell of the process, the build and the store. Receivers register their own.
func (s *server) registerMetrics() {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: metricsPrefix + "build_info", Help: "Always 1; the label tells the version.", ConstLabels: prometheus.Labels{"version": s.Version},
	})
	build.Set(1)
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build, storeMetrics{s.engine})
}

// storeMetrics publishes what the engine counts.
type storeMetrics struct{ engine *embed.Engine }

// Describe sends nothing: the collector is unchecked, since its metrics are the engine's to name.
func (storeMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect sends the present numbers.
func (m storeMetrics) Collect(out chan<- prometheus.Metric) {
	for _, v := range m.engine.Metrics() {
		kind := prometheus.GaugeValue
		if v.Counter {
			kind = prometheus.CounterValue
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(metricsPrefix+v.Name, v.Help, nil, nil), kind, float64(v.Value))
	}
}
