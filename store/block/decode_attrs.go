// SPDX-License-Identifier: Apache-2.0

package block

import (
	"encoding/binary"
	"math"

	"github.com/clew-tracing/clew/span"
)

// attrDecoder is scratch for the attributes of one owner.
type attrDecoder struct {
	ids    []uint64 // shape of each owner
	shapes [][]uint32
	pairs  []uint32 // of all shapes
	before []uint32 // by shape, owners that are passed over
	within []uint32 // by shape, owners that are read
	cols   []valueColumn
}

// valueColumn is a value column while attributes are put together.
type valueColumn struct {
	wanted         bool
	key            span.Code
	typ            span.Type
	before, within int      // values of owners that are passed over, and that are read
	vals           []uint64 // within of them
	next           int
}

// attributes reads the wanted attributes of the owners [lo, hi). want says which keys, all if everything is wanted;
// shapeIDs gives the shapes of the owners [0, hi).
func (d *decoder) attributes(o owner, a *span.Attrs, lo, hi int, want map[string]bool, shapeIDs func() ([]uint64, error)) error {
	if !d.want.all && len(want) == 0 {
		return nil
	}
	a.Reset()
	if d.d.col(kShapes+kind(o)) == nil || hi == lo || !d.wantColumns(o, want) {
		a.Off = append(a.Off, make([]uint32, hi-lo+1)...)
		return nil
	}
	if err := d.shapes(o); err != nil {
		return err
	}
	ids, err := shapeIDs()
	if err != nil {
		return err
	}
	ids = append(d.attrs.ids[:0], ids...) // other columns are read in between
	d.attrs.ids = ids
	total, err := d.countValues(ids, lo)
	if err != nil {
		return err
	}
	for n, i := range d.d.values[o] {
		v, c := &d.attrs.cols[n], &d.d.cols[i]
		if c.values < v.before+v.within || v.wanted && d.whole() && c.values != v.within {
			return d.fail(c, corrupt("%d values instead of %d", c.values, v.before+v.within))
		}
		if v.within == 0 {
			continue
		}
		v.key = d.b.Strings.InternString(c.key)
		if err := d.values(v, c); err != nil {
			return err
		}
	}
	a.Off = append(grow(a.Off, hi-lo+1)[:0], 0)
	a.Key, a.Type, a.Val = grow(a.Key, total)[:0], grow(a.Type, total)[:0], grow(a.Val, total)[:0]
	for _, id := range ids[lo:] {
		for _, p := range d.attrs.shapes[id] {
			c := &d.attrs.cols[p]
			a.Add(c.key, c.typ, c.vals[c.next])
			c.next++
		}
		a.Off = append(a.Off, uint32(a.Len()))
	}
	return nil
}

// wantColumns marks the wanted value columns of an owner and reports whether there are any.
func (d *decoder) wantColumns(o owner, want map[string]bool) bool {
	cols := d.d.values[o]
	d.attrs.cols = grow(d.attrs.cols, len(cols))
	any := false
	for n, i := range cols {
		c, v := &d.d.cols[i], &d.attrs.cols[n]
		*v = valueColumn{wanted: d.want.all || want[c.key], typ: c.typ, vals: v.vals[:0]}
		any = any || v.wanted
	}
	return any
}

// shapes reads the shapes of an owner's attributes, as far as their columns are wanted.
func (d *decoder) shapes(o owner) error {
	col := d.d.col(kShapes + kind(o))
	raw, err := d.bytes(col, &col.data)
	if err != nil {
		return err
	}
	c, a := &cursor{src: raw}, &d.attrs
	pairs := uint64(len(d.d.values[o]))
	a.shapes, a.pairs = a.shapes[:0], a.pairs[:0]
	for range c.count("shapes") {
		lo := len(a.pairs)
		for range c.count("shape") {
			p := c.uvarint("pair", math.MaxUint32)
			if p >= pairs {
				c.fail("pair")
			}
			if c.err != nil {
				return d.fail(col, c.err)
			}
			if a.cols[p].wanted {
				a.pairs = append(a.pairs, uint32(p))
			}
		}
		if c.err != nil {
			break
		}
		a.shapes = append(a.shapes, a.pairs[lo:len(a.pairs):len(a.pairs)])
	}
	if c.err != nil {
		return d.fail(col, c.err)
	}
	return nil
}

// countValues says how many values of each wanted column belong to the owners before lo and from it on, and returns the
// sum of the latter.
func (d *decoder) countValues(ids []uint64, lo int) (int, error) {
	a := &d.attrs
	a.before, a.within = grow(a.before, len(a.shapes)), grow(a.within, len(a.shapes))
	clear(a.before)
	clear(a.within)
	for i, id := range ids {
		if id >= uint64(len(a.shapes)) {
			return 0, d.corrupt("shape %d of %d", id, len(a.shapes))
		}
		if i < lo {
			a.before[id]++
		} else {
			a.within[id]++
		}
	}
	total := 0
	for s, pairs := range a.shapes {
		for _, p := range pairs {
			a.cols[p].before += int(a.before[s])
			a.cols[p].within += int(a.within[s])
		}
		total += len(pairs) * int(a.within[s])
	}
	if total > maxValues {
		return 0, d.corrupt("%d attributes, more than %d", total, maxValues)
	}
	return total, nil
}

// values reads what is needed of one value column.
func (d *decoder) values(v *valueColumn, c *column) error {
	n := v.before + v.within
	v.vals = grow(v.vals, v.within)
	switch c.form() {
	case formNothing:
		clear(v.vals)
	case formDoubles:
		raw, err := d.bytes(c, &c.data)
		if err != nil {
			return err
		}
		if len(raw) != 8*c.values {
			return d.fail(c, corrupt("%d bytes for %d doubles", len(raw), c.values))
		}
		for i := range v.vals {
			v.vals[i] = binary.LittleEndian.Uint64(raw[8*(v.before+i):])
		}
	case formStrings:
		codes, err := d.strings(c, v.before, n)
		if err != nil {
			return err
		}
		for i, code := range codes {
			v.vals[i] = uint64(code)
		}
	default:
		d.nums = grow(d.nums, n)
		if err := numbersOf(d, c, d.nums); err != nil {
			return err
		}
		copy(v.vals, d.nums[v.before:])
		if c.signed() {
			unzigzag(v.vals)
		}
	}
	return nil
}
