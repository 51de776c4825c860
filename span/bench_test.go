// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"io"
	"testing"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
)

func perSpan(b *testing.B, spans int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*spans), "ns/span")
}

// BenchmarkAppend is what a decoder does for a span of ten attributes, without the decoding.
func BenchmarkAppend(b *testing.B) {
	var batch span.Batch
	keys := paths[:10]
	for b.Loop() {
		batch.Reset()
		for i := range 1000 {
			r := batch.AddSpan()
			batch.SpanID[r], batch.Name[r] = span.SpanIDFrom(uint64(i)), batch.Strings.InternString(paths[i%50])
			for j, k := range keys {
				batch.AddAttr(&batch.Attrs, k, span.StringValue(paths[(i+j)%len(paths)]))
			}
			batch.EndSpan()
		}
	}
	perSpan(b, 1000)
}

func BenchmarkIntern(b *testing.B) {
	var s span.Strings
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			for _, p := range paths {
				s.InternString(p)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(paths)), "ns/string")
	})
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			s.Reset()
			for _, p := range paths {
				s.InternString(p)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(paths)), "ns/string")
	})
}

func BenchmarkCopy(b *testing.B) {
	src := spantest.Random(1, 10_000)
	var dst span.Batch
	c := span.NewCopier(&dst)
	for b.Loop() {
		dst.Reset()
		c.Reset(&dst)
		c.From(src)
		for i := range src.Len() {
			c.Row(i)
		}
	}
	perSpan(b, src.Len())
}

func BenchmarkTraceOrder(b *testing.B) {
	src := spantest.Random(1, 100_000)
	var rows []int32
	for b.Loop() {
		rows = src.Collapse(src.TraceOrder(rows[:0]))
	}
	perSpan(b, src.Len())
}

// BenchmarkBuild makes the tree of one trace of 100,000 spans, in order as stored, and shuffled.
func BenchmarkBuild(b *testing.B) {
	shuffled, ordered := spantest.Random(1, 100_000), &span.Batch{}
	for i := range shuffled.TraceID {
		shuffled.TraceID[i] = span.TraceIDFrom(1, 1)
	}
	shuffled.CopyOrdered(ordered)
	for name, batch := range map[string]*span.Batch{"ordered": ordered, "shuffled": shuffled} {
		b.Run(name, func(b *testing.B) {
			var t span.Trace
			for b.Loop() {
				t.Build(batch, 0, batch.Len())
			}
			perSpan(b, batch.Len())
		})
	}
}

func BenchmarkDump(b *testing.B) {
	src := spantest.Random(1, 10_000)
	for b.Loop() {
		if err := span.Dump(io.Discard, src); err != nil {
			b.Fatal(err)
		}
	}
	perSpan(b, src.Len())
}

func BenchmarkHash(b *testing.B) {
	src := spantest.Random(1, 10_000)
	for b.Loop() {
		h := span.NewHasher(src)
		for i := range src.Len() {
			h.Hash(i)
		}
	}
	perSpan(b, src.Len())
}
