// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/base/codec"
)

// columnCodec is one encoding of columns of T.
type columnCodec[T codec.Unsigned] struct {
	name   string
	append func([]byte, []T) []byte
	decode func([]T, []byte) ([]byte, error)
}

func codecs[T codec.Unsigned]() []columnCodec[T] {
	return []columnCodec[T]{
		{"varints", codec.AppendVarints[T], codec.Varints[T]},
		{"deltas", codec.AppendDeltas[T], codec.Deltas[T]},
		{"runs", codec.AppendRuns[T], codec.Runs[T]},
		{"frames", codec.AppendFrames[T], codec.Frames[T]},
		{"delta frames", codec.AppendDeltaFrames[T], codec.DeltaFrames[T]},
		{"column", codec.AppendColumn[T], codec.Column[T]},
	}
}

// shapes are columns as spans have them, and as they should not.
func shapes() map[string][]uint64 {
	rng := rand.New(rand.NewPCG(1, 2))
	fill := func(n int, f func(i int) uint64) []uint64 {
		out := make([]uint64, n)
		for i := range out {
			out[i] = f(i)
		}
		return out
	}
	return map[string][]uint64{
		"empty":        {},
		"one":          {42},
		"constant":     fill(1000, func(int) uint64 { return 7 }),
		"zeros":        fill(129, func(int) uint64 { return 0 }),
		"codes":        fill(1000, func(int) uint64 { return rng.Uint64N(40) }),
		"runs":         fill(1000, func(i int) uint64 { return uint64(i / 34) }),
		"sorted":       fill(1000, func(i int) uint64 { return uint64(i)*1000 + rng.Uint64N(900) }),
		"durations":    fill(1000, func(int) uint64 { return uint64(math.Exp(rng.NormFloat64()*2 + 12)) }),
		"random":       fill(300, func(int) uint64 { return rng.Uint64() }),
		"extremes":     fill(300, func(i int) uint64 { return uint64(i%2) * math.MaxUint64 }),
		"one outlier":  fill(1000, func(i int) uint64 { return uint64(i/500*(i%2)) << 60 }),
		"frame length": fill(128, func(i int) uint64 { return uint64(i) }),
	}
}

func TestRoundTrip(t *testing.T) {
	for name, vals := range shapes() {
		testRoundTrip(t, name, vals)
		testRoundTrip(t, name, narrow[uint32](vals))
		testRoundTrip(t, name, narrow[uint16](vals))
		testRoundTrip(t, name, narrow[uint8](vals))
	}
}

func narrow[T codec.Unsigned](vals []uint64) []T {
	out := make([]T, len(vals))
	for i, v := range vals {
		out[i] = T(v)
	}
	return out
}

func testRoundTrip[T codec.Unsigned](t *testing.T, name string, vals []T) {
	t.Helper()
	for _, c := range codecs[T]() {
		enc := c.append([]byte("prefix"), vals)
		if string(enc[:6]) != "prefix" {
			t.Errorf("%s/%s: the prefix is gone", name, c.name)
		}
		got := make([]T, len(vals))
		rest, err := c.decode(got, append(enc, "suffix"...)[6:])
		if err != nil || string(rest) != "suffix" {
			t.Errorf("%s/%s: rest %q, %v", name, c.name, rest, err)
		}
		if diff := cmp.Diff(vals, got); diff != "" {
			t.Errorf("%s/%s %T: %s", name, c.name, vals, diff)
		}
		// The same with nothing behind it, where reads are near the end.
		if rest, err := c.decode(got, enc[6:len(enc):len(enc)]); err != nil || len(rest) != 0 || !slices.Equal(vals, got) {
			t.Errorf("%s/%s: at the end: rest %x, %v", name, c.name, rest, err)
		}
		// And cut short at each byte: always an error, never a panic.
		for cut := 6; cut < len(enc); cut += 1 + len(enc)/50 {
			if _, err := c.decode(got, enc[6:cut:cut]); !errors.Is(err, codec.ErrCorrupt) {
				t.Errorf("%s/%s: cut to %d of %d: %v", name, c.name, cut-6, len(enc)-6, err)
			}
		}
	}
}

func TestRandomRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(0, 64).Draw(t, "width")
		vals := rapid.SliceOfN(rapid.Uint64Range(0, math.MaxUint64>>(64-width)), 0, 300).Draw(t, "vals")
		for _, c := range codecs[uint64]() {
			enc := c.append(nil, vals)
			got := make([]uint64, len(vals))
			if rest, err := c.decode(got, enc); err != nil || len(rest) != 0 {
				t.Fatalf("%s: rest %d, %v", c.name, len(rest), err)
			}
			if diff := cmp.Diff(vals, got); diff != "" && len(vals) > 0 {
				t.Fatalf("%s: %s", c.name, diff)
			}
		}
		enc := codec.AppendPacked(nil, vals, width)
		if len(enc) != codec.PackedLen(len(vals), width) {
			t.Fatalf("packed to %d bytes, want %d", len(enc), codec.PackedLen(len(vals), width))
		}
		got := make([]uint64, len(vals))
		if rest, err := codec.Packed(got, enc, width); err != nil || len(rest) != 0 {
			t.Fatalf("packed: rest %d, %v", len(rest), err)
		}
		for i, want := range vals {
			if at := codec.PackedAt(enc, width, i); got[i] != want || at != want {
				t.Fatalf("packed %d: got %d, at %d, want %d", i, got[i], at, want)
			}
		}
	})
}

