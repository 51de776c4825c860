// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/wire/wiretest"
)

func TestSuiteProtobuf(t *testing.T) {
	var d Decoder
	var e Encoder
	wiretest.Run(t, wiretest.Format{
		Decode: func(b *span.Batch, data []byte) (int, int, error) {
			r, err := d.Decode(b, data)
			return r.Spans, r.Rejected, err
		},
		Encode:       func(b *span.Batch) []byte { return e.AppendProto(nil, b, nil) },
		Malformed:    ErrMalformed,
		NoAllocation: true,
	})
}

func TestSuiteJSON(t *testing.T) {
	var d Decoder
	var e Encoder
	wiretest.Run(t, wiretest.Format{
		Decode: func(b *span.Batch, data []byte) (int, int, error) {
			r, err := d.DecodeJSON(b, data)
			return r.Spans, r.Rejected, err
		},
		Encode:       func(b *span.Batch) []byte { return e.AppendJSON(nil, b, nil, JSONOptions{}) },
		Malformed:    ErrMalformed,
		NoAllocation: true,
	})
}

// TestCorpora decodes the corpora and compares with what they say must be kept.
func TestCorpora(t *testing.T) {
	for name, c := range map[string]*wiretest.Corpus{"shop": wiretest.Shop(3, 5000), "hostile": wiretest.HostileOf(3, 2000, 2000)} {
		var d Decoder
		var got span.Batch
		for i, r := range c.Requests {
			res, err := d.Decode(&got, r.Data)
			if (err != nil) != r.Malformed || res.Spans != r.Spans || res.Rejected != r.Rejected {
				t.Errorf("%s, request %d (%s): %+v, error %v; want %d spans, %d rejected, malformed %v", name, i, r.Case, res, err, r.Spans, r.Rejected, r.Malformed)
			}
		}
		if diff := cmp.Diff(span.DumpString(c.Want), span.DumpString(&got)); diff != "" {
			t.Errorf("%s: kept differently (-want +got):\n%.4000s", name, diff)
		}
	}
}

func BenchmarkDecodeShop(b *testing.B) {
	c := wiretest.Shop(1, 50_000)
	var d Decoder
	var batch span.Batch
	spans := 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		batch.Reset()
		r, err := d.Decode(&batch, c.Requests[i%len(c.Requests)].Data)
		if err != nil {
			b.Fatal(err)
		}
		spans += r.Spans
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(spans), "ns/span")
}

func BenchmarkDecodeJSONShop(b *testing.B) {
	var d Decoder
	var batch span.Batch
	data := new(Encoder).AppendJSON(nil, wiretest.Shop(1, 1000).Want, nil, JSONOptions{})
	spans := 0
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		batch.Reset()
		r, err := d.DecodeJSON(&batch, data)
		if err != nil {
			b.Fatal(err)
		}
		spans += r.Spans
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(spans), "ns/span")
}

func BenchmarkEncodeShop(b *testing.B) {
	var e Encoder
	batch := wiretest.Shop(1, 10_000).Want
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = e.AppendProto(out[:0], batch, nil)
	}
	b.SetBytes(int64(len(out)))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch.Len()), "ns/span")
}

func BenchmarkEncodeJSONShop(b *testing.B) {
	var e Encoder
	batch := wiretest.Shop(1, 10_000).Want
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = e.AppendJSON(out[:0], batch, nil, JSONOptions{})
	}
	b.SetBytes(int64(len(out)))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch.Len()), "ns/span")
}
