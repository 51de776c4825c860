// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/clew-tracing/clew/span"
)

// TestEncodeRandom writes random batches as protobuf and reads them with the generated types.
func TestEncodeRandom(t *testing.T) {
	var d Decoder
	for _, empty := range []bool{false, true} {
		e := Encoder{EmitEmpty: empty}
		for seed := range uint64(250) {
			var b span.Batch
			if _, err := d.Decode(&b, newScribe(seed).request()); err != nil {
				t.Fatal(err)
			}
			data := e.AppendProto([]byte{}, &b, nil)
			if n := e.SizeProto(&b, nil); n != len(data) {
				t.Fatalf("seed %d: SizeProto says %d, AppendProto makes %d bytes", seed, n, len(data))
			}
			var w bytes.Buffer
			if err := e.WriteProto(&w, &b, nil); err != nil || !bytes.Equal(w.Bytes(), data) {
				t.Fatalf("seed %d: WriteProto differs from AppendProto (error %v)", seed, err)
			}
			var td tracepb.TracesData
			if err := proto.Unmarshal(data, &td); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			got, rejected := oracleBatch(&td)
			if diff := cmp.Diff(span.DumpString(&b), span.DumpString(got)); diff != "" || rejected != 0 {
				t.Fatalf("seed %d: what was written reads differently (-want +got), %d rejected:\n%s", seed, rejected, diff)
			}
			if !empty {
				continue
			}
			for _, rs := range td.ResourceSpans {
				if rs.Resource == nil {
					t.Fatalf("seed %d: no resource", seed)
				}
				for _, ss := range rs.ScopeSpans {
					if ss.Scope == nil {
						t.Fatalf("seed %d: no scope", seed)
					}
					for _, s := range ss.Spans {
						if s.Status == nil {
							t.Fatalf("seed %d: no status", seed)
						}
					}
				}
			}
		}
	}
}
