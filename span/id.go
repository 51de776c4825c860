// SPDX-License-Identifier: Apache-2.0

package span

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// TraceID is a 16-byte trace id in network order, as W3C Trace Context and OTLP carry it. 64-bit ids (Datadog, B3) stand
// in the low eight bytes with the high ones zero.
type TraceID [16]byte

// SpanID is an 8-byte span id in network order. The zero id means "none": a span without a parent.
type SpanID [8]byte

// ErrID is the class of errors for ids that cannot be parsed.
var ErrID = errors.New("invalid id")

// Key returns the low 64 bits, on which locality and the trace index work, so that the 64- and the 128-bit form of one
// trace meet.
func (id TraceID) Key() uint64 { return binary.BigEndian.Uint64(id[8:]) }

// High returns the high 64 bits; zero for a 64-bit id.
func (id TraceID) High() uint64 { return binary.BigEndian.Uint64(id[:8]) }

// IsZero reports whether every byte is zero, which no valid trace id is.
func (id TraceID) IsZero() bool { return id == TraceID{} }

// SameTrace reports whether two ids name one trace: equal, or equal in the low 64 bits where one of them is a 64-bit id.
func (id TraceID) SameTrace(other TraceID) bool {
	if id.Key() != other.Key() {
		return false
	}
	h, o := id.High(), other.High()
	return h == o || h == 0 || o == 0
}

// String returns 32 lower-case hex digits.
func (id TraceID) String() string { return hex.EncodeToString(id[:]) }

// AppendHex appends the 32 lower-case hex digits of id to dst.
func (id TraceID) AppendHex(dst []byte) []byte { return hex.AppendEncode(dst, id[:]) }

// IsZero reports whether the id is the zero id, "none".
func (id SpanID) IsZero() bool { return id == SpanID{} }

// Uint64 returns the id as a big-endian number, the order ids sort in.
func (id SpanID) Uint64() uint64 { return binary.BigEndian.Uint64(id[:]) }

// String returns 16 lower-case hex digits.
func (id SpanID) String() string { return hex.EncodeToString(id[:]) }

// AppendHex appends the 16 lower-case hex digits of id to dst.
func (id SpanID) AppendHex(dst []byte) []byte { return hex.AppendEncode(dst, id[:]) }

// SpanIDFrom returns the id whose big-endian value is v.
func SpanIDFrom(v uint64) (id SpanID) {
	binary.BigEndian.PutUint64(id[:], v)
	return id
}

// TraceIDFrom returns the id of the two big-endian halves.
func TraceIDFrom(high, low uint64) (id TraceID) {
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
	return id
}

// ParseTraceID reads 1 to 32 hex digits of either case; shorter ids are padded on the left, as every query API here
// accepts them. The error is of class [ErrID].
func ParseTraceID(s string) (TraceID, error) {
	var id TraceID
	if err := parseHex(id[:], s); err != nil {
		return TraceID{}, fmt.Errorf("trace id %q: %w", clip(s), err)
	}
	return id, nil
}

// ParseSpanID reads 1 to 16 hex digits of either case, padded on the left. The error is of class [ErrID].
func ParseSpanID(s string) (SpanID, error) {
	var id SpanID
	if err := parseHex(id[:], s); err != nil {
		return SpanID{}, fmt.Errorf("span id %q: %w", clip(s), err)
	}
	return id, nil
}

func parseHex(dst []byte, s string) error {
	if len(s) == 0 || len(s) > 2*len(dst) {
		return fmt.Errorf("%w: want 1 to %d hex digits, have %d characters", ErrID, 2*len(dst), len(s))
	}
	pos := 2*len(dst) - len(s)
	for i := range len(s) {
		var d byte
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			d = c - '0'
		case c >= 'a' && c <= 'f':
			d = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			d = c - 'A' + 10
		default:
			return fmt.Errorf("%w: %q is not a hex digit", ErrID, c)
		}
		dst[(pos+i)/2] |= d << (4 * (1 - (pos+i)%2))
	}
	return nil
}

// clip bounds what an error repeats of hostile input.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
