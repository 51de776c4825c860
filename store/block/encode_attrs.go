// SPDX-License-Identifier: Apache-2.0

package block

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/span"
)

// pair is a key and a type, for which there is a column of values.
type pair struct {
	key span.Code
	typ span.Type
}

// pairTable numbers the pairs of one owner's attributes in the order of first use and sorts the attributes by them.
type pairTable struct {
	pairs []pair
	rows  [][]uint32 // by pair, the attribute rows
	first []uint32   // key code -> number of its first pair plus one
	other map[pair]uint32
}

func (t *pairTable) reset(codes int) {
	for _, p := range t.pairs {
		t.first[p.key] = 0
	}
	t.pairs = t.pairs[:0]
	clear(t.other)
	if len(t.first) < codes {
		t.first = make([]uint32, codes+codes/4)
	}
}

// add notes an attribute row and returns the number of its pair.
func (t *pairTable) add(p pair, row int) uint32 {
	n := t.first[p.key]
	if n == 0 || t.pairs[n-1].typ != p.typ {
		if n = t.otherType(p); n == 0 {
			t.pairs = append(t.pairs, p)
			n = uint32(len(t.pairs))
			if t.first[p.key] == 0 {
				t.first[p.key] = n
			} else {
				t.other[p] = n
			}
			if len(t.rows) < int(n) {
				t.rows = append(t.rows, nil)
			}
			t.rows[n-1] = t.rows[n-1][:0]
		}
	}
	n--
	t.rows[n] = append(t.rows[n], uint32(row))
	return n
}

// otherType finds the pair of a key that has several types.
func (t *pairTable) otherType(p pair) uint32 {
	if t.other == nil {
		t.other = map[pair]uint32{}
	}
	return t.other[p]
}

// shapeTable numbers the distinct lists of pairs in the order of first use.
type shapeTable struct {
	pairs []uint32 // of all shapes
	ends  []uint32
	slots []uint32 // number plus one by hash, open addressing
	ids   []uint32 // of the owners
}

func (t *shapeTable) reset() {
	t.pairs, t.ends, t.ids = t.pairs[:0], t.ends[:0], t.ids[:0]
	if len(t.slots) > 1<<12 {
		t.slots = nil
	}
	clear(t.slots)
}

// at returns the pairs of a shape.
func (t *shapeTable) at(n uint32) []uint32 {
	lo := uint32(0)
	if n > 0 {
		lo = t.ends[n-1]
	}
	return t.pairs[lo:t.ends[n]]
}

// finish ends the shape whose pairs were appended to t.pairs since the last one, and returns its number.
func (t *shapeTable) finish(hash uint64) uint32 {
	lo := uint32(0)
	if len(t.ends) > 0 {
		lo = t.ends[len(t.ends)-1]
	}
	shape := t.pairs[lo:]
	if 2*len(t.ends) >= len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	for i := hash >> 32 & mask; ; i = (i + 1) & mask {
		n := t.slots[i]
		if n == 0 {
			t.ends = append(t.ends, uint32(len(t.pairs)))
			t.slots[i] = uint32(len(t.ends))
			return uint32(len(t.ends) - 1)
		}
		if slices.Equal(t.at(n-1), shape) {
			t.pairs = t.pairs[:lo]
			return n - 1
		}
	}
}

func (t *shapeTable) grow() {
	t.slots = make([]uint32, max(64, 4*len(t.slots)))
	mask := uint64(len(t.slots) - 1)
	for n := range t.ends {
		h := uint64(0)
		for _, p := range t.at(uint32(n)) {
			h = hashPair(h, p)
		}
		i := h >> 32 & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = uint32(n + 1)
	}
}

func hashPair(h uint64, p uint32) uint64 { return (h ^ uint64(p+1)) * 0x9e3779b97f4a7c15 }

// attrs adds the shapes of one owner's attributes and returns each owner's, nil if there are no attributes. It leaves
// what values needs.
func (e *encoder) attrs(o owner, a *span.Attrs) []uint32 {
	if a.Len() == 0 {
		return nil
	}
	e.pairs.reset(e.b.Strings.Len())
	t := &e.shapes
	t.reset()
	for own := range a.Owners() {
		lo, hi := a.Range(own)
		h := uint64(0)
		for i := lo; i < hi; i++ {
			p := e.pairs.add(pair{a.Key[i], a.Type[i]}, i)
			t.pairs = append(t.pairs, p)
			h = hashPair(h, p)
		}
		t.ids = append(t.ids, t.finish(h))
	}
	raw := codec.AppendUvarint(e.raw[:0], uint64(len(t.ends)))
	for n := range t.ends {
		shape := t.at(uint32(n))
		raw = codec.AppendUvarint(raw, uint64(len(shape)))
		for _, p := range shape {
			raw = codec.AppendUvarint(raw, uint64(p))
		}
	}
	e.raw = raw
	e.column(colID{kind: kShapes + kind(o)}, len(t.ends), raw)
	return t.ids
}

// values adds the columns of values of the owner that attrs was called for last.
func (e *encoder) values(o owner, a *span.Attrs) {
	if a.Len() == 0 {
		return
	}
	for n, p := range e.pairs.pairs {
		rows := e.pairs.rows[n]
		id := colID{kind: kValue, owner: o, key: e.b.Strings.String(p.key), typ: p.typ}
		val := func(i int) uint64 { return a.Val[rows[i]] }
		switch id.form() {
		case formStrings:
			codes := e.u32[:0]
			for _, r := range rows {
				codes = append(codes, span.Code(a.Val[r]))
			}
			e.u32 = codes
			e.stringColumn(id, codes)
		case formDoubles:
			e.doubles(id, e.each(len(rows), val))
		case formNothing:
			e.column(id, len(rows), nil)
		default:
			e.signed(id, e.each(len(rows), val))
		}
	}
}

// doubles adds a column of doubles with statistics.
func (e *encoder) doubles(id colID, vals []uint64) {
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	raw := e.raw[:0]
	for _, v := range vals {
		ordered := orderedDouble(v)
		lo, hi = min(lo, ordered), max(hi, ordered)
		raw = binary.LittleEndian.AppendUint64(raw, v)
	}
	e.raw = raw
	c := e.column(id, len(vals), raw)
	c.stats, c.min, c.max = true, lo, hi
}

// orderedDouble maps the bits of doubles to integers of the same order; NaNs lie beyond the infinities.
func orderedDouble(bits uint64) int64 {
	if bits>>63 != 0 {
		return int64(^bits | 1<<63) // negative: the larger the magnitude, the smaller
	}
	return int64(bits)
}
