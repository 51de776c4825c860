// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"math"
	"math/rand/v2"

	"google.golang.org/protobuf/encoding/protowire"
)

// scribe writes random requests on the wire level: fields in any order, messages in several pieces, scalars twice,
// unknown fields and groups, known numbers with other wire types, strings that are not UTF-8, ids of any length.
// Everything it writes is well-formed protobuf.
type scribe struct{ *rand.Rand }

func newScribe(seed uint64) scribe { return scribe{rand.New(rand.NewPCG(seed, 0x071b))} }

// part is one field, encoded.
type part []byte

func (s scribe) message(parts ...part) []byte {
	if s.IntN(3) == 0 {
		s.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	}
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
		if s.IntN(40) == 0 {
			b = append(b, s.unknown()...)
		}
	}
	return b
}

func (s scribe) unknown() part {
	num := protowire.Number(s.IntN(200) + 17)
	if s.IntN(3) == 0 { // perhaps a number that is known, but not with this type
		num = protowire.Number(s.IntN(16) + 1)
		b := protowire.AppendTag(nil, num, protowire.StartGroupType)
		b = append(b, s.number(3)...)
		return protowire.AppendTag(b, num, protowire.EndGroupType)
	}
	switch s.IntN(4) {
	case 0:
		return s.bytes(num, s.text())
	case 1:
		return s.number(num)
	case 2:
		return protowire.AppendFixed32(protowire.AppendTag(nil, num, protowire.Fixed32Type), s.Uint32())
	default:
		return s.fixed64(num, s.Uint64())
	}
}

func (s scribe) bytes(num protowire.Number, v []byte) part {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), v)
}

func (s scribe) number(num protowire.Number) part {
	v := s.Uint64() >> s.IntN(64)
	if s.IntN(3) == 0 {
		v = uint64(s.IntN(7))
	}
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
}

func (s scribe) fixed64(num protowire.Number, v uint64) part {
	return protowire.AppendFixed64(protowire.AppendTag(nil, num, protowire.Fixed64Type), v)
}

// some returns 0 to n parts.
func (s scribe) some(n int, f func() part) []part {
	var ps []part
	for range s.IntN(n + 1) {
		ps = append(ps, f())
	}
	return ps
}

var scribeTexts = []string{
	"", "GET", "http.route", "service.name", "SELECT * FROM orders WHERE id = ?", "a\x00b", "🛒 checkout", "\xff\xfe", "abc\x80\x80d", "\xed\xa0\x80",
	"a long text that needs a length of two bytes on the wire, for it has well over one hundred and twenty-seven bytes, which is the most that one holds",
}

func (s scribe) text() []byte {
	if s.IntN(8) == 0 {
		b := make([]byte, s.IntN(20))
		for i := range b {
			b[i] = byte(s.Uint32())
		}
		return b
	}
	return []byte(scribeTexts[s.IntN(len(scribeTexts))])
}

func (s scribe) id(n int) []byte {
	switch s.IntN(12) {
	case 0:
		n = s.IntN(2 * n)
	case 1:
		return make([]byte, n)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.Uint32())
	}
	return b
}

func (s scribe) time() uint64 {
	switch s.IntN(8) {
	case 0:
		return 0
	case 1:
		return s.Uint64()
	}
	return 1_700_000_000e9 + s.Uint64N(60e9)
}

func (s scribe) value(depth int) []byte {
	var parts []part
	for range 1 + s.IntN(8)/7*s.IntN(4) { // mostly one
		parts = append(parts, s.valueCase(depth))
	}
	if s.IntN(20) == 0 {
		return nil
	}
	return s.message(parts...)
}

func (s scribe) valueCase(depth int) part {
	n := 8
	if depth > 0 {
		n = 12
	}
	switch s.IntN(n) {
	case 0, 1, 2:
		return s.bytes(1, s.text())
	case 3:
		return s.number(2)
	case 4:
		return s.number(3)
	case 5:
		return s.fixed64(4, [...]uint64{math.Float64bits(1.5), 0, 1 << 63, math.Float64bits(math.Inf(1)), s.Uint64() &^ (0x7ff << 52)}[s.IntN(5)])
	case 6:
		return s.bytes(7, s.text())
	case 7:
		return s.number(8)
	case 8, 9:
		return s.bytes(5, s.message(s.some(4, func() part { return s.bytes(1, s.value(depth-1)) })...))
	default:
		return s.bytes(6, s.message(s.some(4, func() part { return s.bytes(1, s.keyValue(depth-1)) })...))
	}
}

