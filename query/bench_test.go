// SPDX-License-Identifier: Apache-2.0

package query

import (
	"testing"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
)

// BenchmarkEvaluate is the cost of deciding the spans of a batch, by query.
func BenchmarkEvaluate(b *testing.B) {
	raw := spantest.Random(1, 20_000)
	var batch span.Batch
	raw.CopyOrdered(&batch)
	for _, text := range []string{
		`{ }`,
		`{ status = error }`,
		`{ resource.service.name = "nothing" }`,
		`{ duration > 1h }`,
		`{ .nothing = "x" }`,
		`{ name =~ ".*nothing.*" && span.n > 5 }`,
		`{ duration * 2 > 2h }`,
		`{ rootName = "nothing" }`,
		`{ nestedSetParent < -1 }`,
		`{ status = error } >> { name = "nothing" }`,
		`{ status = error } && { name = "nothing" }`,
		`{ } | count() > 1000000`,
		`{ } | avg(duration) > 100h`,
	} {
		b.Run(text, func(b *testing.B) {
			plan, err := Compile(text, nil)
			if err != nil {
				b.Fatal(err)
			}
			e := plan.evaluator()
			b.ReportAllocs()
			for b.Loop() {
				if err := e.batch(&batch, func(int, int, []spanset) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch.Len()), "ns/span")
		})
	}
}
