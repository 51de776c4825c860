// SPDX-License-Identifier: Apache-2.0

package block

import (
	"context"
	"encoding/binary"
	"io"
	"math"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/span"
)

// decoder reads columns of one row group into a batch.
type decoder struct {
	ctx  context.Context
	r    io.ReaderAt
	zstd *zstd.Decoder
	d    *directory
	want *wanted
	b    *span.Batch

	read int64    // bytes read from the file
	segs [][]byte // raw bytes of the segments read so far
	nums []uint64
	keep []uint64 // shapes of the owners at hand
	// codes of the value columns of the owner at hand, and how far each is read
	cols []valueColumn
}

// valueColumn is a value column while attributes are put together.
type valueColumn struct {
	wanted bool
	key    span.Code
	typ    span.Type
	vals   []uint64 // count of them, none for empty values
	count  int
	next   int
}

// column returns the raw bytes of a column, reading and checking its segment if that was not done yet.
func (d *decoder) column(c *column) ([]byte, error) {
	if d.segs == nil {
		d.segs = make([][]byte, len(d.d.segs))
	}
	raw := d.segs[c.segment]
	if raw == nil {
		if err := d.ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if raw, err = d.segment(c.segment); err != nil {
			return nil, corruptColumn(c, d.d, err)
		}
		d.segs[c.segment] = raw
	}
	return raw[c.off : c.off+c.raw : c.off+c.raw], nil
}

// corruptColumn names the column and the group that an error is about.
func corruptColumn(c *column, d *directory, err error) error {
	return &columnError{column: c.String(), group: d.info.Offset, err: err}
}

func (d *decoder) segment(i int) ([]byte, error) {
	s := &d.d.segs[i]
	stored := make([]byte, s.stored)
	if _, err := d.r.ReadAt(stored, d.d.bodyOff+s.off); err != nil {
		return nil, err
	}
	d.read += int64(s.stored)
	if xxhash.Sum64(stored) != s.checksum {
		return nil, corrupt("segment %d does not have its checksum", i)
	}
	return inflate(d.zstd, stored, s.zstd, s.raw)
}

// inflate returns the raw bytes of a segment, never nil. The length that the directory announces is believed as far as a
// column compresses in practice; beyond that, memory grows as bytes come.
func inflate(z *zstd.Decoder, stored []byte, compressed bool, raw int) ([]byte, error) {
	if compressed {
		var err error
		if stored, err = z.DecodeAll(stored, make([]byte, 0, min(raw, 64<<10+1000*len(stored)))); err != nil {
			return nil, corrupt("segment: %v", err)
		}
	}
	if len(stored) != raw {
		return nil, corrupt("segment has %d bytes instead of %d", len(stored), raw)
	}
	if stored == nil {
		stored = []byte{}
	}
	return stored, nil
}

// numbers reads a column of n numbers, all def where it is left out. The slice is valid until the next call.
func (d *decoder) numbers(k kind, n int, def uint64) ([]uint64, error) {
	d.nums = grow(d.nums, n)
	c := d.d.col(k)
	if c == nil {
		for i := range d.nums {
			d.nums[i] = def
		}
		return d.nums, nil
	}
	return d.nums, d.column64(c, d.nums)
}

// column64 reads a column of exactly len(dst) numbers.
func (d *decoder) column64(c *column, dst []uint64) error {
	raw, err := d.column(c)
	if err != nil {
		return err
	}
	if c.values != len(dst) {
		return corruptColumn(c, d.d, corrupt("%d values instead of %d", c.values, len(dst)))
	}
	rest, err := codec.Column(dst, raw)
	if err == nil && len(rest) != 0 {
		err = corrupt("%d bytes too many", len(rest))
	}
	if err != nil {
		return corruptColumn(c, d.d, err)
	}
	return nil
}

// fixed reads a column of n values of the given width, nil where it is left out.
func (d *decoder) fixed(k kind, n, width int) ([]byte, error) {
	c := d.d.col(k)
	if c == nil {
		return nil, nil
	}
	raw, err := d.column(c)
	if err == nil && (c.values != n || len(raw) != n*width) {
		err = corruptColumn(c, d.d, corrupt("%d bytes for %d values", len(raw), n))
	}
	return raw, err
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/8)
	}
	return s[:n]
}

// small reads a column of n 32-bit numbers into dst.
func (d *decoder) small(dst *[]uint32, k kind, n int) error {
	*dst = grow(*dst, n)
	vals, err := d.numbers(k, n, 0)
	for i, v := range vals {
		(*dst)[i] = uint32(v)
	}
	return err
}

