// SPDX-License-Identifier: Apache-2.0

package block

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/span"
)

// encoder turns the rows of a batch into one row group. It is reused from group to group.
type encoder struct {
	zstd *zstd.Encoder
	strs stringEncoder

	b    *span.Batch
	segs []segment
	cols []column
	body []byte
	pack []byte // raw bytes of the shared segment that is being filled

	packed int // columns before this one have their segment
	raw    []byte
	nums   []uint64
	u32    []uint32
	slot   map[span.SpanID]int32
	dir    []byte
}

// GroupInfo describes a row group.
type GroupInfo struct {
	// Rows and Traces are what it holds; a trace that goes on from the group before counts here too.
	Rows, Traces int
	// Times, unix ns: of span starts, of the starts of traces (as far as they are in the group), and the latest end.
	MinStart, MaxStart           int64
	MinTraceStart, MaxTraceStart int64
	MaxEnd                       int64
	// Offset and Bytes are its place in the file.
	Offset, Bytes int64
}

// group encodes all rows of b, which stand in trace order, and returns the bytes (valid until the next call) and what
// they are. The offset is left to the caller.
func (e *encoder) group(b *span.Batch) ([]byte, GroupInfo) {
	e.b = b
	e.segs, e.cols, e.body, e.pack, e.packed = e.segs[:0], e.cols[:0], e.body[:0], e.pack[:0], 0
	info := e.traces()
	e.spans()
	e.events()
	e.links()
	e.shared()
	e.attrs(ownerSpan, &b.Attrs)
	e.attrs(ownerEvent, &b.Events.Attrs)
	e.attrs(ownerLink, &b.Links.Attrs)
	e.flushPack()
	return e.assemble(info)
}

// column adds a column; small ones of attributes share segments.
func (e *encoder) column(id colID, values int, raw []byte) *column {
	c := column{colID: id, values: values, raw: len(raw)}
	if len(raw) < packBelow {
		if len(e.pack)+len(raw) > packLimit {
			e.flushPack()
		}
		// The segment that the pack becomes gets its number when it is written; -1 until then.
		c.segment, c.off = -1, len(e.pack)
		e.pack = append(e.pack, raw...)
	} else {
		c.segment = e.segment(raw)
	}
	e.cols = append(e.cols, c)
	return &e.cols[len(e.cols)-1]
}

func (e *encoder) flushPack() {
	n := -1
	for i := e.packed; i < len(e.cols); i++ {
		if e.cols[i].segment >= 0 {
			continue
		}
		if n < 0 {
			n = e.segment(e.pack)
		}
		e.cols[i].segment = n
	}
	e.packed, e.pack = len(e.cols), e.pack[:0]
}

// segment compresses raw, keeps it as it is if that saves nothing, and returns its number.
func (e *encoder) segment(raw []byte) int {
	start := len(e.body)
	e.body = e.zstd.EncodeAll(raw, e.body)
	s := segment{zstd: true, off: int64(start), raw: len(raw)}
	if len(e.body)-start >= len(raw) {
		s.zstd = false
		e.body = append(e.body[:start], raw...)
	}
	s.stored = len(e.body) - start
	s.checksum = xxhash.Sum64(e.body[start:])
	e.segs = append(e.segs, s)
	return len(e.segs) - 1
}

// numbers adds a column of unsigned numbers, unless all are the default.
func (e *encoder) numbers(k kind, vals []uint64, def uint64) {
	for _, v := range vals {
		if v != def {
			e.raw = codec.AppendColumn(e.raw[:0], vals)
			e.column(colID{kind: k}, len(vals), e.raw)
			return
		}
	}
}

// each collects f(i) for n rows into scratch.
func (e *encoder) each(n int, f func(i int) uint64) []uint64 {
	e.nums = e.nums[:0]
	for i := range n {
		e.nums = append(e.nums, f(i))
	}
	return e.nums
}

// codes adds a column of strings, unless all are empty.
func (e *encoder) codes(k kind, codes []span.Code) {
	for _, c := range codes {
		if c != 0 {
			e.raw = e.strs.append(e.raw[:0], &e.b.Strings, codes)
			e.column(colID{kind: k}, len(codes), e.raw)
			return
		}
	}
}

