// SPDX-License-Identifier: Apache-2.0

package block

import (
	"encoding/binary"
	"math/bits"
)

// Times look random to a compressor: all that it can find is how long they are. Starts and durations are therefore kept
// in two columns, the number of bits of each value, which compresses, and the bits below the leading one, which do not
// and are packed without gaps.

// appendBits appends to lengths the number of bits (0 to 64) of each value and to packed the bits below the leading one.
func appendBits(lengths []uint64, packed []byte, vals []uint64) ([]uint64, []byte) {
	var acc uint64
	have := 0 // bits in acc, fewer than 64
	for _, v := range vals {
		n := bits.Len64(v)
		lengths = append(lengths, uint64(n))
		if n < 2 {
			continue
		}
		n--
		v &^= 1 << n
		acc |= v << have
		if have += n; have >= 64 {
			packed = binary.LittleEndian.AppendUint64(packed, acc)
			have -= 64
			acc = v >> (n - have) // a shift by 64 gives 0
		}
	}
	for ; have > 0; have -= 8 {
		packed = append(packed, byte(acc))
		acc >>= 8
	}
	return lengths, packed
}

// unpackBits replaces each length in vals by the value that it is the length of. With whole, packed must hold nothing
// else.
func unpackBits(vals []uint64, packed []byte, whole bool) error {
	total := 0
	for _, n := range vals {
		if n > 64 {
			return corrupt("a number of %d bits", n)
		}
		total += max(0, int(n)-1)
	}
	if total > 8*len(packed) || whole && (total+7)/8 != len(packed) {
		return corrupt("%d bits in %d bytes", total, len(packed))
	}
	at := 0
	for i, n := range vals {
		if n < 2 {
			continue // 0 and 1 are their own lengths
		}
		n--
		vals[i] = 1<<n | bitsAt(packed, at, int(n))
		at += int(n)
	}
	return nil
}

// bitsAt returns the n bits (1 to 63) at bit position at, all of which are in packed.
func bitsAt(packed []byte, at, n int) uint64 {
	first, shift := at>>3, at&7
	var v uint64
	if first+9 <= len(packed) {
		v = binary.LittleEndian.Uint64(packed[first:])>>shift | uint64(packed[first+8])<<1<<(63-shift)
	} else {
		for k := (at + n - 1) >> 3; k >= first; k-- {
			if d := 8*(k-first) - shift; d >= 0 {
				v |= uint64(packed[k]) << d
			} else {
				v |= uint64(packed[k]) >> -d
			}
		}
	}
	return v & (1<<n - 1)
}