// codes reads a column of n strings into dst.
func (d *decoder) codes(dst *[]span.Code, k kind, n int) error {
	*dst = grow(*dst, n)
	c := d.d.col(k)
	if c == nil {
		clear(*dst)
		return nil
	}
	return d.strings(*dst, c)
}

// strings reads a column of exactly len(dst) strings.
func (d *decoder) strings(dst []span.Code, c *column) error {
	raw, err := d.column(c)
	if err != nil {
		return err
	}
	if c.values != len(dst) {
		return corruptColumn(c, d.d, corrupt("%d values instead of %d", c.values, len(dst)))
	}
	if err := decodeStrings(dst, raw, &d.b.Strings); err != nil {
		return corruptColumn(c, d.d, err)
	}
	return nil
}

// group reads all rows of the group into d.b, which is empty.
func (d *decoder) group() error {
	steps := [...]func() error{
		d.traces, d.spanNumbers, d.spanStrings, d.shared, d.events, d.links,
		func() error { return d.attrs(ownerSpan, &d.b.Attrs, d.d.info.Rows, d.want.attrs) },
		func() error { return d.attrs(ownerEvent, &d.b.Events.Attrs, len(d.b.Events.Time), d.want.events) },
		func() error { return d.attrs(ownerLink, &d.b.Links.Attrs, len(d.b.Links.TraceID), d.want.links) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// traceTable is the traces of a group.
type traceTable struct {
	ids   []byte // 8 bytes each
	highs []byte // 8 bytes each, or nil
	rows  []uint64
}

func (d *decoder) traceTable() (t traceTable, err error) {
	n := d.d.info.Traces
	if t.ids, err = d.fixed(kTraceKey, n, 8); err != nil {
		return t, err
	}
	if t.highs, err = d.fixed(kTraceHigh, n, 8); err != nil {
		return t, err
	}
	if t.rows, err = d.numbers(kTraceRows, n, 0); err != nil {
		return t, err
	}
	total := uint64(0)
	for _, r := range t.rows {
		if total += r; r == 0 || total > uint64(d.d.info.Rows) {
			return t, corrupt("row group at %d: traces have more rows than the group", d.d.info.Offset)
		}
	}
	if total != uint64(d.d.info.Rows) || t.ids == nil {
		return t, corrupt("row group at %d: traces have %d rows of %d", d.d.info.Offset, total, d.d.info.Rows)
	}
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

// traces reads ids, parents and starts.
func (d *decoder) traces() error {
	b, n := d.b, d.d.info.Rows
	t, err := d.traceTable()
	if err != nil {
		return err
	}
	b.TraceID, b.SpanID, b.ParentID = grow(b.TraceID, n), grow(b.SpanID, n), grow(b.ParentID, n)
	b.Start, b.Duration = grow(b.Start, n), grow(b.Duration, n)
	first := make([]int32, n) // of each row, the first row of its trace
	row := 0
	for i := range d.d.info.Traces {
		id := t.id(i)
		for lo, k := row, uint64(0); k < t.rows[i]; k++ {
			b.TraceID[row], first[row] = id, int32(lo)
			row++
		}
	}
	if c := d.d.col(kTraceShort); c != nil {
		short := make([]uint64, min(c.values, n))
		if err := d.column64(c, short); err != nil {
			return err
		}
		for _, r := range short {
			if r >= uint64(n) {
				return corruptColumn(c, d.d, corrupt("row %d of %d", r, n))
			}
			clear(b.TraceID[r][:8])
		}
	}
	ids, err := d.fixed(kSpanID, n, 8)
	if err != nil {
		return err
	}
	if len(ids) != 8*n {
		return corrupt("row group at %d has no span ids", d.d.info.Offset)
	}
	for i := range b.SpanID {
		copy(b.SpanID[i][:], ids[8*i:])
	}
	return d.parents(first)
}

// parents reads parents and, since they refer to them, starts.
func (d *decoder) parents(first []int32) error {
	b, n := d.b, d.d.info.Rows
	d.keep = grow(d.keep, n)
	starts := d.keep
	vals, err := d.numbers(kStart, n, 0)
	if err != nil {
		return err
	}
	copy(starts, vals)
	var raw []byte
	if c := d.d.col(kParentRaw); c != nil {
		if raw, err = d.column(c); err != nil {
			return err
		}
	}
	parents, err := d.numbers(kParent, n, 0)
	if err != nil {
		return err
	}
	var before int64
	for i, p := range parents {
		ref := b.Start[first[i]]
		if int(first[i]) == i {
			ref = before
		}
		switch p {
		case 0:
			b.ParentID[i] = span.SpanID{}
		case 1:
			if len(raw) < 8 {
				return corrupt("row group at %d: parent ids are used up", d.d.info.Offset)
			}
			copy(b.ParentID[i][:], raw)
			raw = raw[8:]
		default:
			parent := int64(i) - codec.Unzigzag(p-2)
			if parent < 0 || parent >= int64(n) {
				return corrupt("row group at %d: row %d has row %d as its parent", d.d.info.Offset, i, parent)
			}
			b.ParentID[i] = b.SpanID[parent]
			if parent < int64(i) {
				ref = b.Start[parent]
			}
		}
		b.Start[i] = ref + codec.Unzigzag(starts[i])
		if int(first[i]) == i {
			before = b.Start[i]
		}
	}
	return nil
}

func (d *decoder) spanNumbers() error {
	b, n, w := d.b, d.d.info.Rows, d.want
	vals, err := d.numbers(kDuration, n, 0)
	if err != nil {
		return err
	}
	for i, v := range vals {
		b.Duration[i] = codec.Unzigzag(v)
	}
	if w.cols[kKind] {
		b.Kind = grow(b.Kind, n)
		if vals, err = d.numbers(kKind, n, 0); err != nil {
			return err
		}
		for i, v := range vals {
			b.Kind[i] = span.Kind(codec.Unzigzag(v))
		}
	}
	if w.cols[kStatus] {
		b.Status = grow(b.Status, n)
		if vals, err = d.numbers(kStatus, n, 0); err != nil {
			return err
		}
		for i, v := range vals {
			b.Status[i] = span.Status(codec.Unzigzag(v))
		}
	}
	// Weights are always read: every count is made with them.
	b.HeadWeight, b.TraceWeight = grow(b.HeadWeight, n), grow(b.TraceWeight, n)
	if vals, err = d.numbers(kHeadWeight, n, 0); err != nil {
		return err
	}
	for i, v := range vals {
		b.HeadWeight[i] = math.Float32frombits(uint32(v))
	}
	if vals, err = d.numbers(kTraceWeight, n, uint64(math.Float32bits(1))); err != nil {
		return err
	}
	for i, v := range vals {
		b.TraceWeight[i] = math.Float32frombits(uint32(v))
	}
	if !w.all {
		return nil
	}
	b.Notes = grow(b.Notes, n)
	if vals, err = d.numbers(kNotes, n, 0); err != nil {
		return err
	}
	for i, v := range vals {
		b.Notes[i] = span.Notes(v)
	}
	for _, c := range []struct {
		k   kind
		dst *[]uint32
	}{{kFlags, &b.Flags}, {kDroppedAttrs, &b.DroppedAttrs}, {kDroppedEvents, &b.DroppedEvents}, {kDroppedLinks, &b.DroppedLinks}} {
		if err := d.small(c.dst, c.k, n); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) spanStrings() error {
	b, n := d.b, d.d.info.Rows
	for _, c := range []struct {
		k   kind
		dst *[]span.Code
	}{{kName, &b.Name}, {kStatusMessage, &b.StatusMessage}, {kTraceState, &b.TraceState}} {
		if !d.want.cols[c.k] {
			continue
		}
		if err := d.codes(c.dst, c.k, n); err != nil {
			return err
		}
	}
	return nil
}

// shared reads the tables of resources and scopes and the columns that point to them.
func (d *decoder) shared() error {
	b, n := d.b, d.d.info.Rows
	if d.want.cols[kResource] {
		if err := d.small(&b.Resource, kResource, n); err != nil {
			return err
		}
		if err := d.resources(); err != nil {
			return err
		}
		if err := checkIndex(b.Resource, b.Resources.Len(), d.d, "resource"); err != nil {
			return err
		}
	}
	if d.want.cols[kScope] {
		if err := d.small(&b.Scope, kScope, n); err != nil {
			return err
		}
		if err := d.scopes(); err != nil {
			return err
		}
		if err := checkIndex(b.Scope, b.Scopes.Len(), d.d, "scope"); err != nil {
			return err
		}
	}
	return nil
}

// checkIndex refuses an index beyond its table; index 0 of an empty table means that there is none.
func checkIndex(column []uint32, n int, d *directory, what string) error {
	for _, i := range column {
		if int(i) >= max(1, n) {
			return corrupt("row group at %d: %s %d of %d", d.info.Offset, what, i, n)
		}
	}
	return nil
}

func (d *decoder) resources() error {
	col := d.d.col(kResources)
	if col == nil {
		return nil
	}
	raw, err := d.column(col)
	if err != nil {
		return err
	}
	c, r := &cursor{src: raw}, &d.b.Resources
	for range col.values {
		i := r.Add()
		r.Dropped[i] = uint32(c.uvarint("dropped attributes", math.MaxUint32))
		r.SchemaURL[i] = d.b.Strings.Intern(c.bytes("schema URL"))
		r.EntityRefs[i] = d.b.Strings.Intern(c.bytes("entity references"))
		c.attrs(d.b, &r.Attrs)
		if c.err != nil {
			return corruptColumn(col, d.d, c.err)
		}
	}
	return nil
}

func (d *decoder) scopes() error {
	col := d.d.col(kScopes)
	if col == nil {
		return nil
	}
	raw, err := d.column(col)
	if err != nil {
		return err
	}
	c, s := &cursor{src: raw}, &d.b.Scopes
	for range col.values {
		i := s.Add(d.b.Strings.Intern(c.bytes("scope name")), d.b.Strings.Intern(c.bytes("scope version")))
		s.Dropped[i] = uint32(c.uvarint("dropped attributes", math.MaxUint32))
		s.SchemaURL[i] = d.b.Strings.Intern(c.bytes("schema URL"))
		c.attrs(d.b, &s.Attrs)
		if c.err != nil {
			return corruptColumn(col, d.d, c.err)
		}
	}
	return nil
}

// attrs reads the attributes of one owner, as appendAttrs wrote them.
func (c *cursor) attrs(b *span.Batch, a *span.Attrs) {
	for range c.count("attributes") {
		if c.err != nil {
			break
		}
		key := b.Strings.Intern(c.bytes("attribute key"))
		t := span.Type(c.byte("attribute type"))
		if t > span.TypeMap {
			c.fail("attribute type")
		}
		if t.InStrings() {
			a.Add(key, t, uint64(b.Strings.Intern(c.bytes("attribute value"))))
		} else {
			a.Add(key, t, c.uvarint("attribute value", math.MaxUint64))
		}
	}
	a.EndOwner()
}

// offsets reads the counts of a table's rows by owner and returns the offsets.
func (d *decoder) offsets(dst []uint32, k kind, n int) ([]uint32, error) {
	counts, err := d.numbers(k, n, 0)
	if err != nil {
		return dst, err
	}
	dst = append(dst[:0], 0)
	total := uint64(0)
	for _, c := range counts {
		if total += c; c > maxValues || total > maxValues {
			return dst, corrupt("row group at %d: %s adds up to %d", d.d.info.Offset, k, total)
		}
		dst = append(dst, uint32(total))
	}
	return dst, nil
}

func (d *decoder) events() error {
	if !d.want.cols[kEventCount] {
		return nil
	}
	e := &d.b.Events
	var err error
	if e.Off, err = d.offsets(e.Off, kEventCount, d.d.info.Rows); err != nil {
		return err
	}
	n := int(e.Off[len(e.Off)-1])
	if c := d.d.col(kEventTime); n > 0 && c != nil && c.values != n {
		return corruptColumn(c, d.d, corrupt("%d values for %d events", c.values, n))
	}
	times, err := d.numbers(kEventTime, n, 0)
	if err != nil {
		return err
	}
	e.Time = grow(e.Time, n)
	for i := range d.d.info.Rows {
		for ev := e.Off[i]; ev < e.Off[i+1]; ev++ {
			e.Time[ev] = d.b.Start[i] + codec.Unzigzag(times[ev])
		}
	}
	if err := d.codes(&e.Name, kEventName, n); err != nil {
		return err
	}
	return d.small(&e.Dropped, kEventDropped, n)
}

func (d *decoder) links() error {
	if !d.want.cols[kLinkCount] {
		return nil
	}
	l := &d.b.Links
	var err error
	if l.Off, err = d.offsets(l.Off, kLinkCount, d.d.info.Rows); err != nil {
		return err
	}
	n := int(l.Off[len(l.Off)-1])
	traces, err := d.fixed(kLinkTrace, n, 16)
	if err != nil {
		return err
	}
	spans, err := d.fixed(kLinkSpan, n, 8)
	if err != nil {
		return err
	}
	if len(traces) != 16*n || len(spans) != 8*n {
		return corrupt("row group at %d: ids of %d links are missing", d.d.info.Offset, n)
	}
	l.TraceID, l.SpanID = grow(l.TraceID, n), grow(l.SpanID, n)
	for i := range n {
		copy(l.TraceID[i][:], traces[16*i:])
		copy(l.SpanID[i][:], spans[8*i:])
	}
	if err := d.codes(&l.TraceState, kLinkState, n); err != nil {
		return err
	}
	if err := d.small(&l.Flags, kLinkFlags, n); err != nil {
		return err
	}
	return d.small(&l.Dropped, kLinkDropped, n)
}

// attrs reads the wanted attributes of n owners. want says which keys; all of them if it is nil and everything is
// wanted.
func (d *decoder) attrs(o owner, a *span.Attrs, n int, want map[string]bool) error {
	if !d.want.all && len(want) == 0 {
		return nil
	}
	a.Reset()
	if d.d.col(kShapes+kind(o)) == nil {
		a.Off = append(a.Off, make([]uint32, n+1)...)
		return nil
	}
	any, err := d.valueColumns(o, want)
	if err != nil {
		return err
	}
	if !any {
		a.Off = append(a.Off, make([]uint32, n+1)...)
		return nil
	}
	shapes, err := d.shapes(o)
	if err != nil {
		return err
	}
	ids, err := d.numbers(kShape+kind(o), n, 0)
	if err != nil {
		return err
	}
	a.Off = append(a.Off, 0)
	for _, id := range ids {
		if id >= uint64(len(shapes)) {
			return corrupt("row group at %d: shape %d of %d", d.d.info.Offset, id, len(shapes))
		}
		for _, p := range shapes[id] {
			c := &d.cols[p]
			if c.next >= c.count {
				return corrupt("row group at %d: values of %s are used up", d.d.info.Offset, d.d.cols[d.d.values[o][p]].colID)
			}
			val := uint64(0)
			if c.typ != span.TypeEmpty {
				val = c.vals[c.next]
			}
			c.next++
			a.Add(c.key, c.typ, val)
		}
		a.Off = append(a.Off, uint32(a.Len()))
	}
	return nil
}

// shapes reads the shapes of an owner's attributes, as far as their columns are wanted.
func (d *decoder) shapes(o owner) ([][]uint32, error) {
	col := d.d.col(kShapes + kind(o))
	raw, err := d.column(col)
	if err != nil {
		return nil, err
	}
	c := &cursor{src: raw}
	pairs := uint64(len(d.d.values[o]))
	shapes := make([][]uint32, 0, min(col.values, len(raw)))
	var all []uint32
	for range c.count("shapes") {
		lo := len(all)
		for range c.count("shape") {
			p := c.uvarint("pair", math.MaxUint32)
			if p >= pairs {
				c.fail("pair")
			}
			if c.err != nil {
				break
			}
			if d.cols[p].wanted {
				all = append(all, uint32(p))
			}
		}
		if c.err != nil {
			break
		}
		shapes = append(shapes, all[lo:len(all):len(all)])
	}
	if c.err != nil {
		return nil, corruptColumn(col, d.d, c.err)
	}
	return shapes, nil
}

// valueColumns reads the wanted value columns of an owner into d.cols and reports whether there are any.
func (d *decoder) valueColumns(o owner, want map[string]bool) (bool, error) {
	cols := d.d.values[o]
	d.cols = grow(d.cols, len(cols))
	any := false
	for n, i := range cols {
		c, v := &d.d.cols[i], &d.cols[n]
		vals := v.vals
		*v = valueColumn{wanted: d.want.all || want[c.key], typ: c.typ, vals: vals[:0], count: c.values}
		if !v.wanted {
			continue
		}
		any = true
		v.key = d.b.Strings.InternString(c.key)
		if err := d.values(v, c); err != nil {
			return false, err
		}
	}
	return any, nil
}

// values reads one value column.
func (d *decoder) values(v *valueColumn, c *column) error {
	if c.typ == span.TypeEmpty {
		return nil
	}
	raw, err := d.column(c)
	if err != nil {
		return err
	}
	switch c.typ {
	case span.TypeDouble:
		if len(raw) != 8*c.values {
			return corruptColumn(c, d.d, corrupt("%d bytes for %d doubles", len(raw), c.values))
		}
		v.vals = grow(v.vals, c.values)
		for i := range v.vals {
			v.vals[i] = binary.LittleEndian.Uint64(raw[8*i:])
		}
	case span.TypeInt, span.TypeBool:
		v.vals = grow(v.vals, c.values)
		if err := d.column64(c, v.vals); err != nil {
			return err
		}
		if c.typ == span.TypeInt {
			for i, u := range v.vals {
				v.vals[i] = uint64(codec.Unzigzag(u))
			}
		}
	default:
		codes := make([]span.Code, c.values)
		if err := d.strings(codes, c); err != nil {
			return err
		}
		v.vals = grow(v.vals, c.values)
		for i, code := range codes {
			v.vals[i] = uint64(code)
		}
	}
	return nil
}
