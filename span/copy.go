// SPDX-License-Identifier: Apache-2.0

package span

import (
	"encoding/binary"
	"slices"
)

// Copier copies spans from any number of batches to the end of one, translating codes and sharing equal resources and
// scopes. Columns that a source does not have (it was read with a projection) become zero.
//
// The sources must not change between a [Copier.From] that names them and the last copy from them.
type Copier struct {
	dst *Batch
	src *Batch
	cur *remap

	maps      map[*Batch]*remap
	free      []*remap
	resources map[string]uint32 // contents of dst's resources, as codes of dst
	scopes    map[string]uint32
	scratch   []byte
}

// remap translates one source; 0 means not translated yet, otherwise it is one more than the code or index in dst.
type remap struct {
	codes            []uint32
	resources, scope []uint32
}

// NewCopier returns a copier that appends to dst.
func NewCopier(dst *Batch) *Copier {
	c := &Copier{}
	c.Reset(dst)
	return c
}

// Reset forgets all sources and makes dst the destination, which may hold spans already.
func (c *Copier) Reset(dst *Batch) {
	c.dst, c.src, c.cur = dst, nil, nil
	if c.maps == nil {
		c.maps, c.resources, c.scopes = map[*Batch]*remap{}, map[string]uint32{}, map[string]uint32{}
	}
	c.Forget()
	clear(c.resources)
	clear(c.scopes)
}

// Forget drops what is known of the sources, which may change from here on, and keeps what is known of the destination.
func (c *Copier) Forget() {
	c.src, c.cur = nil, nil
	for _, m := range c.maps {
		c.free = append(c.free, m)
	}
	clear(c.maps)
}

// From makes src the batch that the following rows are copied from. Going back to an earlier source is cheap.
func (c *Copier) From(src *Batch) {
	if c.src == src {
		return
	}
	c.src, c.cur = src, c.maps[src]
	if c.cur == nil {
		if n := len(c.free); n > 0 {
			c.cur, c.free = c.free[n-1], c.free[:n-1]
		} else {
			c.cur = &remap{}
		}
		c.cur.codes = zeroed(c.cur.codes, src.Strings.Len())
		c.cur.codes[0] = 1 // the empty string is everywhere the same
		c.cur.resources = zeroed(c.cur.resources, src.Resources.Len())
		c.cur.scope = zeroed(c.cur.scope, src.Scopes.Len())
		c.maps[src] = c.cur
	}
}

// zeroed returns n zeroes, in the memory of s if it has the room.
func zeroed(s []uint32, n int) []uint32 {
	s = resize(s, n)
	clear(s)
	return s
}

// Rows copies the given rows of the source, in that order.
func (c *Copier) Rows(rows []int32) {
	for at := 0; at < len(rows); {
		lo, n := rows[at], 1
		for at+n < len(rows) && rows[at+n] == lo+int32(n) {
			n++
		}
		c.Range(int(lo), int(lo)+n)
		at += n
	}
}