// bytes8 adds a column of n fixed-width values that f appends.
func (e *encoder) fixed(k kind, n int, f func(dst []byte, i int) []byte) {
	raw := e.raw[:0]
	for i := range n {
		raw = f(raw, i)
	}
	e.raw = raw
	e.column(colID{kind: k}, n, raw)
}

// traces adds the columns of traces, parents and starts.
func (e *encoder) traces() GroupInfo {
	b := e.b
	n := b.Len()
	info := GroupInfo{Rows: n, MinStart: math.MaxInt64, MaxStart: math.MinInt64, MinTraceStart: math.MaxInt64, MaxTraceStart: math.MinInt64, MaxEnd: math.MinInt64}
	var ids []span.TraceID
	var rows, short, parents, starts []uint64
	var parentRaw []span.SpanID
	wide := false
	var before int64
	for lo, hi := range b.Traces() {
		id := b.FullID(lo, hi)
		ids = append(ids, id)
		wide = wide || id.High() != 0
		rows = append(rows, uint64(hi-lo))
		start, end := b.Extent(lo, hi)
		info.MinTraceStart, info.MaxTraceStart = min(info.MinTraceStart, start), max(info.MaxTraceStart, start)
		info.MaxEnd = max(info.MaxEnd, end)
		if e.slot == nil {
			e.slot = map[span.SpanID]int32{}
		}
		clear(e.slot)
		for i := lo; i < hi; i++ {
			if _, ok := e.slot[b.SpanID[i]]; !ok {
				e.slot[b.SpanID[i]] = int32(i)
			}
		}
		for i := lo; i < hi; i++ {
			info.MinStart, info.MaxStart = min(info.MinStart, b.Start[i]), max(info.MaxStart, b.Start[i])
			if b.TraceID[i] != id {
				short = append(short, uint64(i))
			}
			ref := b.Start[lo]
			if i == lo {
				ref = before
			}
			switch parent, ok := e.slot[b.ParentID[i]]; {
			case b.ParentID[i].IsZero():
				parents = append(parents, 0)
			case !ok:
				parents = append(parents, 1)
				parentRaw = append(parentRaw, b.ParentID[i])
			default:
				parents = append(parents, 2+codec.Zigzag(int64(i)-int64(parent)))
				if int(parent) < i {
					ref = b.Start[parent]
				}
			}
			starts = append(starts, codec.Zigzag(b.Start[i]-ref))
		}
		before = b.Start[lo]
	}
	info.Traces = len(ids)
	e.fixed(kTraceKey, len(ids), func(dst []byte, i int) []byte { return append(dst, ids[i][8:]...) })
	if wide {
		e.fixed(kTraceHigh, len(ids), func(dst []byte, i int) []byte { return append(dst, ids[i][:8]...) })
	}
	e.numbers(kTraceRows, rows, 0)
	if len(short) > 0 {
		e.raw = codec.AppendColumn(e.raw[:0], short)
		e.column(colID{kind: kTraceShort}, len(short), e.raw)
	}
	e.fixed(kSpanID, n, func(dst []byte, i int) []byte { return append(dst, b.SpanID[i][:]...) })
	e.numbers(kParent, parents, 0)
	if len(parentRaw) > 0 {
		e.fixed(kParentRaw, len(parentRaw), func(dst []byte, i int) []byte { return append(dst, parentRaw[i][:]...) })
	}
	e.numbers(kStart, starts, 0)
	return info
}

