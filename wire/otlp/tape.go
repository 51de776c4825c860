// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/clew-tracing/clew/span"
)

// tape builds the encoding of nested values ([span.Value.AppendTo]) while their parts come in, in time linear in their
// size however deep they are nested. The encoding begins each array and map with its count, which is known only at its
// end; so buf leaves the counts out, counts says where they belong, and encode puts them in.
type tape struct {
	buf    []byte
	counts []tapeCount
	out    []byte
}

type tapeCount struct{ pos, n int }

// tapeMark is a place to which a tape can be cut back.
type tapeMark struct{ buf, counts int }

func (t *tape) reset() { t.buf, t.counts = t.buf[:0], t.counts[:0] }

func (t *tape) mark() tapeMark { return tapeMark{len(t.buf), len(t.counts)} }

func (t *tape) cut(m tapeMark) { t.buf, t.counts = t.buf[:m.buf], t.counts[:m.counts] }

// container begins an array or map at m, or goes on with the one that stands there, as merging wants it. It returns the
// index of its count, to be increased for every element.
func (t *tape) container(m tapeMark, typ span.Type) int {
	if len(t.buf) == m.buf || span.Type(t.buf[m.buf]) != typ {
		t.cut(m)
		t.buf = append(t.buf, byte(typ))
		t.counts = append(t.counts, tapeCount{pos: len(t.buf)})
	}
	return m.counts
}

// bytes replaces the value at m by a string or bytes value.
func (t *tape) bytes(m tapeMark, typ span.Type, v []byte) {
	t.cut(m)
	t.buf = binary.AppendUvarint(append(t.buf, byte(typ)), uint64(len(v)))
	t.buf = append(t.buf, v...)
}

// number replaces the value at m by a bool, int or double, given as it stands in a batch's Val column.
func (t *tape) number(m tapeMark, typ span.Type, num uint64) {
	t.cut(m)
	t.buf = span.Value{Type: typ, Num: num}.AppendTo(t.buf)
}

// empty replaces the value at m by an empty one.
func (t *tape) empty(m tapeMark) {
	t.cut(m)
	t.buf = append(t.buf, byte(span.TypeEmpty))
}

// done makes sure that a value stands at m.
func (t *tape) done(m tapeMark) {
	if len(t.buf) == m.buf {
		t.buf = append(t.buf, byte(span.TypeEmpty))
	}
}

// encode returns the value at m, which is the last one, with counts, and the type byte taken off; then it cuts the
// tape back. The result is valid until the next call.
func (t *tape) encode(m tapeMark) (typ span.Type, payload []byte) {
	typ = span.Type(t.buf[m.buf])
	out := t.out[:0]
	prev := m.buf + 1
	for _, c := range t.counts[m.counts:] {
		out = append(out, t.buf[prev:c.pos]...)
		out = binary.AppendUvarint(out, uint64(c.n))
		prev = c.pos
	}
	out = append(out, t.buf[prev:]...)
	t.out = out
	t.cut(m)
	return typ, out
}

// addTo takes the value at m from the tape and adds it to a under key.
func (d *Decoder) addFromTape(a *span.Attrs, key span.Code, m tapeMark) {
	if len(d.tape.buf) == m.buf {
		a.Add(key, span.TypeEmpty, 0)
		return
	}
	typ, p := d.tape.encode(m)
	switch typ {
	case span.TypeString, span.TypeBytes:
		n, w := binary.Uvarint(p)
		a.Add(key, typ, uint64(d.b.Strings.Intern(p[w:w+int(n)])))
	case span.TypeBool:
		a.Add(key, typ, uint64(p[0]))
	case span.TypeInt:
		v, _ := binary.Varint(p)
		a.Add(key, typ, uint64(v))
	case span.TypeDouble:
		a.Add(key, typ, binary.LittleEndian.Uint64(p))
	case span.TypeArray, span.TypeMap:
		a.Add(key, typ, uint64(d.b.Strings.Intern(p)))
	default:
		a.Add(key, span.TypeEmpty, 0)
	}
}

// tapeString replaces the value at m by a string, repaired if need be.
func (d *Decoder) tapeString(m tapeMark, v []byte) {
	d.tape.bytes(m, span.TypeString, d.valid(v))
}

// tapeKey appends the key of a map entry.
func (d *Decoder) tapeKey(key []byte) {
	key = d.valid(key)
	d.tape.buf = slices.Grow(d.tape.buf, len(key)+binary.MaxVarintLen64)
	d.tape.buf = append(binary.AppendUvarint(d.tape.buf, uint64(len(key))), key...)
}

func boolBits(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

func doubleBits(v float64) uint64 { return math.Float64bits(v) }