// Range copies rows [lo, hi) of the source, column by column, and returns the row of the first in the destination.
func (c *Copier) Range(lo, hi int) int {
	r := c.dst.Len()
	if hi == lo+1 {
		c.Row(lo)
		return r
	}
	s, d := c.src, c.dst
	d.TraceID = append(d.TraceID, s.TraceID[lo:hi]...)
	d.SpanID = append(d.SpanID, s.SpanID[lo:hi]...)
	d.ParentID = append(d.ParentID, s.ParentID[lo:hi]...)
	d.Start = append(d.Start, s.Start[lo:hi]...)
	d.Duration = append(d.Duration, s.Duration[lo:hi]...)
	d.Kind, d.Status = appendRows(d.Kind, s.Kind, lo, hi), appendRows(d.Status, s.Status, lo, hi)
	d.Name = c.codes(d.Name, s.Name, lo, hi)
	d.StatusMessage = c.codes(d.StatusMessage, s.StatusMessage, lo, hi)
	d.TraceState = c.codes(d.TraceState, s.TraceState, lo, hi)
	d.Flags = appendRows(d.Flags, s.Flags, lo, hi)
	d.DroppedAttrs = appendRows(d.DroppedAttrs, s.DroppedAttrs, lo, hi)
	d.DroppedEvents = appendRows(d.DroppedEvents, s.DroppedEvents, lo, hi)
	d.DroppedLinks = appendRows(d.DroppedLinks, s.DroppedLinks, lo, hi)
	d.HeadWeight, d.Notes = appendRows(d.HeadWeight, s.HeadWeight, lo, hi), appendRows(d.Notes, s.Notes, lo, hi)
	d.TraceWeight = append(d.TraceWeight, s.TraceWeight[min(lo, len(s.TraceWeight)):min(hi, len(s.TraceWeight))]...)
	for len(d.TraceWeight) < r+hi-lo {
		d.TraceWeight = append(d.TraceWeight, 1)
	}
	for i := lo; i < hi; i++ {
		d.Resource = append(d.Resource, c.resource(at(s.Resource, i)))
		d.Scope = append(d.Scope, c.scopeOf(at(s.Scope, i)))
	}
	c.tables(&d.Attrs, &s.Attrs, lo, hi)

	d.Events.Off = appendOffsets(d.Events.Off, len(d.Events.Time), s.Events.Off, lo, hi)
	from, to := rowsOf(s.Events.Off, lo, hi)
	d.Events.Time = append(d.Events.Time, s.Events.Time[from:to]...)
	d.Events.Name = c.codes(d.Events.Name, s.Events.Name, from, to)
	d.Events.Dropped = append(d.Events.Dropped, s.Events.Dropped[from:to]...)
	c.tables(&d.Events.Attrs, &s.Events.Attrs, from, to)

	d.Links.Off = appendOffsets(d.Links.Off, len(d.Links.TraceID), s.Links.Off, lo, hi)
	from, to = rowsOf(s.Links.Off, lo, hi)
	d.Links.TraceID = append(d.Links.TraceID, s.Links.TraceID[from:to]...)
	d.Links.SpanID = append(d.Links.SpanID, s.Links.SpanID[from:to]...)
	d.Links.TraceState = c.codes(d.Links.TraceState, s.Links.TraceState, from, to)
	d.Links.Flags = append(d.Links.Flags, s.Links.Flags[from:to]...)
	d.Links.Dropped = append(d.Links.Dropped, s.Links.Dropped[from:to]...)
	c.tables(&d.Links.Attrs, &s.Links.Attrs, from, to)
	return r
}

// appendRows appends rows [lo, hi) of a column that may be absent.
func appendRows[T any](dst, src []T, lo, hi int) []T {
	n := len(dst) + hi - lo
	dst = append(dst, src[min(lo, len(src)):min(hi, len(src))]...)
	for len(dst) < n {
		var zero T
		dst = append(dst, zero)
	}
	return dst
}

// rowsOf returns the rows of owners [lo, hi).
func rowsOf(off []uint32, lo, hi int) (from, to int) {
	if hi = min(hi, len(off)-1); lo >= hi {
		return 0, 0
	}
	return int(off[lo]), int(off[hi])
}

// appendOffsets appends where the rows of owners [lo, hi) of a source end in a destination that has rows already.
func appendOffsets(dst []uint32, rows int, src []uint32, lo, hi int) []uint32 {
	if len(dst) == 0 {
		dst = append(dst, 0)
	}
	last := uint32(rows)
	dst = slices.Grow(dst, hi-lo)
	for i := lo; i < hi; i++ {
		if i+1 < len(src) {
			last = uint32(rows) + src[i+1] - src[lo]
		}
		dst = append(dst, last)
	}
	return dst
}

