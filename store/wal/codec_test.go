// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/span/spantest"
)

func dumpOf(t *testing.T, b *span.Batch) string {
	t.Helper()
	var buf bytes.Buffer
	if err := span.Dump(&buf, b); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func encode(t *testing.T, b *span.Batch) []byte {
	t.Helper()
	var e Encoder
	p, err := e.Append(nil, span.SignalSpans, b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// checkSame compares everything, also what stands outside of identity.
func checkSame(t *testing.T, want, got *span.Batch) {
	t.Helper()
	if d := cmp.Diff(dumpOf(t, want), dumpOf(t, got)); d != "" {
		t.Errorf("spans (-want +got):\n%s", d)
	}
	for _, c := range []struct {
		name      string
		want, got any
	}{
		{"tenant", want.Tenant, got.Tenant},
		{"arrival", want.Arrival, got.Arrival},
		{"notes", want.Notes, got.Notes},
		{"head weights", want.HeadWeight, got.HeadWeight},
		{"trace weights", want.TraceWeight, got.TraceWeight},
		{"resources", want.Resources.Len(), got.Resources.Len()},
	} {
		if d := cmp.Diff(c.want, c.got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	var dec Decoder
	var got span.Batch
	for seed := range uint64(200) {
		b := spantest.Random(seed, int(seed%50))
		signal, err := dec.Decode(encode(t, b), &got)
		if err != nil {
			t.Fatal(err)
		}
		if signal != span.SignalSpans {
			t.Errorf("signal %d", signal)
		}
		checkSame(t, b, &got)
	}
}

// A batch that compresses beyond what a decoder believes is stored as it is.
func TestExtremeCompression(t *testing.T) {
	b := spantest.Random(1, 1)
	b.Name[0] = b.Strings.Intern(make([]byte, 1<<20))
	var dec Decoder
	var got span.Batch
	if _, err := dec.Decode(encode(t, b), &got); err != nil {
		t.Fatal(err)
	}
	checkSame(t, b, &got)
}

func TestRefusedBatches(t *testing.T) {
	for name, spoil := range map[string]func(*span.Batch){
		"no tenant":         func(b *span.Batch) { b.Tenant = "" },
		"long tenant":       func(b *span.Batch) { b.Tenant = string(make([]byte, 200)) },
		"missing column":    func(b *span.Batch) { b.Name = nil },
		"unfinished span":   func(b *span.Batch) { b.AddSpan() },
		"code out of range": func(b *span.Batch) { b.Name[0] = 1 << 20 },
		"key out of range":  func(b *span.Batch) { b.Attrs.Key[0] = 1 << 20 },
		"value":             func(b *span.Batch) { b.Attrs.Type[0], b.Attrs.Val[0] = span.TypeString, 1<<20 },
		"type":              func(b *span.Batch) { b.Attrs.Type[0] = 99 },
		"resource":          func(b *span.Batch) { b.Resource[0] = 1000 },
		"scope":             func(b *span.Batch) { b.Scope[0] = 1000 },
		"offsets":           func(b *span.Batch) { b.Attrs.Off[1] = 1 << 30 },
	} {
		b := spantest.Random(5, 20)
		b.AddSpan()
		b.AddAttr(&b.Attrs, "k", span.IntValue(1))
		b.EndSpan()
		spoil(b)
		var e Encoder
		if _, err := e.Append(nil, span.SignalSpans, b); !errors.Is(err, ErrBatch) {
			t.Errorf("%s: %v, want an error of class ErrBatch", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for n := range 4 {
		var e Encoder
		p, err := e.Append(nil, span.SignalSpans, spantest.Random(uint64(n), n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
		// The same without compression, so that the fuzzer reaches the columns.
		body := append([]byte(nil), p[:2]...)
		body[1] = compressNone
		body = append(body, p[2:10]...)
		body = append(body, 1, 't', byte(n))
		f.Add(append(body, e.body...))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var dec Decoder
		var b span.Batch
		signal, err := dec.Decode(payload, &b)
		if err != nil {
			if !errors.Is(err, ErrPayload) {
				t.Fatalf("error of no class: %v", err)
			}
			return
		}
		if b.Mem() > 4096+64*maxRatio*len(payload) {
			t.Fatalf("%d bytes of payload take %d of memory", len(payload), b.Mem())
		}
		// What decodes can be written again, and reads the same.
		var e Encoder
		again, err := e.Append(nil, signal, &b)
		if err != nil {
			t.Fatalf("encode what was decoded: %v", err)
		}
		var c span.Batch
		if _, err := dec.Decode(again, &c); err != nil {
			t.Fatalf("decode again: %v", err)
		}
		checkSame(t, &b, &c)
	})
}

func BenchmarkEncode(b *testing.B) {
	batch := spantest.Random(1, 1000)
	var e Encoder
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = e.Append(dst[:0], span.SignalSpans, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/span")
	b.ReportMetric(float64(len(dst))/1000, "B/span")
}

// headerCheck returns the check of a header whose other bytes are given.
func headerCheck(h []byte) []byte {
	return binary.LittleEndian.AppendUint64(nil, xxhash.Sum64(h[:headerLen-8]))
}
