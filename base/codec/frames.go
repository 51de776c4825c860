// SPDX-License-Identifier: Apache-2.0

package codec

import "math/bits"

// FrameLen is the number of values in a frame but the last. 128 keeps the two or
// more bytes of a frame's header under 2 % of a column of 8-bit values, and what
// one outlier costs under 1 KiB. The encoding depends on it: another length is
// another encoding.
const FrameLen = 128

// AppendFrames appends frames of values packed relative to their minimum.
func AppendFrames[T Unsigned](dst []byte, vals []T) []byte {
	for len(vals) > 0 {
		frame := vals[:min(FrameLen, len(vals))]
		vals = vals[len(frame):]
		base, width := frameShape(frame)
		dst = AppendUvarint(dst, base)
		dst = append(dst, byte(width))
		dst = appendPacked(dst, frame, base, width)
	}
	return dst
}

// frameShape returns the minimum of a frame and the bits of its widest value
// above that.
func frameShape[T Unsigned](frame []T) (base uint64, width int) {
	lo, hi := frame[0], frame[0]
	for _, v := range frame {
		lo, hi = min(lo, v), max(hi, v)
	}
	return uint64(lo), bits.Len64(uint64(hi) - uint64(lo))
}

// Frames reads len(dst) values written by [AppendFrames].
func Frames[T Unsigned](dst []T, src []byte) (rest []byte, err error) {
	for i := 0; i < len(dst); i += FrameLen {
		base, n := uvarint(src)
		if n == 0 || n == len(src) {
			return src, corrupt("frames", i)
		}
		width := int(src[n])
		src, err = unpack(dst[i:min(i+FrameLen, len(dst))], src[n+1:], base, width, "frames")
		if err != nil {
			return src, err
		}
	}
	return src, nil
}

// AppendDeltaFrames appends the first value and frames of the distances between
// neighbours. It suits values that grow by about the same step.
func AppendDeltaFrames[T Unsigned](dst []byte, vals []T) []byte {
	if len(vals) == 0 {
		return dst
	}
	dst = AppendUvarint(dst, uint64(vals[0]))
	var frame [FrameLen]uint64
	for i := 1; i < len(vals); {
		n := deltaFrame(&frame, vals, i)
		dst = AppendFrames(dst, frame[:n])
		i += n
	}
	return dst
}

// deltaFrame fills frame with the distances of vals[i:] to their predecessors
// and returns how many there are.
func deltaFrame[T Unsigned](frame *[FrameLen]uint64, vals []T, i int) int {
	n := min(FrameLen, len(vals)-i)
	for k := range n {
		frame[k] = Zigzag(int64(uint64(vals[i+k]) - uint64(vals[i+k-1])))
	}
	return n
}

// DeltaFrames reads len(dst) values written by [AppendDeltaFrames].
func DeltaFrames[T Unsigned](dst []T, src []byte) (rest []byte, err error) {
	if len(dst) == 0 {
		return src, nil
	}
	prev, n := uvarint(src)
	if n == 0 || uint64(T(prev)) != prev {
		return src, corrupt("delta frames", 0)
	}
	dst[0] = T(prev)
	src = src[n:]
	var frame [FrameLen]uint64
	for i := 1; i < len(dst); {
		deltas := frame[:min(FrameLen, len(dst)-i)]
		if src, err = Frames(deltas, src); err != nil {
			return src, corrupt("delta frames", i)
		}
		for _, d := range deltas {
			prev += uint64(Unzigzag(d))
			if uint64(T(prev)) != prev {
				return src, corrupt("delta frames", i)
			}
			dst[i] = T(prev)
			i++
		}
	}
	return src, nil
}
