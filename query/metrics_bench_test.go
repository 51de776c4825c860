// SPDX-License-Identifier: Apache-2.0

package query

import (
	"math"
	"testing"

	"github.com/clew-tracing/clew/base/fs"
	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
	"github.com/clew-tracing/clew/store/embed"
)

// benchmarkQueries are metrics by what they cost.
var benchmarkQueries = [...]string{
	`{ } | rate()`,
	`{ resource.service.name = "service-2" } | rate()`,
	`{ } | rate() by (resource.service.name)`,
	`{ } | rate() by (name, status, span.http.route)`,
	`{ } | avg_over_time(duration)`,
	`{ } | quantile_over_time(duration, .5, .95)`,
	`{ resource.service.name = "service-2" && name = "SELECT" } | quantile_over_time(duration, .5, .95)`,
	`{ } | histogram_over_time(duration)`,
	`{ nestedSetParent < 0 } | rate()`,
	`{ status = error } >> { } | rate()`,
	`{ } | compare({ status = error })`,
}

// BenchmarkMetrics is the cost of metrics over blocks, with the engine's scan.
func BenchmarkMetrics(b *testing.B) {
	engine, err := embed.Open(embed.Config{Dir: "data", FS: fs.NewMem()})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	const batches, spans = 10, 10_000
	for i := range batches {
		// Traces of half an hour, with spans of up to a second.
		batch := spantest.Random(uint64(i), spans)
		for row := range batch.Len() {
			batch.Start[row] = spantest.Start + int64(batch.TraceID[row].Key()%(30*60e9)) + int64(row)%1e6
			batch.Duration[row] = (batch.Duration[row] & math.MaxInt64) % 1e9
		}
		if err := engine.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := engine.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	x := New(Config{Engine: engine})
	for _, text := range benchmarkQueries {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			r := MetricsRequest{Tenant: span.DefaultTenant, Query: text, Start: spantest.Start, End: spantest.Start + 30*60e9, Step: 30e9}
			for b.Loop() {
				if _, err := x.Metrics(b.Context(), r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(batches*spans), "ns/span")
		})
	}
}
