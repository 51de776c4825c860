// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"testing"
)

// TestDecodeRandom holds the decoder against the oracle on requests that use protobuf's whole freedom, and on spoilt ones.
func TestDecodeRandom(t *testing.T) {
	var d Decoder
	for seed := range uint64(600) {
		s := newScribe(seed)
		data := s.request()
		checkDecode(t, &d, data)
		checkDecode(t, &d, s.spoil(data))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
