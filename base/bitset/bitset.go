// SPDX-License-Identifier: Apache-2.0

// Package bitset is a dense set of row numbers, one bit a row.
//
// A scan decides each predicate into a Set over the rows of a row group and
// combines them with And, Or, AndNot and Not, 64 rows a step. A Set is reused by
// [Set.Reset], so that a scan allocates nothing once it is warm.
package bitset

import (
	"iter"
	"math/bits"
)

const wordBits = 64

// Set holds a subset of the rows [0, Len). It costs one bit a row. The zero
// value is an empty set of no rows. It is not safe for concurrent use, save for
// readers among themselves.
type Set struct {
	words []uint64 // bits at and after n are zero
	n     int
}

// New returns an empty set over the rows [0, n).
func New(n int) *Set {
	s := &Set{}
	s.Reset(n)
	return s
}

// Reset makes s the empty set over the rows [0, n), keeping its memory.
func (s *Set) Reset(n int) {
	need := (n + wordBits - 1) / wordBits
	if cap(s.words) < need {
		s.words = make([]uint64, need)
	} else {
		s.words = s.words[:need]
		clear(s.words)
	}
	s.n = n
}

// Grow extends the set to the rows [0, n), the new ones being out of it. It does
// nothing if there are as many already.
func (s *Set) Grow(n int) {
	if n <= s.n {
		return
	}
	need := (n + wordBits - 1) / wordBits
	for len(s.words) < need {
		s.words = append(s.words, 0)
	}
	s.n = n
}

// Len returns the number of rows that the set is over.
func (s *Set) Len() int { return s.n }

// Set puts row i in. It panics unless 0 <= i < Len.
func (s *Set) Set(i int) {
	s.check(i)
	s.words[i/wordBits] |= 1 << (i % wordBits)
}

// Clear takes row i out. It panics unless 0 <= i < Len.
func (s *Set) Clear(i int) {
	s.check(i)
	s.words[i/wordBits] &^= 1 << (i % wordBits)
}

// Test reports whether row i is in. It panics unless 0 <= i < Len.
func (s *Set) Test(i int) bool {
	s.check(i)
	return s.words[i/wordBits]&(1<<(i%wordBits)) != 0
}

func (s *Set) check(i int) {
	if uint(i) >= uint(s.n) {
		panic("bitset: row out of range")
	}
}

// SetRange puts the rows [from, to) in. It panics unless 0 <= from <= to <= Len.
func (s *Set) SetRange(from, to int) {
	if from < 0 || from > to || to > s.n {
		panic("bitset: range out of range")
	}
	if from == to {
		return
	}
	first, last := from/wordBits, (to-1)/wordBits
	head := ^uint64(0) << (from % wordBits)
	tail := ^uint64(0) >> (wordBits - 1 - (to-1)%wordBits)
	if first == last {
		s.words[first] |= head & tail
		return
	}
	s.words[first] |= head
	for i := first + 1; i < last; i++ {
		s.words[i] = ^uint64(0)
	}
	s.words[last] |= tail
}

// SetAll puts every row in.
func (s *Set) SetAll() { s.SetRange(0, s.n) }

// And keeps the rows that are in o too. Both must have the same Len, as for all
// operations on two sets; they panic otherwise.
func (s *Set) And(o *Set) {
	s.match(o)
	for i, w := range o.words {
		s.words[i] &= w
	}
}

// Or adds the rows of o.
func (s *Set) Or(o *Set) {
	s.match(o)
	for i, w := range o.words {
		s.words[i] |= w
	}
}

// AndNot takes the rows of o out.
func (s *Set) AndNot(o *Set) {
	s.match(o)
	for i, w := range o.words {
		s.words[i] &^= w
	}
}

// Not puts in what was out and takes out what was in.
func (s *Set) Not() {
	for i := range s.words {
		s.words[i] = ^s.words[i]
	}
	if used := s.n % wordBits; used != 0 {
		s.words[len(s.words)-1] &= 1<<used - 1
	}
}

// CopyFrom makes s equal to o, length included.
func (s *Set) CopyFrom(o *Set) {
	s.words = append(s.words[:0], o.words...)
	s.n = o.n
}

func (s *Set) match(o *Set) {
	if s.n != o.n {
		panic("bitset: sets of different lengths")
	}
}

// Count returns the number of rows in the set.
func (s *Set) Count() int {
	n := 0
	for _, w := range s.words {
		n += bits.OnesCount64(w)
	}
	return n
}

// Any reports whether there is a row in the set.
func (s *Set) Any() bool {
	for _, w := range s.words {
		if w != 0 {
			return true
		}
	}
	return false
}

// NextSet returns the first row in the set at or after i, or -1. Rows after the
// last are allowed.
//
//	for i := s.NextSet(0); i >= 0; i = s.NextSet(i + 1) { … }
func (s *Set) NextSet(i int) int {
	if i < 0 {
		i = 0
	}
	if i >= s.n {
		return -1
	}
	at := i / wordBits
	w := s.words[at] &^ (1<<(i%wordBits) - 1)
	for w == 0 {
		at++
		if at == len(s.words) {
			return -1
		}
		w = s.words[at]
	}
	return at*wordBits + bits.TrailingZeros64(w)
}

// All yields the rows in the set, ascending.
func (s *Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for at, w := range s.words {
			for ; w != 0; w &= w - 1 {
				if !yield(at*wordBits + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// Words returns the bits, row 0 lowest in the first word; bits after the last
// row are zero. The slice belongs to the set: a caller that writes to it must
// keep that so.
func (s *Set) Words() []uint64 { return s.words }