// spans adds the other columns of spans.
func (e *encoder) spans() {
	b := e.b
	n := b.Len()
	e.signed(kDuration, n, func(i int) int64 { return b.Duration[i] })
	e.signed(kKind, n, func(i int) int64 { return int64(b.Kind[i]) })
	e.signed(kStatus, n, func(i int) int64 { return int64(b.Status[i]) })
	e.codes(kName, b.Name)
	e.codes(kStatusMessage, b.StatusMessage)
	e.codes(kTraceState, b.TraceState)
	e.small(kFlags, b.Flags)
	e.small(kDroppedAttrs, b.DroppedAttrs)
	e.small(kDroppedEvents, b.DroppedEvents)
	e.small(kDroppedLinks, b.DroppedLinks)
	e.numbers(kHeadWeight, e.each(n, func(i int) uint64 { return uint64(math.Float32bits(b.HeadWeight[i])) }), 0)
	e.numbers(kTraceWeight, e.each(n, func(i int) uint64 { return uint64(math.Float32bits(b.TraceWeight[i])) }), uint64(math.Float32bits(1)))
	e.numbers(kNotes, e.each(n, func(i int) uint64 { return uint64(b.Notes[i]) }), 0)
	e.small(kResource, b.Resource)
	e.small(kScope, b.Scope)
}

// signed adds a column of signed numbers with statistics; it is left out if all are zero.
func (e *encoder) signed(k kind, n int, f func(i int) int64) {
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	vals := e.each(n, func(i int) uint64 {
		v := f(i)
		lo, hi = min(lo, v), max(hi, v)
		return codec.Zigzag(v)
	})
	if lo == 0 && hi == 0 || n == 0 {
		return
	}
	e.raw = codec.AppendColumn(e.raw[:0], vals)
	c := e.column(colID{kind: k}, n, e.raw)
	c.stats, c.min, c.max = true, lo, hi
}

func (e *encoder) small(k kind, vals []uint32) {
	e.numbers(k, e.each(len(vals), func(i int) uint64 { return uint64(vals[i]) }), 0)
}

// counts adds the number of rows that each owner has in a table.
func (e *encoder) counts(k kind, off []uint32) {
	e.numbers(k, e.each(max(0, len(off)-1), func(i int) uint64 { return uint64(off[i+1] - off[i]) }), 0)
}

func (e *encoder) events() {
	b := e.b
	if len(b.Events.Time) == 0 {
		return
	}
	e.counts(kEventCount, b.Events.Off)
	times := e.nums[:0]
	for i := range b.Len() {
		lo, hi := b.Events.Range(i)
		for ev := lo; ev < hi; ev++ {
			times = append(times, codec.Zigzag(b.Events.Time[ev]-b.Start[i]))
		}
	}
	e.nums = times
	e.numbers(kEventTime, times, 0)
	e.codes(kEventName, b.Events.Name)
	e.small(kEventDropped, b.Events.Dropped)
}

func (e *encoder) links() {
	l := &e.b.Links
	n := len(l.TraceID)
	if n == 0 {
		return
	}
	e.counts(kLinkCount, l.Off)
	e.fixed(kLinkTrace, n, func(dst []byte, i int) []byte { return append(dst, l.TraceID[i][:]...) })
	e.fixed(kLinkSpan, n, func(dst []byte, i int) []byte { return append(dst, l.SpanID[i][:]...) })
	e.codes(kLinkState, l.TraceState)
	e.small(kLinkFlags, l.Flags)
	e.small(kLinkDropped, l.Dropped)
}

// shared adds the tables of resources and scopes.
func (e *encoder) shared() {
	b := e.b
	if r := &b.Resources; r.Len() > 0 {
		raw := e.raw[:0]
		for i := range r.Len() {
			raw = codec.AppendUvarint(raw, uint64(r.Dropped[i]))
			raw = appendBytes(raw, b.Strings.Bytes(r.SchemaURL[i]))
			raw = appendBytes(raw, b.Strings.Bytes(r.EntityRefs[i]))
			raw = appendAttrs(raw, b, &r.Attrs, i)
		}
		e.raw = raw
		e.column(colID{kind: kResources}, r.Len(), raw)
	}
	if s := &b.Scopes; s.Len() > 0 {
		raw := e.raw[:0]
		for i := range s.Len() {
			raw = appendBytes(raw, b.Strings.Bytes(s.Name[i]))
			raw = appendBytes(raw, b.Strings.Bytes(s.Version[i]))
			raw = codec.AppendUvarint(raw, uint64(s.Dropped[i]))
			raw = appendBytes(raw, b.Strings.Bytes(s.SchemaURL[i]))
			raw = appendAttrs(raw, b, &s.Attrs, i)
		}
		e.raw = raw
		e.column(colID{kind: kScopes}, s.Len(), raw)
	}
}

