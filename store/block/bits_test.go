// SPDX-License-Identifier: Apache-2.0

package block

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vals := rapid.SliceOf(rapid.Custom(func(t *rapid.T) uint64 {
			return rapid.Uint64().Draw(t, "value") >> rapid.IntRange(0, 64).Draw(t, "shift")
		})).Draw(t, "values")
		if rapid.Bool().Draw(t, "extremes") {
			vals = append(vals, math.MaxUint64, 0, 1, 1<<63, math.MaxUint64)
		}
		got, packed := appendBits(nil, nil, vals)
		lengths := slices.Clone(got)
		if err := unpackBits(got, packed, true); err != nil || !slices.Equal(got, vals) {
			t.Fatalf("%v: %v, error %v", vals, got, err)
		}
		// A prefix of the values needs nothing of the rest.
		n := rapid.IntRange(0, len(vals)).Draw(t, "prefix")
		got = slices.Clone(lengths[:n])
		if err := unpackBits(got, packed, false); err != nil || !slices.Equal(got, vals[:n]) {
			t.Fatalf("prefix %d of %v: %v, error %v", n, vals, got, err)
		}
		if err := unpackBits(slices.Clone(lengths), append(packed, 0), true); err == nil {
			t.Fatal("a byte too many is not noticed")
		}
		if len(packed) > 0 {
			if err := unpackBits(slices.Clone(lengths), packed[:len(packed)-1], false); err == nil {
				t.Fatal("a byte too few is not noticed")
			}
		}
	})
	if err := unpackBits([]uint64{65}, make([]byte, 100), false); err == nil {
		t.Error("65 bits are not noticed")
	}
}
