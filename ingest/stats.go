// SPDX-License-Identifier: Apache-2.0

package ingest

import "github.com/prometheus/client_golang/prometheus"

// Stats counts what receivers do, by protocol (otlp-grpc, otlp-http), as Prometheus metrics:
//
//	clew_ingest_requests_total{protocol}             requests of all kinds
//	clew_ingest_bytes_total{protocol}                bytes of requests, decompressed
//	clew_ingest_spans_total{protocol}                spans acknowledged
//	clew_ingest_rejected_spans_total{protocol}       spans left out of accepted requests (partial_success)
//	clew_ingest_refused_total{protocol,reason}       requests refused
//	clew_ingest_dropped_total{protocol,signal}       data points and log records accepted and dropped
type Stats struct {
	requests, bytes, spans, rejected, refused, dropped *prometheus.CounterVec
}

// NewStats returns counters that are registered with reg. All receivers of a server share one.
func NewStats(reg prometheus.Registerer) *Stats {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "clew", Subsystem: "ingest", Name: name, Help: help}, append([]string{"protocol"}, labels...))
		reg.MustRegister(c)
		return c
	}
	return &Stats{
		requests: counter("requests_total", "Requests received."),
		bytes:    counter("bytes_total", "Bytes of requests received, decompressed."),
		spans:    counter("spans_total", "Spans acknowledged: durable and searchable."),
		rejected: counter("rejected_spans_total", "Spans left out of accepted requests because their ids are unusable."),
		refused:  counter("refused_total", "Requests refused.", "reason"),
		dropped:  counter("dropped_total", "Data points and log records accepted and dropped.", "signal"),
	}
}

// RegisterAdmission registers gauges of the budget: clew_ingest_inflight_bytes and clew_ingest_inflight_limit_bytes.
func RegisterAdmission(reg prometheus.Registerer, a *Admission) {
	reg.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "clew", Subsystem: "ingest", Name: "inflight_bytes",
			Help: "Memory that requests under way take."}, func() float64 { return float64(a.InFlight()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "clew", Subsystem: "ingest", Name: "inflight_limit_bytes",
			Help: "Memory that requests under way may take."}, func() float64 { return float64(a.Capacity()) }),
	)
}