func appendBytes(dst, v []byte) []byte {
	return append(codec.AppendUvarint(dst, uint64(len(v))), v...)
}

// appendAttrs appends an owner's attributes with their strings in place.
func appendAttrs(dst []byte, b *span.Batch, a *span.Attrs, owner int) []byte {
	lo, hi := a.Range(owner)
	dst = codec.AppendUvarint(dst, uint64(hi-lo))
	for i := lo; i < hi; i++ {
		dst = appendBytes(dst, b.Strings.Bytes(a.Key[i]))
		dst = append(dst, byte(a.Type[i]))
		if a.Type[i].InStrings() {
			dst = appendBytes(dst, b.Strings.Bytes(span.Code(a.Val[i])))
		} else {
			dst = codec.AppendUvarint(dst, a.Val[i])
		}
	}
	return dst
}

// attrs adds the columns of one owner's attributes.
func (e *encoder) attrs(o owner, a *span.Attrs) {
	if a.Len() == 0 {
		return
	}
	type pair struct {
		key span.Code
		typ span.Type
	}
	pairs := map[pair]int{}
	var order []pair
	var rows [][]uint32 // by pair, the attribute rows
	shapes := map[string]uint32{}
	var shapeBytes, shape []byte
	ids := e.nums[:0]
	for own := range a.Owners() {
		lo, hi := a.Range(own)
		shape = codec.AppendUvarint(shape[:0], uint64(hi-lo))
		for i := lo; i < hi; i++ {
			p := pair{a.Key[i], a.Type[i]}
			n, ok := pairs[p]
			if !ok {
				n = len(order)
				pairs[p] = n
				order = append(order, p)
				rows = append(rows, nil)
			}
			rows[n] = append(rows[n], uint32(i))
			shape = codec.AppendUvarint(shape, uint64(n))
		}
		id, ok := shapes[string(shape)]
		if !ok {
			id = uint32(len(shapes))
			shapes[string(shape)] = id
			shapeBytes = append(shapeBytes, shape...)
		}
		ids = append(ids, uint64(id))
	}
	e.nums = ids
	e.numbers(kShape+kind(o), ids, 0)
	e.raw = append(codec.AppendUvarint(e.raw[:0], uint64(len(shapes))), shapeBytes...)
	e.column(colID{kind: kShapes + kind(o)}, len(shapes), e.raw)
	for n, p := range order {
		id := colID{kind: kValue, owner: o, key: e.b.Strings.String(p.key), typ: p.typ}
		e.values(id, a, rows[n])
	}
}

// values adds the column of one (key, type).
func (e *encoder) values(id colID, a *span.Attrs, rows []uint32) {
	raw := e.raw[:0]
	lo, hi, stats := int64(math.MaxInt64), int64(math.MinInt64), false
	switch id.typ {
	case span.TypeString, span.TypeBytes, span.TypeArray, span.TypeMap:
		codes := e.u32[:0]
		for _, r := range rows {
			codes = append(codes, span.Code(a.Val[r]))
		}
		e.u32 = codes
		raw = e.strs.append(raw, &e.b.Strings, codes)
	case span.TypeInt:
		stats = true
		raw = codec.AppendColumn(raw, e.each(len(rows), func(i int) uint64 {
			v := int64(a.Val[rows[i]])
			lo, hi = min(lo, v), max(hi, v)
			return codec.Zigzag(v)
		}))
	case span.TypeBool:
		raw = codec.AppendColumn(raw, e.each(len(rows), func(i int) uint64 { return a.Val[rows[i]] }))
	case span.TypeDouble:
		stats = true
		for _, r := range rows {
			v := orderedDouble(a.Val[r])
			lo, hi = min(lo, v), max(hi, v)
			raw = binary.LittleEndian.AppendUint64(raw, a.Val[r])
		}
	}
	e.raw = raw
	c := e.column(id, len(rows), raw)
	c.stats, c.min, c.max = stats, lo, hi
}

