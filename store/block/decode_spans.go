// SPDX-License-Identifier: Apache-2.0

package block

import (
	"math"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/span"
)

// traceTable is the traces of a group.
type traceTable struct {
	ids   []byte // 8 bytes each
	highs []byte // 8 bytes each, or nil
	rows  []uint64
}

// traceTable reads the traces of the group, whatever rows are read.
func (d *decoder) traceTable() (*traceTable, error) {
	t, n := &d.table, d.d.info.Traces
	if t.rows != nil {
		return t, nil
	}
	var err error
	if t.ids, err = d.fixed(kTraceKey, n, 8); err != nil {
		return nil, err
	}
	if t.highs, err = d.fixed(kTraceHigh, n, 8); err != nil {
		return nil, err
	}
	rows, err := d.numbers(kTraceRows, n, 0)
	if err != nil {
		return nil, err
	}
	total := uint64(0)
	for _, r := range rows {
		if total += r; r == 0 || total > uint64(d.d.info.Rows) {
			return nil, d.corrupt("traces have more rows than the group")
		}
	}
	if total != uint64(d.d.info.Rows) || len(t.ids) != 8*n || t.highs != nil && len(t.highs) != 8*n {
		return nil, d.corrupt("traces have %d rows of %d", total, d.d.info.Rows)
	}
	t.rows = append(make([]uint64, 0, n), rows...)
	return t, nil
}

// id returns the id of trace i.
func (t *traceTable) id(i int) (id span.TraceID) {
	if t.highs != nil {
		copy(id[:8], t.highs[8*i:])
	}
	copy(id[8:], t.ids[8*i:])
	return id
}

// find returns rows [lo, hi) outside of which there are no rows of a trace with the given key, none if there is none.
func (t *traceTable) find(key uint64) (lo, hi int) {
	row, found := 0, false
	for i, n := range t.rows {
		if t.id(i).Key() == key {
			if !found {
				lo, found = row, true
			}
			hi = row + int(n)
		}
		row += int(n)
	}
	return lo, hi
}

// ids reads trace and span ids.
func (d *decoder) ids() error {
	b, n := d.b, d.rows()
	t, err := d.traceTable()
	if err != nil {
		return err
	}
	b.TraceID, b.SpanID = grow(b.TraceID, n), grow(b.SpanID, n)
	row := 0
	for i, rows := range t.rows {
		id := t.id(i)
		lo, hi := max(row, d.lo), min(row+int(rows), d.hi)
		for r := lo; r < hi; r++ {
			b.TraceID[r-d.lo] = id
		}
		row += int(rows)
	}
	if c := d.d.col(kTraceShort); c != nil {
		if c.values > d.d.info.Rows {
			return d.fail(c, corrupt("%d values for %d rows", c.values, d.d.info.Rows))
		}
		short := make([]uint64, c.values)
		if err := d.prefix(func() error { return numbersOf(d, c, short) }); err != nil {
			return err
		}
		for _, r := range short {
			if r >= uint64(d.d.info.Rows) {
				return d.fail(c, corrupt("row %d of %d", r, d.d.info.Rows))
			}
			if r >= uint64(d.lo) && r < uint64(d.hi) {
				clear(b.TraceID[int(r)-d.lo][:8])
			}
		}
	}
	ids, err := d.spanIDs()
	if err != nil {
		return err
	}
	for i := range b.SpanID {
		copy(b.SpanID[i][:], ids[8*(d.lo+i):])
	}
	return nil
}

// spanIDs returns the span ids of all rows of the group, 8 bytes each.
func (d *decoder) spanIDs() ([]byte, error) {
	ids, err := d.fixed(kSpanID, d.d.info.Rows, 8)
	if err == nil && len(ids) != 8*d.d.info.Rows {
		err = d.corrupt("span ids are missing")
	}
	return ids, err
}

// starts adds up the distances from row to row, and from first row to first row of the traces.
func (d *decoder) starts() error {
	b := d.b
	b.Start = grow(b.Start, d.rows())
	vals, err := d.bits(kStart, kStartBits, d.hi)
	if err != nil {
		return err
	}
	row := 0
	var first, before uint64
	for _, n := range d.table.rows {
		end := min(row+int(n), d.hi)
		if row >= end {
			break
		}
		first += vals[row]
		before = first
		if row >= d.lo {
			b.Start[row-d.lo] = int64(before)
		}
		for row++; row < end; row++ {
			before += vals[row]
			if row >= d.lo {
				b.Start[row-d.lo] = int64(before)
			}
		}
	}
	return nil
}

