// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"math/bits"
)

// Width returns the bits that the largest of vals needs, 0–64.
func Width[T Unsigned](vals []T) int {
	var all uint64
	for _, v := range vals {
		all |= uint64(v)
	}
	return bits.Len64(all)
}

// PackedLen returns the bytes that n values of width bits take.
func PackedLen(n, width int) int {
	// n may be anything that fits a column; n·64 does not overflow an int.
	return (n*width + 7) / 8
}

// AppendPacked appends the low width bits (0–64) of each value. Bits above them
// must be zero: they would spill into the neighbour.
func AppendPacked[T Unsigned](dst []byte, vals []T, width int) []byte {
	return appendPacked(dst, vals, 0, width)
}

// appendPacked packs value − base.
func appendPacked[T Unsigned](dst []byte, vals []T, base uint64, width int) []byte {
	if width == 0 {
		return dst
	}
	var acc uint64 // bits not yet written, low first
	have := 0      // number of them, < 64 between values
	for _, val := range vals {
		v := uint64(val) - base
		acc |= v << have
		have += width
		if have >= 64 {
			dst = binary.LittleEndian.AppendUint64(dst, acc)
			have -= 64
			acc = v >> (width - have) // a shift by 64 gives 0
		}
	}
	for ; have > 0; have -= 8 {
		dst = append(dst, byte(acc))
		acc >>= 8
	}
	return dst
}

// Packed reads len(dst) values of width bits written by [AppendPacked]. The
// padding bits of the last byte are not looked at.
func Packed[T Unsigned](dst []T, src []byte, width int) (rest []byte, err error) {
	return unpack(dst, src, 0, width, "packed")
}

// unpack reads values of width bits and adds base to each.
func unpack[T Unsigned](dst []T, src []byte, base uint64, width int, what string) (rest []byte, err error) {
	if width < 0 || width > 64 {
		return src, corrupt(what, 0)
	}
	if len(dst) > len(src)*8/max(width, 1) && width > 0 {
		return src, corrupt(what, len(src)*8/width)
	}
	// Whether base + value can leave T is decided once for the widest value.
	mask := ^uint64(0) >> (64 - width) // a shift by 64 gives 0
	top, carry := bits.Add64(base, mask, 0)
	exact := carry == 0 && uint64(T(top)) == top
	i := 0
	if width <= 56 && width > 0 && exact {
		// A value of up to 56 bits lies within 8 bytes wherever it begins.
		for ; i < len(dst); i++ {
			bit := i * width
			at := bit >> 3
			if at+8 > len(src) {
				break
			}
			dst[i] = T(base + binary.LittleEndian.Uint64(src[at:])>>(bit&7)&mask)
		}
	}
	for ; i < len(dst); i++ {
		v, carry := bits.Add64(base, packedAt(src, width, i)&mask, 0)
		if carry != 0 || uint64(T(v)) != v {
			return src, corrupt(what, i)
		}
		dst[i] = T(v)
	}
	return src[PackedLen(len(dst), width):], nil
}

// PackedAt returns value i of a packed column without reading the others. It
// panics if src is too short, so the caller checks len(src) against [PackedLen]
// once.
func PackedAt(src []byte, width, i int) uint64 {
	return packedAt(src, width, i) & (^uint64(0) >> (64 - width))
}

// packedAt returns value i with garbage above its width.
func packedAt(src []byte, width, i int) uint64 {
	if width == 0 {
		return 0
	}
	bit := i * width
	at, shift := bit>>3, bit&7
	end := (bit + width + 7) >> 3
	if at+8 <= len(src) {
		v := binary.LittleEndian.Uint64(src[at:]) >> shift
		if end > at+8 {
			v |= uint64(src[at+8]) << (64 - shift)
		}
		return v
	}
	var v uint64
	for k := at; k < end; k++ {
		v |= uint64(src[k]) << (8 * (k - at)) >> shift
	}
	// In the last 8 bytes a value spans at most 8 of them, so no bit is lost by
	// shifting each byte on its own but those below the value in its first byte.
	return v
}