// orderedDouble maps the bits of doubles to integers of the same order; NaNs lie beyond the infinities.
func orderedDouble(bits uint64) int64 {
	if bits>>63 != 0 {
		return int64(^bits | 1<<63) // negative: the larger the magnitude, the smaller
	}
	return int64(bits)
}

// assemble writes header, directory and body.
func (e *encoder) assemble(info GroupInfo) ([]byte, GroupInfo) {
	d := e.dir[:0]
	d = append(d, groupMagic...)
	d = append(d, make([]byte, groupFixed-len(groupMagic))...)
	d = codec.AppendUvarint(d, uint64(info.Rows))
	d = codec.AppendUvarint(d, uint64(info.Traces))
	d = appendTimes(d, info)
	d = codec.AppendUvarint(d, uint64(len(e.segs)))
	for _, s := range e.segs {
		flags := byte(0)
		if s.zstd {
			flags = 1
		}
		d = append(d, flags)
		d = codec.AppendUvarint(d, uint64(s.stored))
		d = codec.AppendUvarint(d, uint64(s.raw))
		d = binary.LittleEndian.AppendUint64(d, s.checksum)
	}
	d = codec.AppendUvarint(d, uint64(len(e.cols)))
	for i := range e.cols {
		c := &e.cols[i]
		d = append(d, byte(c.kind))
		if c.kind == kValue {
			d = append(d, byte(c.owner))
			d = appendBytes(d, []byte(c.key))
			d = append(d, byte(c.typ))
		}
		d = codec.AppendUvarint(d, uint64(c.values))
		d = codec.AppendUvarint(d, uint64(c.segment))
		d = codec.AppendUvarint(d, uint64(c.raw))
		if c.stats {
			d = append(d, 1)
			d = codec.AppendVarint(d, c.min)
			d = codec.AppendVarint(d, c.max)
		} else {
			d = append(d, 0)
		}
	}
	d = appendKeys(d, e.b, &e.b.Resources.Attrs)
	d = appendKeys(d, e.b, &e.b.Scopes.Attrs)
	binary.LittleEndian.PutUint32(d[8:], uint32(len(d)-groupFixed))
	binary.LittleEndian.PutUint64(d[12:], uint64(len(e.body)))
	binary.LittleEndian.PutUint64(d[20:], xxhash.Sum64(d[groupFixed:]))
	d = append(d, e.body...)
	e.dir = d
	info.Bytes = int64(len(d))
	return d, info
}

// check refuses what no reader would read; see limits.go.
func (e *encoder) check() error {
	raw, values := 0, 0
	for i := range e.segs {
		raw += e.segs[i].raw
	}
	for i := range e.cols {
		values += e.cols[i].values
	}
	if raw > maxRaw || values > maxValues {
		return fmt.Errorf("block writer: row group of %d rows with %d values in %d bytes, at most %d and %d can be read", e.b.Len(), values, raw, maxValues, maxRaw)
	}
	return nil
}

func appendTimes(dst []byte, g GroupInfo) []byte {
	dst = codec.AppendVarint(dst, g.MinStart)
	dst = codec.AppendVarint(dst, g.MaxStart)
	dst = codec.AppendVarint(dst, g.MinTraceStart)
	dst = codec.AppendVarint(dst, g.MaxTraceStart)
	return codec.AppendVarint(dst, g.MaxEnd)
}

// appendKeys appends the distinct keys of a table with a bit for each of their types.
func appendKeys(dst []byte, b *span.Batch, a *span.Attrs) []byte {
	types := map[span.Code]uint16{}
	var order []span.Code
	for i, k := range a.Key {
		if types[k] == 0 {
			order = append(order, k)
		}
		types[k] |= 1 << a.Type[i]
	}
	dst = codec.AppendUvarint(dst, uint64(len(order)))
	for _, k := range order {
		dst = appendBytes(dst, b.Strings.Bytes(k))
		dst = codec.AppendUvarint(dst, uint64(types[k]))
	}
	return dst
}
