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
// end, and each map entry with its key, which JSON may give after the value. So buf leaves these out, late says what
// belongs where, and encode puts it in.
type tape struct {
	buf  []byte
	late []tapeLate
	keys []byte // the late keys
	out  []byte
}

// tapeLate is what belongs at buf[pos]: the count n, or the key keys[lo:hi].
type tapeLate struct {
	pos, n int
	lo, hi int
	key    bool
}

// tapeMark is a place to which a tape can be cut back.
type tapeMark struct{ buf, late int }

func (t *tape) reset() { t.cut(tapeMark{}) }

func (t *tape) mark() tapeMark { return tapeMark{len(t.buf), len(t.late)} }

func (t *tape) cut(m tapeMark) {
	t.buf, t.late = t.buf[:m.buf], t.late[:m.late]
	if m == (tapeMark{}) {
		t.keys = t.keys[:0]
	}
}

// container begins an array or map at m, or goes on with the one that stands there, as merging wants it. It returns the
// index of its count in late, to be increased for every element.
func (t *tape) container(m tapeMark, typ span.Type) int {
	if len(t.buf) == m.buf || span.Type(t.buf[m.buf]) != typ {
		t.cut(m)
		t.buf = append(t.buf, byte(typ))
		t.late = append(t.late, tapeLate{pos: len(t.buf)})
	}
	return m.late
}

// lateKey begins a map entry whose key is set later, and returns its index in late.
func (t *tape) lateKey() int {
	t.late = append(t.late, tapeLate{pos: len(t.buf), key: true})
	return len(t.late) - 1
}

// setKey sets the key of an entry that lateKey began.
func (t *tape) setKey(i int, key []byte) {
	lo := len(t.keys)
	t.keys = append(t.keys, key...)
	t.late[i].lo, t.late[i].hi = lo, len(t.keys)
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
	for _, l := range t.late[m.late:] {
		out = append(out, t.buf[prev:l.pos]...)
		prev = l.pos
		if l.key {
			out = binary.AppendUvarint(out, uint64(l.hi-l.lo))
			out = append(out, t.keys[l.lo:l.hi]...)
		} else {
			out = binary.AppendUvarint(out, uint64(l.n))
		}
	}
	out = append(out, t.buf[prev:]...)
	t.out = out
	t.cut(m)
	return typ, out
}

// addFromTape takes the value at m from the tape and adds it to a under key.
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