func (s scribe) keyValue(depth int) []byte {
	parts := []part{s.bytes(1, s.text())}
	for range 1 + s.IntN(10)/9*s.IntN(3) {
		parts = append(parts, s.bytes(2, s.value(depth)))
	}
	return s.message(parts...)
}

func (s scribe) attributes(num protowire.Number, n int) []part {
	return s.some(n, func() part { return s.bytes(num, s.keyValue(4)) })
}

func (s scribe) span() []byte {
	parts := []part{
		s.bytes(1, s.id(16)), s.bytes(2, s.id(8)), s.bytes(3, s.text()), s.bytes(5, s.text()), s.number(6),
		s.fixed64(7, s.time()), s.fixed64(8, s.time()), s.number(10), s.number(12), s.number(14),
		protowire.AppendFixed32(protowire.AppendTag(nil, 16, protowire.Fixed32Type), s.Uint32()),
	}
	parts = append(parts, s.some(1, func() part { return s.bytes(4, s.id(8)) })...)
	parts = append(parts, s.attributes(9, 5)...)
	parts = append(parts, s.some(2, func() part {
		return s.bytes(11, s.message(append(s.attributes(3, 3), s.fixed64(1, s.time()), s.bytes(2, s.text()), s.number(4))...))
	})...)
	parts = append(parts, s.some(2, func() part {
		return s.bytes(13, s.message(append(s.attributes(4, 3), s.bytes(1, s.id(16)), s.bytes(2, s.id(8)), s.bytes(3, s.text()), s.number(5),
			protowire.AppendFixed32(protowire.AppendTag(nil, 6, protowire.Fixed32Type), s.Uint32()))...))
	})...)
	parts = append(parts, s.some(2, func() part { return s.bytes(15, s.message(s.bytes(2, s.text()), s.number(3))) })...)
	if s.IntN(20) == 0 {
		parts = append(parts, parts...)
	}
	return s.message(parts...)
}

func (s scribe) entity() []byte {
	parts := []part{s.bytes(1, s.text()), s.bytes(2, s.text())}
	parts = append(parts, s.some(2, func() part { return s.bytes(3, s.text()) })...)
	return s.message(append(parts, s.some(2, func() part { return s.bytes(4, s.text()) })...)...)
}

func (s scribe) scopeSpans() []byte {
	parts := s.some(2, func() part {
		return s.bytes(1, s.message(append(s.attributes(3, 2), s.bytes(1, s.text()), s.bytes(2, s.text()), s.number(4))...))
	})
	parts = append(parts, s.some(4, func() part { return s.bytes(2, s.span()) })...)
	return s.message(append(parts, s.some(1, func() part { return s.bytes(3, s.text()) })...)...)
}

func (s scribe) request() []byte {
	return s.message(s.some(3, func() part {
		parts := s.some(2, func() part {
			resource := append(s.attributes(1, 4), s.some(2, func() part { return s.bytes(3, s.entity()) })...)
			return s.bytes(1, s.message(append(resource, s.number(2))...))
		})
		parts = append(parts, s.some(3, func() part { return s.bytes(2, s.scopeSpans()) })...)
		return s.bytes(1, s.message(append(parts, s.some(1, func() part { return s.bytes(3, s.text()) })...)...))
	})...)
}

// spoil changes a few bytes, so that the request may be malformed.
func (s scribe) spoil(data []byte) []byte {
	data = append([]byte(nil), data...)
	if len(data) == 0 {
		return []byte{byte(s.Uint32())}
	}
	for range 1 + s.IntN(3) {
		switch s.IntN(3) {
		case 0:
			data[s.IntN(len(data))] = byte(s.Uint32())
		case 1:
			data[s.IntN(len(data))] ^= 1 << s.IntN(8)
		case 2:
			data = data[:1+s.IntN(len(data))]
		}
	}
	return data
}