// codes appends rows [lo, hi) of a column of codes that may be absent, translated.
func (c *Copier) codes(dst, src []Code, lo, hi int) []Code {
	src = src[min(lo, len(src)):min(hi, len(src))]
	n := len(dst)
	dst = slices.Grow(dst, hi-lo)[:n+hi-lo]
	out, known := dst[n:], c.cur.codes
	for i, code := range src {
		m := known[code]
		if m == 0 {
			m = c.code(code) + 1
		}
		out[i] = m - 1
	}
	clear(out[len(src):])
	return dst
}

// tables copies the attributes of owners [lo, hi).
func (c *Copier) tables(dst, src *Attrs, lo, hi int) {
	if lo == hi {
		return
	}
	dst.Off = appendOffsets(dst.Off, len(dst.Key), src.Off, lo, hi)
	from, to := rowsOf(src.Off, lo, hi)
	c.attrRows(dst, src, from, to)
}

// attrRows copies rows [from, to) of a table of attributes.
func (c *Copier) attrRows(dst, src *Attrs, from, to int) {
	n := len(dst.Key)
	dst.Key = c.codes(dst.Key, src.Key, from, to)
	dst.Type = append(dst.Type, src.Type[from:to]...)
	dst.Val = append(dst.Val, src.Val[from:to]...)
	known, types, vals := c.cur.codes, dst.Type[n:], dst.Val[n:]
	for i, t := range types {
		if !t.InStrings() {
			continue
		}
		m := known[vals[i]]
		if m == 0 {
			m = c.code(Code(vals[i])) + 1
		}
		vals[i] = uint64(m - 1)
	}
}

// Row copies row i of the source and returns its row in the destination.
func (c *Copier) Row(i int) int {
	s, d := c.src, c.dst
	r := d.AddSpan()
	d.TraceID[r], d.SpanID[r], d.ParentID[r] = s.TraceID[i], s.SpanID[i], s.ParentID[i]
	d.Start[r], d.Duration[r] = s.Start[i], s.Duration[i]
	d.Kind[r], d.Status[r] = at(s.Kind, i), at(s.Status, i)
	d.Name[r] = c.code(at(s.Name, i))
	d.StatusMessage[r] = c.code(at(s.StatusMessage, i))
	d.TraceState[r] = c.code(at(s.TraceState, i))
	d.Flags[r] = at(s.Flags, i)
	d.DroppedAttrs[r], d.DroppedEvents[r], d.DroppedLinks[r] = at(s.DroppedAttrs, i), at(s.DroppedEvents, i), at(s.DroppedLinks, i)
	d.HeadWeight[r], d.Notes[r] = at(s.HeadWeight, i), at(s.Notes, i)
	if i < len(s.TraceWeight) {
		d.TraceWeight[r] = s.TraceWeight[i]
	}
	d.Resource[r] = c.resource(at(s.Resource, i))
	d.Scope[r] = c.scopeOf(at(s.Scope, i))
	c.attrs(&d.Attrs, &s.Attrs, i)
	lo, hi := s.Events.Range(i)
	for e := lo; e < hi; e++ {
		d.Events.Add(s.Events.Time[e], c.code(s.Events.Name[e]), s.Events.Dropped[e])
		c.attrs(&d.Events.Attrs, &s.Events.Attrs, e)
		d.Events.Attrs.EndOwner()
	}
	lo, hi = s.Links.Range(i)
	for l := lo; l < hi; l++ {
		d.Links.Add(s.Links.TraceID[l], s.Links.SpanID[l], c.code(s.Links.TraceState[l]), s.Links.Flags[l], s.Links.Dropped[l])
		c.attrs(&d.Links.Attrs, &s.Links.Attrs, l)
		d.Links.Attrs.EndOwner()
	}
	d.EndSpan()
	return r
}

// at reads a column that may be absent.
func at[T any](col []T, i int) (v T) {
	if i < len(col) {
		v = col[i]
	}
	return v
}

