// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/clew-tracing/clew/span"
)

// FuzzDecodeJSON holds the JSON decoder against the oracle: what the oracle takes, the decoder takes with the same
// meaning. It may take more, since it is more tolerant (fields twice, names of enums that nobody knows).
func FuzzDecodeJSON(f *testing.F) {
	var d Decoder
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecodeJSON(t, &d, data)
	})
}

func checkDecodeJSON(t *testing.T, d *Decoder, data []byte) {
	t.Helper()
	var got span.Batch
	res, err := d.DecodeJSON(&got, data)
	if err != nil {
		var de *DecodeError
		if !errors.As(err, &de) || de.Offset < 0 || de.Offset > len(data) {
			t.Fatalf("error %#v: want a DecodeError within the %d bytes", err, len(data))
		}
		if got.Len() != 0 {
			t.Fatalf("%d spans left after an error", got.Len())
		}
	}
	td, wantErr := oracleJSON(data)
	if wantErr != nil {
		return
	}
	if err != nil {
		t.Fatalf("DecodeJSON: %v, the oracle takes it", err)
	}
	want, rejected := oracleBatch(td)
	if res.Rejected != rejected || res.Spans != want.Len() {
		t.Fatalf("result %+v, want %d spans and %d rejected", res, want.Len(), rejected)
	}
	if diff := cmp.Diff(span.DumpString(want), span.DumpString(&got)); diff != "" {
		t.Fatalf("decoded differently (-oracle +got):\n%s", diff)
	}
}

// TestJSONRandom writes random batches as JSON, in every dialect, and reads them with decoder and oracle; and it reads
// what protobuf's generic JSON writer makes of them.
func TestJSONRandom(t *testing.T) {
	var d Decoder
	var e Encoder
	for seed := range uint64(120) {
		s := newScribe(seed)
		data := s.request()
		var b span.Batch
		if _, err := d.Decode(&b, data); err != nil {
			t.Fatal(err)
		}
		want := span.DumpString(&b)
		for _, o := range []JSONOptions{{}, {EnumNames: true}, {Base64IDs: true, EnumNames: true}} {
			text := e.AppendJSON(nil, &b, nil, o)
			var w bytes.Buffer
			if err := e.WriteJSON(&w, &b, nil, o); err != nil || !bytes.Equal(w.Bytes(), text) {
				t.Fatalf("seed %d: WriteJSON differs from AppendJSON (error %v)", seed, err)
			}
			if _, err := oracleJSON(text); err != nil {
				t.Fatalf("seed %d: the oracle refuses what was written: %v\n%s", seed, err, text)
			}
			checkDecodeJSON(t, &d, text)
			var back span.Batch
			if _, err := d.DecodeJSON(&back, text); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, span.DumpString(&back)); diff != "" {
				t.Fatalf("seed %d, %+v: what was written reads differently (-want +got):\n%s", seed, o, diff)
			}
			checkDecodeJSON(t, &d, s.spoil(text))
		}
		td, err := oracleDecode(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []protojson.MarshalOptions{{}, {UseProtoNames: true, UseEnumNumbers: true, EmitUnpopulated: true}} {
			text, err := o.Marshal(td)
			if err != nil {
				t.Fatal(err)
			}
			checkDecodeJSON(t, &d, text)
		}
	}
}

func TestJSONInteger(t *testing.T) {
	for _, c := range []struct {
		text string
		neg  bool
		want uint64
		ok   bool
	}{
		{"0", false, 0, true},
		{"-0", true, 0, true},
		{"200", false, 200, true},
		{"-17", true, 17, true},
		{"18446744073709551615", false, math.MaxUint64, true},
		{"18446744073709551616", false, 0, false},
		{"1e3", false, 1000, true},
		{"1.5e1", false, 15, true},
		{"12.50E+1", false, 125, true},
		{"100e-2", false, 1, true},
		{"1.0", false, 1, true},
		{"1.5", false, 0, false},
		{"15e-1", false, 0, false},
		{"0.001e3", false, 1, true},
		{"1e20", false, 0, false},
		{"0e999999999999", false, 0, true},
		{"1e999999999999", false, 0, false},
		{"0e9999999", false, 0, true},
	} {
		neg, v, ok := jsonInteger([]byte(c.text))
		if ok != c.ok || ok && (neg != c.neg || v != c.want) {
			t.Errorf("jsonInteger(%s) = %v, %d, %v; want %v, %d, %v", c.text, neg, v, ok, c.neg, c.want, c.ok)
		}
	}
}
