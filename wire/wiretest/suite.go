// SPDX-License-Identifier: Apache-2.0

package wiretest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clew-tracing/clew/span"
)

// Format is a wire format of spans, for [Run].
type Format struct {
	// Decode appends the spans of a request to b and says how many it kept and rejected. It may keep scratch memory; it
	// is called again and again, with other batches.
	Decode func(b *span.Batch, data []byte) (kept, rejected int, err error)
	// Encode writes all of b as a request. nil if the format is only read; then Samples are what the suite reads.
	Encode func(b *span.Batch) []byte
	// Samples are well-formed requests beyond what Encode makes.
	Samples [][]byte
	// Malformed is the class of errors for bytes that are not of this format.
	Malformed error
	// Carries returns what the format can carry of a batch; nil if that is everything.
	Carries func(b *span.Batch) *span.Batch
	// NoAllocation says that a warm Decode allocates nothing.
	NoAllocation bool
}

// Run checks a wire format: what is written reads back the same, shop and hostile spans alike; requests cut short or
// changed are refused with the format's error or read, and never panic; nothing is left behind by a refused request; a
// decoder used again gives the same.
func Run(t *testing.T, f Format) {
	shop, hostile := Shop(1, 2000), HostileOf(1, 600, 600)
	carries := f.Carries
	if carries == nil {
		carries = func(b *span.Batch) *span.Batch { return b }
	}
	decode := func(t *testing.T, data []byte) *span.Batch {
		t.Helper()
		b := &span.Batch{}
		kept, rejected, err := f.Decode(b, data)
		if err != nil || rejected != 0 || kept != b.Len() {
			t.Fatalf("decoded to %d spans: kept %d, rejected %d, %v", b.Len(), kept, rejected, err)
		}
		return b
	}
	samples := f.Samples
	if f.Encode != nil {
		samples = append(samples, f.Encode(firstRows(shop.Want, 40)), f.Encode(firstRows(hostile.Want, 1)))
		t.Run("round trip", func(t *testing.T) {
			for name, c := range map[string]*Corpus{"shop": shop, "hostile": hostile} {
				want := carries(c.Want)
				if diff := cmp.Diff(span.DumpString(want), span.DumpString(decode(t, f.Encode(c.Want)))); diff != "" {
					t.Errorf("%s: reads differently from what was written (-want +got):\n%.4000s", name, diff)
				}
			}
		})
	}
	t.Run("again", func(t *testing.T) {
		for i, data := range samples {
			first, second := decode(t, data), decode(t, data)
			if diff := cmp.Diff(span.DumpString(first), span.DumpString(second)); diff != "" {
				t.Errorf("sample %d reads differently the second time:\n%.4000s", i, diff)
			}
		}
	})
	t.Run("spoilt", func(t *testing.T) {
		for i, data := range samples {
			stride := 1 + len(data)/500
			for n := 0; n < len(data); n += stride {
				changed := append([]byte(nil), data...)
				changed[n] ^= byte(1 << (n % 8))
				for _, spoilt := range [][]byte{data[:n:n], changed} {
					var b span.Batch
					before := b.Len()
					_, _, err := f.Decode(&b, spoilt)
					if err != nil && !errors.Is(err, f.Malformed) {
						t.Fatalf("sample %d, byte %d: error %v is not of the format's class", i, n, err)
					}
					if err != nil && b.Len() != before {
						t.Fatalf("sample %d, byte %d: %d spans left behind by a refused request", i, n, b.Len())
					}
				}
			}
			decode(t, data)
		}
	})
	if f.NoAllocation {
		t.Run("no allocation", func(t *testing.T) {
			var b span.Batch
			for i, data := range samples {
				allocs := testing.AllocsPerRun(20, func() {
					b.Reset()
					if _, _, err := f.Decode(&b, data); err != nil {
						t.Fatal(err)
					}
				})
				if allocs != 0 {
					t.Errorf("sample %d: %v allocations for %d spans", i, allocs, b.Len())
				}
			}
		})
	}
}

// firstRows returns the first n spans of b in a batch of their own.
func firstRows(b *span.Batch, n int) *span.Batch {
	out := &span.Batch{}
	c := span.NewCopier(out)
	c.From(b)
	for i := range min(n, b.Len()) {
		c.Row(i)
	}
	return out
}