func TestZigzag(t *testing.T) {
	for v, want := range map[int64]uint64{
		0: 0, -1: 1, 1: 2, -2: 3, math.MaxInt64: math.MaxUint64 - 1, math.MinInt64: math.MaxUint64,
	} {
		if got := codec.Zigzag(v); got != want || codec.Unzigzag(got) != v {
			t.Errorf("zigzag %d = %d, back %d", v, got, codec.Unzigzag(got))
		}
		got, rest, err := codec.Varint(append(codec.AppendVarint(nil, v), 9))
		if got != v || len(rest) != 1 || err != nil {
			t.Errorf("varint %d = %d, %d left, %v", v, got, len(rest), err)
		}
	}
}

// Our uvarints are those of encoding/binary.
func TestUvarintLikeBinary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Uint64().Draw(t, "v")
		if diff := cmp.Diff(binary.AppendUvarint(nil, v), codec.AppendUvarint(nil, v)); diff != "" {
			t.Fatal(diff)
		}
		src := rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "bytes")
		want, n := binary.Uvarint(src)
		got, rest, err := codec.Uvarint(src)
		if (n <= 0) != (err != nil) {
			t.Fatalf("%x: binary %d, %v", src, n, err)
		}
		if err == nil && (got != want || len(rest) != len(src)-n) {
			t.Fatalf("%x: got %d, %d left; want %d, %d", src, got, len(rest), want, len(src)-n)
		}
	})
}

func TestSmallestIsSmallest(t *testing.T) {
	for name, vals := range shapes() {
		best := len(codec.AppendColumn(nil, vals)) - 1
		for _, c := range codecs[uint64]() {
			if n := len(c.append(nil, vals)); n < best && float64(best) > float64(n)*1.05 {
				t.Errorf("%s: %v takes %d bytes, %s would take %d", name, codec.Smallest(vals), best, c.name, n)
			}
		}
	}
}

// Values that do not fit the column's type are corruption, not other values.
func TestOverflowIsAnError(t *testing.T) {
	for _, vals := range [][]uint64{{256}, {1, 300}, {math.MaxUint64}} {
		for i, wide := range codecs[uint64]() {
			enc := wide.append(nil, vals)
			if _, err := codecs[uint8]()[i].decode(make([]uint8, len(vals)), enc); !errors.Is(err, codec.ErrCorrupt) {
				t.Errorf("%s %v: %v", wide.name, vals, err)
			}
		}
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	vals := shapes()["durations"]
	dst := make([]uint64, len(vals))
	for _, c := range codecs[uint64]() {
		enc := c.append(nil, vals)
		buf := make([]byte, 0, len(enc))
		n := testing.AllocsPerRun(10, func() {
			if _, err := c.decode(dst, enc); err != nil {
				t.Fatal(err)
			}
			c.append(buf, vals)
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

// FuzzDecode feeds any bytes to every decoder: no panic, no read past the end,
// and what is decoded encodes and decodes to the same.
func FuzzDecode(f *testing.F) {
	for _, vals := range shapes() {
		for which, c := range codecs[uint64]() {
			if enc := c.append(nil, vals); len(enc) < 500 {
				f.Add(enc, uint16(len(vals)), uint8(which))
			}
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, n uint16, which uint8) {
		fuzzDecode[uint64](t, src, int(n), int(which))
		fuzzDecode[uint32](t, src, int(n), int(which))
		fuzzDecode[uint8](t, src, int(n), int(which))
		for _, width := range []int{int(which), int(which) % 65} {
			dst := make([]uint32, n)
			if _, err := codec.Packed(dst, src, width); err != nil && !errors.Is(err, codec.ErrCorrupt) {
				t.Error(err)
			}
		}
	})
}

func fuzzDecode[T codec.Unsigned](t *testing.T, src []byte, n, which int) {
	all := codecs[T]()
	c := all[which%len(all)]
	dst := make([]T, n)
	rest, err := c.decode(dst, slices.Clip(src))
	if err != nil {
		if !errors.Is(err, codec.ErrCorrupt) {
			t.Errorf("%s: %v is not of the class ErrCorrupt", c.name, err)
		}
		return
	}
	if len(rest) > len(src) {
		t.Errorf("%s: %d bytes left of %d", c.name, len(rest), len(src))
	}
	again := make([]T, n)
	if _, err := c.decode(again, c.append(nil, dst)); err != nil || !slices.Equal(dst, again) {
		t.Errorf("%s: does not round-trip: %v", c.name, err)
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, shape := range []string{"codes", "sorted", "durations", "runs"} {
		vals := slices.Repeat(shapes()[shape], 65)
		dst := make([]uint64, len(vals))
		for _, c := range codecs[uint64]() {
			enc := c.append(nil, vals)
			b.Run(shape+"/"+c.name, func(b *testing.B) {
				b.SetBytes(int64(8 * len(vals)))
				for b.Loop() {
					if _, err := c.decode(dst, enc); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(enc))/float64(len(vals)), "B/value")
			})
		}
	}
}

func BenchmarkAppendColumn(b *testing.B) {
	vals := slices.Repeat(shapes()["durations"], 65)
	var dst []byte
	b.SetBytes(int64(8 * len(vals)))
	for b.Loop() {
		dst = codec.AppendColumn(dst[:0], vals)
	}
}