// parentIDs reads the parents.
func (d *decoder) parentIDs() error {
	b := d.b
	b.ParentID = grow(b.ParentID, d.rows())
	d.parents = grow(d.parents, d.rows())
	ids, err := d.spanIDs()
	if err != nil {
		return err
	}
	var raw []byte
	if c := d.d.col(kParentRaw); c != nil {
		if raw, err = d.bytes(c, &c.data); err != nil {
			return err
		}
	}
	vals, err := d.numbers(kParent, d.hi, 0)
	if err != nil {
		return err
	}
	missing := 0
	for _, p := range vals[:d.lo] {
		if p == 1 {
			missing++
		}
	}
	for i, p := range vals[d.lo:] {
		row := int64(d.lo + i)
		d.parents[i] = -1
		switch p {
		case 0:
			b.ParentID[i] = span.SpanID{}
		case 1:
			if len(raw) < 8*missing+8 {
				return d.corrupt("parent ids are used up")
			}
			copy(b.ParentID[i][:], raw[8*missing:])
			missing++
		default:
			parent := row - codec.Unzigzag(p-2)
			if parent < 0 || parent >= int64(d.d.info.Rows) {
				return d.corrupt("row %d has row %d as its parent", row, parent)
			}
			copy(b.ParentID[i][:], ids[8*parent:])
			if parent < row {
				d.parents[i] = int32(parent)
			}
		}
	}
	return nil
}

func (d *decoder) spanNumbers() error {
	b, n, w := d.b, d.rows(), d.want
	b.Duration = grow(b.Duration, n)
	vals, err := d.bits(kDuration, kDurationBits, d.hi)
	if err != nil {
		return err
	}
	for i, v := range vals[d.lo:] {
		b.Duration[i] = int64(v)
	}
	if w.cols[kStatus] {
		b.Status = grow(b.Status, n)
		if vals, err = d.signed(kStatus, d.hi); err != nil {
			return err
		}
		for i, v := range vals[d.lo:] {
			b.Status[i] = span.Status(v)
		}
	}
	// Weights are always read: every count is made with them.
	b.HeadWeight, b.TraceWeight = grow(b.HeadWeight, n), grow(b.TraceWeight, n)
	if vals, err = d.numbers(kHeadWeight, d.hi, 0); err != nil {
		return err
	}
	for i, v := range vals[d.lo:] {
		b.HeadWeight[i] = math.Float32frombits(uint32(v))
	}
	if vals, err = d.numbers(kTraceWeight, d.hi, uint64(math.Float32bits(1))); err != nil {
		return err
	}
	for i, v := range vals[d.lo:] {
		b.TraceWeight[i] = math.Float32frombits(uint32(v))
	}
	if !w.all {
		return nil
	}
	b.Notes = grow(b.Notes, n)
	if vals, err = d.numbers(kNotes, d.hi, 0); err != nil {
		return err
	}
	for i, v := range vals[d.lo:] {
		b.Notes[i] = span.Notes(v)
	}
	for _, c := range []struct {
		k   kind
		dst *[]uint32
	}{{kFlags, &b.Flags}, {kDroppedAttrs, &b.DroppedAttrs}, {kDroppedEvents, &b.DroppedEvents}, {kDroppedLinks, &b.DroppedLinks}} {
		if err := d.small(c.dst, c.k, d.lo, d.hi); err != nil {
			return err
		}
	}
	return nil
}

// spanTemplates reads what spans of one place in the code have in common.
func (d *decoder) spanTemplates() error {
	b, w := d.b, d.want
	attrs := w.all || len(w.attrs) > 0
	if !w.cols[kName] && !w.cols[kKind] && !w.cols[kScope] && !attrs {
		return nil
	}
	d.templates = grow(d.templates, d.hi)
	n := uint32(0)
	if c := d.d.col(kTemplate); c == nil {
		clear(d.templates)
	} else if err := numbersOf(d, c, d.templates); err != nil {
		return err
	}
	for i, t := range d.templates {
		if t == 0 {
			d.templates[i] = n
			n++
		} else if d.templates[i] = t - 1; t > n {
			return d.corrupt("row %d has template %d of %d", i, t-1, n)
		}
	}
	mine := d.templates[d.lo:]
	if w.cols[kName] {
		if err := d.codes(&b.Name, kName, 0, int(n)); err != nil {
			return err
		}
		d.u32 = append(d.u32[:0], b.Name...)
		b.Name = grow(b.Name, len(mine))
		for i, t := range mine {
			b.Name[i] = d.u32[t]
		}
	}
	if w.cols[kKind] {
		vals, err := d.signed(kKind, int(n))
		if err != nil {
			return err
		}
		b.Kind = grow(b.Kind, len(mine))
		for i, t := range mine {
			b.Kind[i] = span.Kind(vals[t])
		}
	}
	if w.cols[kScope] {
		vals, err := d.numbers(kScope, int(n), 0)
		if err != nil {
			return err
		}
		b.Scope = grow(b.Scope, len(mine))
		for i, t := range mine {
			b.Scope[i] = uint32(vals[t])
		}
	}
	if !attrs {
		return nil
	}
	return d.attributes(ownerSpan, &b.Attrs, d.lo, d.hi, w.attrs, func() ([]uint64, error) {
		shapes, err := d.numbers(kShape+kind(ownerSpan), int(n), 0)
		if err != nil {
			return nil, err
		}
		d.attrs.ids = grow(d.attrs.ids, d.hi)
		for i, t := range d.templates {
			d.attrs.ids[i] = shapes[t]
		}
		return d.attrs.ids, nil
	})
}

