// SPDX-License-Identifier: Apache-2.0

package codec

import "fmt"

// Encoding is the first byte of a column written by [AppendColumn]. The numbers
// are on disk: they are never reused.
type Encoding byte

// The encodings that a column can have.
const (
	EncodingVarints     Encoding = 1
	EncodingDeltas      Encoding = 2
	EncodingRuns        Encoding = 3
	EncodingFrames      Encoding = 4
	EncodingDeltaFrames Encoding = 5
)

// String returns the name that the package comment uses.
func (e Encoding) String() string {
	switch e {
	case EncodingVarints:
		return "varints"
	case EncodingDeltas:
		return "deltas"
	case EncodingRuns:
		return "runs"
	case EncodingFrames:
		return "frames"
	case EncodingDeltaFrames:
		return "delta frames"
	}
	return fmt.Sprintf("encoding %d", byte(e))
}

// AppendColumn appends vals in the encoding that takes the fewest bytes, after
// one byte that names it. Among equals it takes the one that decodes fastest.
func AppendColumn[T Unsigned](dst []byte, vals []T) []byte {
	e := Smallest(vals)
	dst = append(dst, byte(e))
	switch e {
	case EncodingRuns:
		return AppendRuns(dst, vals)
	case EncodingFrames:
		return AppendFrames(dst, vals)
	case EncodingDeltaFrames:
		return AppendDeltaFrames(dst, vals)
	case EncodingDeltas:
		return AppendDeltas(dst, vals)
	default:
		return AppendVarints(dst, vals)
	}
}

// Column reads len(dst) values written by [AppendColumn].
func Column[T Unsigned](dst []T, src []byte) (rest []byte, err error) {
	if len(src) == 0 {
		return src, corrupt("column", 0)
	}
	switch e := Encoding(src[0]); e {
	case EncodingVarints:
		return Varints(dst, src[1:])
	case EncodingDeltas:
		return Deltas(dst, src[1:])
	case EncodingRuns:
		return Runs(dst, src[1:])
	case EncodingFrames:
		return Frames(dst, src[1:])
	case EncodingDeltaFrames:
		return DeltaFrames(dst, src[1:])
	default:
		return src, fmt.Errorf("decode column: unknown %v: %w", e, ErrCorrupt)
	}
}

// Smallest returns the encoding that takes the fewest bytes for vals. It reads
// them twice and writes nothing.
func Smallest[T Unsigned](vals []T) Encoding {
	if len(vals) == 0 {
		return EncodingRuns
	}
	var varints, deltas, runs, frames, deltaFrames int
	prev := uint64(0)
	for i, val := range vals {
		v := uint64(val)
		varints += uvarintLen(v)
		deltas += uvarintLen(Zigzag(int64(v - prev)))
		if i == 0 || v != prev {
			runs += uvarintLen(v) + 1 // a long run's length takes more, and is worth it
		}
		prev = v
	}
	for i := 0; i < len(vals); i += FrameLen {
		frames += frameSize(vals[i:min(i+FrameLen, len(vals))])
	}
	deltaFrames = uvarintLen(uint64(vals[0]))
	var frame [FrameLen]uint64
	for i := 1; i < len(vals); {
		n := deltaFrame(&frame, vals, i)
		deltaFrames += frameSize(frame[:n])
		i += n
	}
	best, size := EncodingRuns, runs
	for _, c := range [...]struct {
		e    Encoding
		size int
	}{
		{EncodingFrames, frames}, {EncodingDeltaFrames, deltaFrames}, {EncodingVarints, varints}, {EncodingDeltas, deltas},
	} {
		if c.size < size {
			best, size = c.e, c.size
		}
	}
	return best
}

func frameSize[T Unsigned](frame []T) int {
	base, width := frameShape(frame)
	return uvarintLen(base) + 1 + PackedLen(len(frame), width)
}
