// SPDX-License-Identifier: Apache-2.0

package span_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/span"
)

// TestStrings holds Strings against a map.
func TestStrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s span.Strings
		codes := map[string]span.Code{"": 0}
		gen := rapid.OneOf(words, rapid.StringN(0, 3, 8))
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			v := gen.Draw(t, "string")
			switch rapid.IntRange(0, 12).Draw(t, "step") {
			case 0:
				s.Reset()
				codes = map[string]span.Code{"": 0}
			case 1:
				s = s.Clone()
			case 2, 3:
				got, ok := s.Lookup(v)
				want, there := codes[v]
				if ok != there || got != want {
					t.Fatalf("Lookup(%q) = %d %v, want %d %v", v, got, ok, want, there)
				}
			default:
				got := s.Intern([]byte(v))
				want, there := codes[v]
				if !there {
					want = span.Code(len(codes))
					codes[v] = want
				}
				if got != want {
					t.Fatalf("Intern(%q) = %d, want %d", v, got, want)
				}
			}
		}
		if s.Len() != len(codes) {
			t.Fatalf("%d codes, want %d", s.Len(), len(codes))
		}
		size := 0
		for v, c := range codes {
			if s.String(c) != v || string(s.Bytes(c)) != v {
				t.Fatalf("code %d is %q, want %q", c, s.String(c), v)
			}
			size += len(v)
		}
		if s.Size() != size || s.Mem() < size {
			t.Fatalf("size %d, mem %d, want %d", s.Size(), s.Mem(), size)
		}
	})
}

// TestStringsGrow: far more strings than the first table has room for, and after Reset as many again.
func TestStringsGrow(t *testing.T) {
	var s span.Strings
	for round := range 3 {
		const n = 50_000
		for i := range n {
			if c := s.InternString(fmt.Sprint(round, "-", i)); int(c) != i+1 {
				t.Fatalf("round %d: code %d for string %d", round, c, i)
			}
		}
		for i := range n {
			if c, ok := s.Lookup(fmt.Sprint(round, "-", i)); !ok || int(c) != i+1 {
				t.Fatalf("round %d: string %d has code %d %v", round, i, c, ok)
			}
		}
		if _, ok := s.Lookup(fmt.Sprint(round+1, "-", 0)); ok {
			t.Fatal("found what is not there")
		}
		s.Reset()
	}
	// Small batches after a large one do not carry its index for ever.
	large := s.Mem()
	for range 12 {
		s.InternString("x")
		s.Reset()
	}
	if s.Mem() >= large {
		t.Errorf("still %d bytes of %d", s.Mem(), large)
	}
}

// TestStringsAppend: writing behind what Bytes gave does not reach the arena.
func TestStringsAppend(t *testing.T) {
	var s span.Strings
	a, b := s.InternString("abc"), s.InternString("def")
	_ = append(s.Bytes(a), "XYZ"...)
	if s.String(b) != "def" {
		t.Errorf("neighbour is %q", s.String(b))
	}
}