func (d *decoder) spanStrings() error {
	for _, c := range []struct {
		k   kind
		dst *[]span.Code
	}{{kStatusMessage, &d.b.StatusMessage}, {kTraceState, &d.b.TraceState}} {
		if !d.want.cols[c.k] {
			continue
		}
		if err := d.codes(c.dst, c.k, d.lo, d.hi); err != nil {
			return err
		}
	}
	return nil
}

// resources reads the column and the table, of which only what is used is kept.
func (d *decoder) resources() error {
	b := d.b
	if !d.want.cols[kResource] {
		return nil
	}
	b.Resource = grow(b.Resource, d.rows())
	vals, err := d.numbers(kResource, d.hi, 0)
	if err != nil {
		return err
	}
	for i, v := range vals[d.lo:] {
		switch p := int(d.parents[i]) - d.lo; {
		case v > 0:
			b.Resource[i] = uint32(v - 1)
		case d.parents[i] < 0:
			b.Resource[i] = 0
		case p < 0:
			return d.corrupt("the parent of row %d is in another trace", d.lo+i)
		default:
			b.Resource[i] = b.Resource[p]
		}
	}
	col := d.d.col(kResources)
	kept, err := d.used(b.Resource, col)
	if err != nil || col == nil {
		return err
	}
	raw, err := d.bytes(col, &col.data)
	if err != nil {
		return err
	}
	c, r := &cursor{src: raw}, &b.Resources
	for n := range kept {
		dropped, schema, refs := uint32(c.uvarint("dropped attributes", math.MaxUint32)), c.bytes("schema URL"), c.bytes("entity references")
		if kept[n] == 0 {
			c.attrs(nil, nil)
		} else {
			i := r.Add()
			r.Dropped[i], r.SchemaURL[i], r.EntityRefs[i] = dropped, b.Strings.Intern(schema), b.Strings.Intern(refs)
			c.attrs(b, &r.Attrs)
			kept[n] = uint32(i)
		}
		if c.err != nil {
			return d.fail(col, c.err)
		}
	}
	for i, v := range b.Resource {
		b.Resource[i] = kept[v]
	}
	return nil
}

// used marks with 1 the entries of a table that the indexes name. Index 0 of a table that is not there is none.
func (d *decoder) used(indexes []uint32, table *column) ([]uint32, error) {
	n := 0
	if table != nil {
		n = table.values
		if n > table.data.raw {
			return nil, d.fail(table, corrupt("%d entries in %d bytes", n, table.data.raw))
		}
	}
	marks := make([]uint32, max(1, n))
	for _, i := range indexes {
		if int(i) >= len(marks) {
			return nil, d.corrupt("resource or scope %d of %d", i, n)
		}
		marks[i] = 1
	}
	return marks[:n], nil
}

func (d *decoder) scopes() error {
	b := d.b
	if !d.want.cols[kScope] {
		return nil
	}
	col := d.d.col(kScopes)
	kept, err := d.used(b.Scope, col)
	if err != nil || col == nil {
		return err
	}
	raw, err := d.bytes(col, &col.data)
	if err != nil {
		return err
	}
	c, s := &cursor{src: raw}, &b.Scopes
	for n := range kept {
		name, version := c.bytes("scope name"), c.bytes("scope version")
		dropped, schema := uint32(c.uvarint("dropped attributes", math.MaxUint32)), c.bytes("schema URL")
		if kept[n] == 0 {
			c.attrs(nil, nil)
		} else {
			i := s.Add(b.Strings.Intern(name), b.Strings.Intern(version))
			s.Dropped[i], s.SchemaURL[i] = dropped, b.Strings.Intern(schema)
			c.attrs(b, &s.Attrs)
			kept[n] = uint32(i)
		}
		if c.err != nil {
			return d.fail(col, c.err)
		}
	}
	for i, v := range b.Scope {
		b.Scope[i] = kept[v]
	}
	return nil
}

