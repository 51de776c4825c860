// SPDX-License-Identifier: Apache-2.0

// Package codec turns columns of integers into few bytes and back.
//
// # Encodings
//
// Every encoding is of a column of known length: the number of values is not in
// the bytes, because a column chunk's header has it already.
//
//	uvarint     base 128, 7 bits a byte, low bits first, high bit = more follows;
//	            at most 10 bytes a value
//	zigzag      signed to unsigned: 0, -1, 1, -2 … become 0, 1, 2, 3 …
//	varints     uvarint a value
//	deltas      uvarint of the zigzag of the distance to the value before (the
//	            first: to 0), modulo 2^64: any values round-trip, sorted ones small
//	runs        (uvarint value, uvarint length of run − 1) a run
//	packed      w bits a value, w fixed and known, low bits first, without gaps:
//	            ⌈n·w/8⌉ bytes
//	frames      frames of up to 128 values: uvarint minimum, one byte width w
//	            (0–64), then value − minimum packed in w bits. One outlier costs
//	            its own frame only
//	delta frames  uvarint of the first value, then frames of the zigzagged
//	            distances between neighbours
//	column      one byte that names one of the above (see [Encoding]), then that
//	            one: [AppendColumn] takes the smallest
//
// # Hostile input
//
// A decoder fills a slice that the caller has made, so no input can make it
// allocate. It reads only within src, returns what is left of it, and says
// [ErrCorrupt] for input that is short or holds a value that the column's type
// cannot. It never panics. On an error the contents of dst are unspecified.
package codec

import (
	"errors"
	"fmt"
)

// ErrCorrupt is the class of every decoding error.
var ErrCorrupt = errors.New("corrupt data")

// Unsigned are the types that a column can have.
type Unsigned interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64
}

func corrupt(what string, row int) error {
	return fmt.Errorf("decode %s: value %d: %w", what, row, ErrCorrupt)
}

// Zigzag maps signed to unsigned numbers so that those near 0 stay near 0.
func Zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }

// Unzigzag is the inverse of [Zigzag].
func Unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// AppendUvarint appends v in base 128.
func AppendUvarint(dst []byte, v uint64) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// Uvarint reads one number and returns what follows it.
func Uvarint(src []byte) (v uint64, rest []byte, err error) {
	v, n := uvarint(src)
	if n == 0 {
		return 0, src, corrupt("uvarint", 0)
	}
	return v, src[n:], nil
}

// uvarint returns the number at the head of src and its length, 0 if it is cut
// off or more than 64 bits long.
func uvarint(src []byte) (v uint64, n int) {
	if len(src) > 0 && src[0] < 0x80 {
		return uint64(src[0]), 1
	}
	for n, b := range src {
		if n == 9 && b > 1 {
			return 0, 0
		}
		v |= uint64(b&0x7f) << (7 * n)
		if b < 0x80 {
			return v, n + 1
		}
		if n == 9 {
			return 0, 0
		}
	}
	return 0, 0
}

// uvarintLen is the length that AppendUvarint gives v.
func uvarintLen(v uint64) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}

// AppendVarint appends a signed number: the uvarint of its zigzag.
func AppendVarint(dst []byte, v int64) []byte { return AppendUvarint(dst, Zigzag(v)) }

// Varint reads one signed number and returns what follows it.
func Varint(src []byte) (v int64, rest []byte, err error) {
	u, rest, err := Uvarint(src)
	return Unzigzag(u), rest, err
}

// AppendVarints appends each value as a uvarint.
func AppendVarints[T Unsigned](dst []byte, vals []T) []byte {
	for _, v := range vals {
		dst = AppendUvarint(dst, uint64(v))
	}
	return dst
}

// Varints reads len(dst) values written by [AppendVarints].
func Varints[T Unsigned](dst []T, src []byte) (rest []byte, err error) {
	for i := range dst {
		v, n := uvarint(src)
		if n == 0 || uint64(T(v)) != v {
			return src, corrupt("varints", i)
		}
		dst[i] = T(v)
		src = src[n:]
	}
	return src, nil
}

// AppendDeltas appends the distance of each value to the one before.
func AppendDeltas[T Unsigned](dst []byte, vals []T) []byte {
	prev := uint64(0)
	for _, v := range vals {
		dst = AppendUvarint(dst, Zigzag(int64(uint64(v)-prev)))
		prev = uint64(v)
	}
	return dst
}

// Deltas reads len(dst) values written by [AppendDeltas].
func Deltas[T Unsigned](dst []T, src []byte) (rest []byte, err error) {
	prev := uint64(0)
	for i := range dst {
		u, n := uvarint(src)
		if n == 0 {
			return src, corrupt("deltas", i)
		}
		prev += uint64(Unzigzag(u))
		if uint64(T(prev)) != prev {
			return src, corrupt("deltas", i)
		}
		dst[i] = T(prev)
		src = src[n:]
	}
	return src, nil
}

// AppendRuns appends each run of equal values as value and length.
func AppendRuns[T Unsigned](dst []byte, vals []T) []byte {
	for i := 0; i < len(vals); {
		end := i + 1
		for end < len(vals) && vals[end] == vals[i] {
			end++
		}
		dst = AppendUvarint(dst, uint64(vals[i]))
		dst = AppendUvarint(dst, uint64(end-i-1))
		i = end
	}
	return dst
}

// Runs reads len(dst) values written by [AppendRuns].
func Runs[T Unsigned](dst []T, src []byte) (rest []byte, err error) {
	for i := 0; i < len(dst); {
		v, n := uvarint(src)
		if n == 0 || uint64(T(v)) != v {
			return src, corrupt("runs", i)
		}
		src = src[n:]
		more, n := uvarint(src)
		if n == 0 || more >= uint64(len(dst)-i) {
			return src, corrupt("runs", i)
		}
		src = src[n:]
		run := dst[i : i+int(more)+1]
		for j := range run {
			run[j] = T(v)
		}
		i += len(run)
	}
	return src, nil
}
