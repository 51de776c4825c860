// SPDX-License-Identifier: Apache-2.0

package span

import (
	"bytes"
	"hash/maphash"
	"unsafe"
)

// Code names a string of a [Strings]. Code 0 is always the empty string. Equal strings of one Strings have equal codes.
type Code = uint32

// Strings holds each distinct string of a batch once, in an arena, and hands out codes. Attribute keys and values,
// names, binary values and encoded composite values all stand here.
//
// Memory is about the bytes of the strings plus 20 bytes an entry. The zero value is ready for use. It is not safe for
// concurrent writers; any number may read while none writes.
type Strings struct {
	arena []byte
	offs  []uint32 // offs[c]..offs[c+1] is string c; empty or starting with 0, 0
	table []uint64 // open addressing, linear: hash<<32 | code; 0 is a free slot (code 0 is never in it)
}

// Len returns the number of codes, the empty string included. Codes are 0..Len()-1.
func (s *Strings) Len() int { return max(1, len(s.offs)-1) }

// Size returns the bytes that the strings take, without the index.
func (s *Strings) Size() int { return len(s.arena) }

// Mem returns the bytes of memory held, capacity included.
func (s *Strings) Mem() int { return cap(s.arena) + 4*cap(s.offs) + 8*cap(s.table) }

// Reset forgets all strings and keeps the memory. What [Strings.Bytes] and [Strings.String] returned before is invalid
// from here on.
func (s *Strings) Reset() {
	if n := len(s.table); n > 1<<12 && n > 32*len(s.offs) {
		// One batch of very many strings would make every later Reset clear their index.
		s.table = make([]uint64, n/4)
	} else {
		clear(s.table)
	}
	s.arena = s.arena[:0]
	s.offs = s.offs[:0]
}

// Bytes returns string c. It aliases the arena: read only, valid until Reset.
func (s *Strings) Bytes(c Code) []byte {
	if c == 0 {
		return nil
	}
	lo, hi := s.offs[c], s.offs[c+1]
	return s.arena[lo:hi:hi]
}

// String returns string c. It aliases the arena: valid until Reset; clone it (strings.Clone) to keep it for longer.
func (s *Strings) String(c Code) string {
	b := s.Bytes(c)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Intern returns the code of v and copies v into the arena if it is new.
func (s *Strings) Intern(v []byte) Code {
	return s.InternString(unsafe.String(unsafe.SliceData(v), len(v)))
}

// InternString returns the code of v and copies v into the arena if it is new. It panics past 4 GiB of strings, which
// the limits on requests and row groups keep far away.
func (s *Strings) InternString(v string) Code {
	if len(v) == 0 {
		return 0
	}
	if 4*len(s.offs) >= 3*len(s.table) {
		s.grow()
	}
	h := hashString(v)
	mask := uint32(len(s.table) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		e := s.table[i]
		if e == 0 {
			c := s.add(v)
			s.table[i] = uint64(h)<<32 | uint64(c)
			return c
		}
		if uint32(e>>32) == h && s.String(Code(e)) == v {
			return Code(e)
		}
	}
}

// Lookup returns the code of v, and false if v is not there.
func (s *Strings) Lookup(v string) (Code, bool) {
	if len(v) == 0 {
		return 0, true
	}
	if len(s.table) == 0 {
		return 0, false
	}
	h := hashString(v)
	mask := uint32(len(s.table) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		e := s.table[i]
		if e == 0 {
			return 0, false
		}
		if uint32(e>>32) == h && s.String(Code(e)) == v {
			return Code(e), true
		}
	}
}

// seed makes hashes differ from process to process, so that no sender can choose strings that all meet in one slot. The
// order of codes does not depend on it. Read-only.
var seed = maphash.MakeSeed()

// hashString folds the 64-bit hash so that both halves decide; zero is fine, since codes in the table are never zero.
func hashString(v string) uint32 {
	h := maphash.String(seed, v)
	return uint32(h) ^ uint32(h>>32)
}

func (s *Strings) add(v string) Code {
	if len(s.offs) == 0 {
		s.offs = append(s.offs, 0, 0)
	}
	end := uint64(len(s.arena)) + uint64(len(v))
	if end > 1<<32-1 {
		panic("span: more than 4 GiB of strings in one batch")
	}
	s.arena = append(s.arena, v...)
	s.offs = append(s.offs, uint32(end))
	return Code(len(s.offs) - 2)
}

func (s *Strings) grow() {
	old := s.table
	s.table = make([]uint64, max(64, 2*len(old)))
	mask := uint32(len(s.table) - 1)
	for _, e := range old {
		if e == 0 {
			continue
		}
		i := uint32(e>>32) & mask
		for s.table[i] != 0 {
			i = (i + 1) & mask
		}
		s.table[i] = e
	}
}

// Clone returns an independent copy without spare capacity.
func (s *Strings) Clone() Strings {
	return Strings{arena: bytes.Clone(s.arena), offs: append([]uint32(nil), s.offs...), table: append([]uint64(nil), s.table...)}
}