// attrs reads the attributes of one owner, as appendAttrs wrote them; it passes over them where a is nil.
func (c *cursor) attrs(b *span.Batch, a *span.Attrs) {
	for range c.count("attributes") {
		if c.err != nil {
			break
		}
		key := c.bytes("attribute key")
		t := span.Type(c.byte("attribute type"))
		var text []byte
		var num uint64
		switch {
		case t > span.TypeMap:
			c.fail("attribute type")
		case t.InStrings():
			text = c.bytes("attribute value")
		default:
			num = c.uvarint("attribute value", math.MaxUint64)
		}
		if a == nil || c.err != nil {
			continue
		}
		if t.InStrings() {
			num = uint64(b.Strings.Intern(text))
		}
		a.Add(b.Strings.Intern(key), t, num)
	}
	if a != nil {
		a.EndOwner()
	}
}

// counted reads the numbers of rows that spans have in a table: of the spans read, the offsets from the first; and the
// range of the table's rows that are theirs.
func (d *decoder) counted(off []uint32, k kind) (offsets []uint32, lo, hi int, err error) {
	counts, err := d.numbers(k, d.hi, 0)
	if err != nil {
		return off, 0, 0, err
	}
	total := uint64(0)
	offsets = append(off[:0], 0)
	for i, c := range counts {
		if i == d.lo {
			lo = int(total)
		}
		if total += c; c > maxValues || total > maxValues {
			return offsets, 0, 0, d.corrupt("%s adds up to %d", k, total)
		}
		if i >= d.lo {
			offsets = append(offsets, uint32(int(total)-lo))
		}
	}
	return offsets, lo, int(total), nil
}

func (d *decoder) events() error {
	if !d.want.cols[kEventCount] {
		return nil
	}
	e := &d.b.Events
	var lo, hi int
	var err error
	if e.Off, lo, hi, err = d.counted(e.Off, kEventCount); err != nil {
		return err
	}
	times, err := d.numbers(kEventTime, hi, 0)
	if err != nil {
		return err
	}
	e.Time = grow(e.Time, hi-lo)
	for i, start := range d.b.Start {
		for ev := e.Off[i]; ev < e.Off[i+1]; ev++ {
			e.Time[ev] = start + codec.Unzigzag(times[lo+int(ev)])
		}
	}
	if err := d.codes(&e.Name, kEventName, lo, hi); err != nil {
		return err
	}
	if err := d.small(&e.Dropped, kEventDropped, lo, hi); err != nil {
		return err
	}
	return d.attributes(ownerEvent, &e.Attrs, lo, hi, d.want.events, func() ([]uint64, error) { return d.numbers(kShape+kind(ownerEvent), hi, 0) })
}

func (d *decoder) links() error {
	if !d.want.cols[kLinkCount] {
		return nil
	}
	l := &d.b.Links
	var lo, hi int
	var err error
	if l.Off, lo, hi, err = d.counted(l.Off, kLinkCount); err != nil {
		return err
	}
	traces, err := d.fixed(kLinkTrace, hi, 16)
	if err != nil {
		return err
	}
	spans, err := d.fixed(kLinkSpan, hi, 8)
	if err != nil {
		return err
	}
	if len(traces) < 16*hi || len(spans) < 8*hi {
		return d.corrupt("ids of %d links are missing", hi)
	}
	l.TraceID, l.SpanID = grow(l.TraceID, hi-lo), grow(l.SpanID, hi-lo)
	for i := range l.TraceID {
		copy(l.TraceID[i][:], traces[16*(lo+i):])
		copy(l.SpanID[i][:], spans[8*(lo+i):])
	}
	if err := d.codes(&l.TraceState, kLinkState, lo, hi); err != nil {
		return err
	}
	if err := d.small(&l.Flags, kLinkFlags, lo, hi); err != nil {
		return err
	}
	if err := d.small(&l.Dropped, kLinkDropped, lo, hi); err != nil {
		return err
	}
	return d.attributes(ownerLink, &l.Attrs, lo, hi, d.want.links, func() ([]uint64, error) { return d.numbers(kShape+kind(ownerLink), hi, 0) })
}