func (c *Copier) code(code Code) Code {
	if m := c.cur.codes[code]; m != 0 {
		return m - 1
	}
	n := c.dst.Strings.Intern(c.src.Strings.Bytes(code))
	c.cur.codes[code] = n + 1
	return n
}

func (c *Copier) attrs(dst, src *Attrs, owner int) {
	if lo, hi := src.Range(owner); lo < hi {
		c.attrRows(dst, src, lo, hi)
	}
}

// contents appends what makes an owner's attributes equal to another's, in codes of the destination.
func (c *Copier) contents(key []byte, a *Attrs, owner int) []byte {
	lo, hi := a.Range(owner)
	for i := lo; i < hi; i++ {
		val := a.Val[i]
		if a.Type[i].InStrings() {
			val = uint64(c.code(Code(val)))
		}
		key = binary.LittleEndian.AppendUint32(key, c.code(a.Key[i]))
		key = append(key, byte(a.Type[i]))
		key = binary.LittleEndian.AppendUint64(key, val)
	}
	return key
}

func (c *Copier) resource(i uint32) uint32 {
	s, d := &c.src.Resources, &c.dst.Resources
	if int(i) >= s.Len() {
		return c.emptyResource()
	}
	if m := c.cur.resources[i]; m != 0 {
		return m - 1
	}
	schema, refs := c.code(s.SchemaURL[i]), c.code(s.EntityRefs[i])
	key := binary.LittleEndian.AppendUint32(c.scratch[:0], s.Dropped[i])
	key = binary.LittleEndian.AppendUint32(key, schema)
	key = binary.LittleEndian.AppendUint32(key, refs)
	key = c.contents(key, &s.Attrs, int(i))
	c.scratch = key
	n, ok := c.resources[string(key)]
	if !ok {
		n = uint32(d.Add())
		d.Dropped[n], d.SchemaURL[n], d.EntityRefs[n] = s.Dropped[i], schema, refs
		c.attrs(&d.Attrs, &s.Attrs, int(i))
		d.Attrs.EndOwner()
		c.resources[string(key)] = n
	}
	c.cur.resources[i] = n + 1
	return n
}

// emptyResource is for spans of a source without a resource table.
func (c *Copier) emptyResource() uint32 {
	n, ok := c.resources[""]
	if !ok {
		n = uint32(c.dst.Resources.Add())
		c.dst.Resources.Attrs.EndOwner()
		c.resources[""] = n
	}
	return n
}

func (c *Copier) scopeOf(i uint32) uint32 {
	s, d := &c.src.Scopes, &c.dst.Scopes
	if int(i) >= s.Len() {
		return c.emptyScope()
	}
	if m := c.cur.scope[i]; m != 0 {
		return m - 1
	}
	name, version, schema := c.code(s.Name[i]), c.code(s.Version[i]), c.code(s.SchemaURL[i])
	key := binary.LittleEndian.AppendUint32(c.scratch[:0], name)
	key = binary.LittleEndian.AppendUint32(key, version)
	key = binary.LittleEndian.AppendUint32(key, schema)
	key = binary.LittleEndian.AppendUint32(key, s.Dropped[i])
	key = c.contents(key, &s.Attrs, int(i))
	c.scratch = key
	n, ok := c.scopes[string(key)]
	if !ok {
		n = uint32(d.Add(name, version))
		d.Dropped[n], d.SchemaURL[n] = s.Dropped[i], schema
		c.attrs(&d.Attrs, &s.Attrs, int(i))
		d.Attrs.EndOwner()
		c.scopes[string(key)] = n
	}
	c.cur.scope[i] = n + 1
	return n
}

// emptyScope is for spans of a source without a scope table.
func (c *Copier) emptyScope() uint32 {
	n, ok := c.scopes[""]
	if !ok {
		n = uint32(c.dst.Scopes.Add(0, 0))
		c.dst.Scopes.Attrs.EndOwner()
		c.scopes[""] = n
	}
	return n
}
