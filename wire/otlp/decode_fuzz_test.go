// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clew-tracing/clew/span"
)

// FuzzDecode holds the decoder against the oracle: they refuse the same bytes, and where they do not, they mean the same.
func FuzzDecode(f *testing.F) {
	var d Decoder
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecode(t, &d, data)
	})
}

func checkDecode(t *testing.T, d *Decoder, data []byte) {
	t.Helper()
	var got span.Batch
	res, err := d.Decode(&got, data)
	td, wantErr := oracleDecode(data)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("Decode: %v, oracle: %v", err, wantErr)
	}
	if err != nil {
		var de *DecodeError
		if !errors.As(err, &de) || !errors.Is(err, ErrMalformed) {
			t.Fatalf("error %v is no DecodeError", err)
		}
		if de.Offset < 0 || de.Offset > len(data) {
			t.Fatalf("offset %d outside of the %d bytes", de.Offset, len(data))
		}
		if got.Len() != 0 {
			t.Fatalf("%d spans left after an error", got.Len())
		}
		return
	}
	want, rejected := oracleBatch(td)
	if res.Rejected != rejected || res.Spans != want.Len() {
		t.Fatalf("result %+v, want %d spans and %d rejected", res, want.Len(), rejected)
	}
	if diff := cmp.Diff(span.DumpString(want), span.DumpString(&got)); diff != "" {
		t.Fatalf("decoded differently (-oracle +got):\n%s", diff)
	}
}
