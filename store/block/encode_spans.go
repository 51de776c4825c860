// SPDX-License-Identifier: Apache-2.0

package block

import (
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/clew-tracing/clew/base/codec"
	"github.com/clew-tracing/clew/span"
)

// slotTable finds the first row of a span id within a trace.
type slotTable struct {
	rows []int32 // row plus one; 0 is free
	odd  uint64  // see span.Trace: no client can choose ids that collide
	log  int
}

// reset makes room for n ids.
func (s *slotTable) reset(n int) {
	if s.odd == 0 {
		s.odd = rand.Uint64() | 1
	}
	s.log = bits.Len(uint(max(8, n-1))) + 1
	s.rows = grow(s.rows, 1<<s.log)
	clear(s.rows)
}

// find returns where id is or would be.
func (s *slotTable) find(ids []span.SpanID, id span.SpanID) *int32 {
	mask := uint64(len(s.rows) - 1)
	for i := id.Uint64() * s.odd >> (64 - s.log); ; i = (i + 1) & mask {
		if r := s.rows[i]; r == 0 || ids[r-1] == id {
			return &s.rows[i]
		}
	}
}

// traces adds the columns of traces, ids, parents and starts.
func (e *encoder) traces() GroupInfo {
	b := e.b
	n := b.Len()
	info := GroupInfo{Rows: n, MinStart: math.MaxInt64, MaxStart: math.MinInt64, MinTraceStart: math.MaxInt64, MaxTraceStart: math.MinInt64, MaxEnd: math.MinInt64}
	var ids []span.TraceID
	var rows, short []uint64
	var parentRaw []span.SpanID
	parents := e.nums[:0]
	e.parents = grow(e.parents, n)
	wide := false
	for lo, hi := range b.Traces() {
		id := b.FullID(lo, hi)
		ids = append(ids, id)
		wide = wide || id.High() != 0
		rows = append(rows, uint64(hi-lo))
		start, end := b.Extent(lo, hi)
		info.MinTraceStart, info.MaxTraceStart = min(info.MinTraceStart, start), max(info.MaxTraceStart, start)
		info.MaxEnd = max(info.MaxEnd, end)
		e.slots.reset(hi - lo)
		for i := lo; i < hi; i++ {
			if at := e.slots.find(b.SpanID, b.SpanID[i]); *at == 0 {
				*at = int32(i + 1)
			}
		}
		for i := lo; i < hi; i++ {
			info.MinStart, info.MaxStart = min(info.MinStart, b.Start[i]), max(info.MaxStart, b.Start[i])
			if b.TraceID[i] != id {
				short = append(short, uint64(i))
			}
			e.parents[i] = -1
			if b.ParentID[i].IsZero() {
				parents = append(parents, 0)
				continue
			}
			parent := *e.slots.find(b.SpanID, b.ParentID[i]) - 1
			if parent < 0 {
				parents = append(parents, 1)
				parentRaw = append(parentRaw, b.ParentID[i])
				continue
			}
			parents = append(parents, 2+codec.Zigzag(int64(i)-int64(parent)))
			if int(parent) < i {
				e.parents[i] = parent
			}
		}
	}
	e.nums = parents
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
	e.bits(kStart, kStartBits, e.starts(rows))
	return info
}

// starts returns each start's distance to the one before, those of first rows of traces to each other.
func (e *encoder) starts(rows []uint64) []uint64 {
	b, vals, row := e.b, e.nums[:0], 0
	var first int64
	for _, n := range rows {
		before := first
		first = b.Start[row]
		for end := row + int(n); row < end; row++ {
			vals = append(vals, uint64(b.Start[row]-before))
			before = b.Start[row]
		}
	}
	e.nums = vals
	return vals
}

// spans adds the other columns of spans, with their attributes.
func (e *encoder) spans() {
	b := e.b
	n := b.Len()
	if c := e.bits(kDuration, kDurationBits, e.each(n, func(i int) uint64 { return uint64(b.Duration[i]) })); c != nil {
		c.stats, c.min, c.max = true, b.Duration[0], b.Duration[0]
		for _, d := range b.Duration {
			c.min, c.max = min(c.min, d), max(c.max, d)
		}
	}
	shapes := e.attrs(ownerSpan, &b.Attrs)
	e.templates(shapes)
	e.values(ownerSpan, &b.Attrs)
	e.signed(colID{kind: kStatus}, e.each(n, func(i int) uint64 { return uint64(int64(b.Status[i])) }))
	e.codes(kStatusMessage, b.StatusMessage)
	e.codes(kTraceState, b.TraceState)
	e.small(kFlags, b.Flags)
	e.small(kDroppedAttrs, b.DroppedAttrs)
	e.small(kDroppedEvents, b.DroppedEvents)
	e.small(kDroppedLinks, b.DroppedLinks)
	e.numbers(kHeadWeight, e.each(n, func(i int) uint64 { return uint64(math.Float32bits(b.HeadWeight[i])) }), 0)
	e.numbers(kTraceWeight, e.each(n, func(i int) uint64 { return uint64(math.Float32bits(b.TraceWeight[i])) }), uint64(math.Float32bits(1)))
	e.numbers(kNotes, e.each(n, func(i int) uint64 { return uint64(b.Notes[i]) }), 0)
	e.numbers(kResource, e.each(n, func(i int) uint64 {
		before := uint32(0)
		if p := e.parents[i]; p >= 0 {
			before = b.Resource[p]
		}
		if b.Resource[i] == before {
			return 0
		}
		return uint64(b.Resource[i]) + 1
	}), 0)
}

// templates adds what spans of one place in the code have in common: name, kind, scope and shape.
func (e *encoder) templates(shapes []uint32) {
	type template struct {
		name  span.Code
		kind  span.Kind
		scope uint32
		shape uint32
	}
	b := e.b
	known := map[template]uint64{}
	var all []template
	last, lastNumber := template{}, uint64(0)
	e.numbers(kTemplate, e.each(b.Len(), func(i int) uint64 {
		t := template{name: b.Name[i], kind: b.Kind[i], scope: b.Scope[i]}
		if shapes != nil {
			t.shape = shapes[i]
		}
		if t == last && lastNumber > 0 {
			return lastNumber
		}
		last = t
		if lastNumber = known[t]; lastNumber > 0 {
			return lastNumber
		}
		all = append(all, t)
		lastNumber = uint64(len(all))
		known[t] = lastNumber
		return 0
	}), 0)
	names := e.u32[:0]
	for _, t := range all {
		names = append(names, t.name)
	}
	e.u32 = names
	e.codes(kName, names)
	e.signed(colID{kind: kKind}, e.each(len(all), func(i int) uint64 { return uint64(int64(all[i].kind)) }))
	e.numbers(kScope, e.each(len(all), func(i int) uint64 { return uint64(all[i].scope) }), 0)
	e.numbers(kShape+kind(ownerSpan), e.each(len(all), func(i int) uint64 { return uint64(all[i].shape) }), 0)
}

// counts adds the number of rows that each owner has in a table.
func (e *encoder) counts(k kind, off []uint32) {
	e.numbers(k, e.each(max(0, len(off)-1), func(i int) uint64 { return uint64(off[i+1] - off[i]) }), 0)
}

func (e *encoder) events() {
	b := e.b
	n := len(b.Events.Time)
	if n == 0 {
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
	e.small(kShape+kind(ownerEvent), e.attrs(ownerEvent, &b.Events.Attrs))
	e.values(ownerEvent, &b.Events.Attrs)
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
	e.small(kShape+kind(ownerLink), e.attrs(ownerLink, &l.Attrs))
	e.values(ownerLink, &l.Attrs)
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
