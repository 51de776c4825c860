// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"encoding/binary"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/clew-tracing/clew/span"
)

// AppendProto appends the given rows of b (all of them if rows is nil) as the fields of an ExportTraceServiceRequest,
// which are also those of TracesData and of Tempo's Trace. What several calls append is one message again, so that
// spans of several batches can follow one another.
func (e *Encoder) AppendProto(dst []byte, b *span.Batch, rows []int32) []byte {
	e.plan(b, rows)
	e.measure()
	e.out.buf = dst
	e.proto()
	dst = e.out.buf
	e.release()
	return dst
}

// WriteProto writes what [Encoder.AppendProto] appends, a piece at a time. The error is w's.
func (e *Encoder) WriteProto(w io.Writer, b *span.Batch, rows []int32) error {
	e.plan(b, rows)
	e.measure()
	e.out.w = w
	e.proto()
	e.out.flush(0)
	err := e.out.err
	e.release()
	return err
}

// SizeProto returns how many bytes [Encoder.AppendProto] would append.
func (e *Encoder) SizeProto(b *span.Batch, rows []int32) int {
	e.plan(b, rows)
	n := e.measure()
	e.release()
	return n
}

func sizeVarint(v uint64) int { return protowire.SizeVarint(v) }

// sizeField is the size of a length-delimited field with a tag of one byte (field numbers up to 15).
func sizeField(n int) int { return 1 + sizeVarint(uint64(n)) + n }

// sizeNonEmpty is sizeField for what is left out when empty.
func sizeNonEmpty(n int) int {
	if n == 0 {
		return 0
	}
	return sizeField(n)
}

func sizeNumber(v uint64) int {
	if v == 0 {
		return 0
	}
	return 1 + sizeVarint(v)
}

// measure fills sizes in the order in which proto uses them: for each resource its ResourceSpans, for each group its
// ScopeSpans, for each row its Span. It returns the size of all.
func (e *Encoder) measure() int {
	e.sizes = e.sizes[:0]
	total := 0
	for lo := 0; lo < len(e.groups); {
		hi := e.resourceEnd(lo)
		slot := len(e.sizes)
		e.sizes = append(e.sizes, 0)
		n := e.sizeResource(e.groups[lo].resource)
		for _, g := range e.groups[lo:hi] {
			slot := len(e.sizes)
			e.sizes = append(e.sizes, 0)
			m := e.sizeScope(g.scope)
			for _, r := range e.rows[g.lo:g.hi] {
				s := e.sizeSpan(int(r))
				e.sizes = append(e.sizes, s)
				m += sizeField(s)
			}
			e.sizes[slot] = m
			n += sizeField(m)
		}
		e.sizes[slot] = n
		total += sizeField(n)
		lo = hi
	}
	return total
}

func (e *Encoder) proto() {
	sizes := e.sizes
	for lo := 0; lo < len(e.groups); {
		hi := e.resourceEnd(lo)
		e.header(tagRequestResourceSpans, sizes[0])
		sizes = sizes[1:]
		e.resource(e.groups[lo].resource)
		for _, g := range e.groups[lo:hi] {
			e.header(tagResourceSpansScopes, sizes[0])
			sizes = sizes[1:]
			e.scope(g.scope)
			for _, r := range e.rows[g.lo:g.hi] {
				e.header(tagScopeSpansSpans, sizes[0])
				sizes = sizes[1:]
				e.span(int(r))
				e.out.flush(flushSize)
			}
			if schema := e.scopeSchema(g.scope); schema != "" {
				e.string(tagScopeSpansSchema, schema)
			}
		}
		if schema := e.resourceSchema(e.groups[lo].resource); schema != "" {
			e.string(tagResourceSpansSchema, schema)
		}
		lo = hi
	}
}

// ---- writing ----

func (e *Encoder) header(tag uint32, size int) {
	e.out.buf = binary.AppendUvarint(append(e.out.buf, byte(tag)), uint64(size))
}

func (e *Encoder) string(tag uint32, v string) {
	e.header(tag, len(v))
	e.out.buf = append(e.out.buf, v...)
}

func (e *Encoder) nonEmpty(tag uint32, v string) {
	if v != "" {
		e.string(tag, v)
	}
}

func (e *Encoder) number(tag uint32, v uint64) {
	if v != 0 {
		e.out.buf = binary.AppendUvarint(append(e.out.buf, byte(tag)), v)
	}
}

func (e *Encoder) fixed64(tag uint32, v uint64) {
	if v != 0 {
		e.out.buf = binary.LittleEndian.AppendUint64(append(e.out.buf, byte(tag)), v)
	}
}

func (e *Encoder) str(c span.Code) string { return e.b.Strings.String(c) }

// ---- resources ----

func (e *Encoder) resourceSchema(r uint32) string { return e.str(at(e.b.Resources.SchemaURL, int(r))) }

// sizeResource is the size of all fields of ResourceSpans that do not depend on the spans.
func (e *Encoder) sizeResource(r uint32) int {
	n := sizeNonEmpty(len(e.resourceSchema(r)))
	if body := e.sizeResourceBody(r); body > 0 || e.EmitEmpty {
		n += sizeField(body)
	}
	return n
}

func (e *Encoder) sizeResourceBody(r uint32) int {
	rs := &e.b.Resources
	n := e.sizeAttrs(&rs.Attrs, int(r)) + sizeNumber(uint64(at(rs.Dropped, int(r))))
	e.entities(r, func(ref entity) { n += sizeField(ref.size()) })
	return n
}

func (e *Encoder) resource(r uint32) {
	rs := &e.b.Resources
	body := e.sizeResourceBody(r)
	if body == 0 && !e.EmitEmpty {
		return
	}
	e.header(tagResourceSpansResource, body)
	e.attrs(tagResourceAttributes, &rs.Attrs, int(r))
	e.number(tagResourceDropped, uint64(at(rs.Dropped, int(r))))
	e.entities(r, func(ref entity) {
		e.header(tagResourceEntities, ref.size())
		e.nonEmpty(tagEntitySchema, ref.schemaURL)
		e.nonEmpty(tagEntityType, ref.typ)
		for _, k := range ref.idKeys {
			e.string(tagEntityIDKeys, k)
		}
		for _, k := range ref.descriptionKeys {
			e.string(tagEntityDescriptions, k)
		}
	})
}

// entity is an EntityRef of a resource.
type entity struct {
	schemaURL, typ          string
	idKeys, descriptionKeys []string
}

func (r entity) size() int {
	n := sizeNonEmpty(len(r.schemaURL)) + sizeNonEmpty(len(r.typ))
	for _, k := range r.idKeys {
		n += sizeField(len(k))
	}
	for _, k := range r.descriptionKeys {
		n += sizeField(len(k))
	}
	return n
}

// entities calls f for every entity reference of a resource.
func (e *Encoder) entities(r uint32, f func(entity)) {
	refs := at(e.b.Resources.EntityRefs, int(r))
	if refs == 0 {
		return
	}
	list := func(v span.Value) (keys []string) {
		_ = v.Elems(func(k span.Value) bool { keys = append(keys, k.Str); return true })
		return keys
	}
	// What is malformed here was so in the store; the references that can be read are written.
	_ = span.Value{Type: span.TypeArray, Str: e.str(refs)}.Elems(func(v span.Value) bool {
		var ref entity
		_ = v.Entries(func(key string, v span.Value) bool {
			switch key {
			case string(entitySchemaURL):
				ref.schemaURL = v.Str
			case string(entityType):
				ref.typ = v.Str
			case string(entityIDKeys):
				ref.idKeys = list(v)
			case string(entityDescriptionKeys):
				ref.descriptionKeys = list(v)
			}
			return true
		})
		f(ref)
		return true
	})
}

// ---- scopes ----

func (e *Encoder) scopeSchema(s uint32) string { return e.str(at(e.b.Scopes.SchemaURL, int(s))) }

// sizeScope is the size of all fields of ScopeSpans but the spans.
func (e *Encoder) sizeScope(s uint32) int {
	n := sizeNonEmpty(len(e.scopeSchema(s)))
	if body := e.sizeScopeBody(s); body > 0 || e.EmitEmpty {
		n += sizeField(body)
	}
	return n
}

func (e *Encoder) sizeScopeBody(s uint32) int {
	ss := &e.b.Scopes
	return sizeNonEmpty(len(e.str(at(ss.Name, int(s))))) + sizeNonEmpty(len(e.str(at(ss.Version, int(s))))) +
		e.sizeAttrs(&ss.Attrs, int(s)) + sizeNumber(uint64(at(ss.Dropped, int(s))))
}

func (e *Encoder) scope(s uint32) {
	ss := &e.b.Scopes
	body := e.sizeScopeBody(s)
	if body == 0 && !e.EmitEmpty {
		return
	}
	e.header(tagScopeSpansScope, body)
	e.nonEmpty(tagScopeName, e.str(at(ss.Name, int(s))))
	e.nonEmpty(tagScopeVersion, e.str(at(ss.Version, int(s))))
	e.attrs(tagScopeAttributes, &ss.Attrs, int(s))
	e.number(tagScopeDropped, uint64(at(ss.Dropped, int(s))))
}

// ---- spans ----

func (e *Encoder) sizeStatus(i int) int {
	return sizeNonEmpty(len(e.str(at(e.b.StatusMessage, i)))) + sizeNumber(uint64(at(e.b.Status, i)))
}

func (e *Encoder) sizeSpan(i int) int {
	b := e.b
	n := sizeField(len(span.TraceID{})) + sizeField(len(span.SpanID{}))
	if !b.ParentID[i].IsZero() {
		n += sizeField(len(span.SpanID{}))
	}
	n += sizeNonEmpty(len(e.str(at(b.TraceState, i)))) + sizeNonEmpty(len(e.str(at(b.Name, i)))) + sizeNumber(uint64(at(b.Kind, i)))
	if b.Start[i] != 0 {
		n += 9
	}
	if b.End(i) != 0 {
		n += 9
	}
	n += e.sizeAttrs(&b.Attrs, i)
	n += sizeNumber(uint64(at(b.DroppedAttrs, i))) + sizeNumber(uint64(at(b.DroppedEvents, i))) + sizeNumber(uint64(at(b.DroppedLinks, i)))
	lo, hi := b.Events.Range(i)
	for r := lo; r < hi; r++ {
		n += sizeField(e.sizeEvent(r))
	}
	lo, hi = b.Links.Range(i)
	for r := lo; r < hi; r++ {
		n += sizeField(e.sizeLink(r))
	}
	if s := e.sizeStatus(i); s > 0 || e.EmitEmpty {
		n += sizeField(s)
	}
	if at(b.Flags, i) != 0 {
		n += 2 + 4
	}
	return n
}

func (e *Encoder) span(i int) {
	b := e.b
	e.header(tagSpanTraceID, len(b.TraceID[i]))
	e.out.buf = append(e.out.buf, b.TraceID[i][:]...)
	e.header(tagSpanID, len(b.SpanID[i]))
	e.out.buf = append(e.out.buf, b.SpanID[i][:]...)
	e.nonEmpty(tagSpanTraceState, e.str(at(b.TraceState, i)))
	if !b.ParentID[i].IsZero() {
		e.header(tagSpanParentID, len(b.ParentID[i]))
		e.out.buf = append(e.out.buf, b.ParentID[i][:]...)
	}
	e.nonEmpty(tagSpanName, e.str(at(b.Name, i)))
	e.number(tagSpanKind, uint64(at(b.Kind, i)))
	e.fixed64(tagSpanStart, uint64(b.Start[i]))
	e.fixed64(tagSpanEnd, uint64(b.End(i)))
	e.attrs(tagSpanAttributes, &b.Attrs, i)
	e.number(tagSpanDroppedAttrs, uint64(at(b.DroppedAttrs, i)))
	lo, hi := b.Events.Range(i)
	for r := lo; r < hi; r++ {
		e.header(tagSpanEvents, e.sizeEvent(r))
		e.fixed64(tagEventTime, uint64(b.Events.Time[r]))
		e.nonEmpty(tagEventName, e.str(b.Events.Name[r]))
		e.attrs(tagEventAttributes, &b.Events.Attrs, r)
		e.number(tagEventDropped, uint64(b.Events.Dropped[r]))
	}
	e.number(tagSpanDroppedEvents, uint64(at(b.DroppedEvents, i)))
	lo, hi = b.Links.Range(i)
	for r := lo; r < hi; r++ {
		e.link(r)
	}
	e.number(tagSpanDroppedLinks, uint64(at(b.DroppedLinks, i)))
	if s := e.sizeStatus(i); s > 0 || e.EmitEmpty {
		e.header(tagSpanStatus, s)
		e.nonEmpty(tagStatusMessage, e.str(at(b.StatusMessage, i)))
		e.number(tagStatusCode, uint64(at(b.Status, i)))
	}
	if f := at(b.Flags, i); f != 0 { // field 16: a tag of two bytes
		e.out.buf = binary.AppendUvarint(e.out.buf, uint64(tagSpanFlags))
		e.out.buf = binary.LittleEndian.AppendUint32(e.out.buf, f)
	}
}

func (e *Encoder) sizeEvent(r int) int {
	ev := &e.b.Events
	n := sizeNonEmpty(len(e.str(ev.Name[r]))) + e.sizeAttrs(&ev.Attrs, r) + sizeNumber(uint64(ev.Dropped[r]))
	if ev.Time[r] != 0 {
		n += 9
	}
	return n
}

func (e *Encoder) sizeLink(r int) int {
	l := &e.b.Links
	n := sizeNonEmpty(len(e.str(l.TraceState[r]))) + e.sizeAttrs(&l.Attrs, r) + sizeNumber(uint64(l.Dropped[r]))
	if !l.TraceID[r].IsZero() {
		n += sizeField(len(l.TraceID[r]))
	}
	if !l.SpanID[r].IsZero() {
		n += sizeField(len(l.SpanID[r]))
	}
	if l.Flags[r] != 0 {
		n += 5
	}
	return n
}

func (e *Encoder) link(r int) {
	l := &e.b.Links
	e.header(tagSpanLinks, e.sizeLink(r))
	if !l.TraceID[r].IsZero() {
		e.header(tagLinkTraceID, len(l.TraceID[r]))
		e.out.buf = append(e.out.buf, l.TraceID[r][:]...)
	}
	if !l.SpanID[r].IsZero() {
		e.header(tagLinkSpanID, len(l.SpanID[r]))
		e.out.buf = append(e.out.buf, l.SpanID[r][:]...)
	}
	e.nonEmpty(tagLinkTraceState, e.str(l.TraceState[r]))
	e.attrs(tagLinkAttributes, &l.Attrs, r)
	e.number(tagLinkDropped, uint64(l.Dropped[r]))
	if l.Flags[r] != 0 {
		e.out.buf = binary.LittleEndian.AppendUint32(append(e.out.buf, byte(tagLinkFlags)), l.Flags[r])
	}
}

// ---- attributes and values ----

func (e *Encoder) sizeAttrs(a *span.Attrs, owner int) int {
	n := 0
	lo, hi := a.Range(owner)
	for i := lo; i < hi; i++ {
		n += sizeField(e.sizeKeyValue(len(e.str(a.Key[i])), e.sizeRoot(e.b.Value(a, i))))
	}
	return n
}

func (e *Encoder) attrs(tag uint32, a *span.Attrs, owner int) {
	lo, hi := a.Range(owner)
	for i := lo; i < hi; i++ {
		v := e.b.Value(a, i)
		size := e.sizeRoot(v)
		key := e.str(a.Key[i])
		e.header(tag, e.sizeKeyValue(len(key), size))
		e.nonEmpty(tagKeyValueKey, key)
		e.header(tagKeyValueValue, size)
		if v.Type == span.TypeArray || v.Type == span.TypeMap {
			e.composite(v.Type, v.Str)
		} else {
			e.scalar(v)
		}
	}
}

func (e *Encoder) sizeKeyValue(key, value int) int { return sizeNonEmpty(key) + sizeField(value) }

// sizeRoot is the size of an attribute's AnyValue. Of an array or map it leaves the sizes of what is nested in it.
func (e *Encoder) sizeRoot(v span.Value) int {
	if v.Type != span.TypeArray && v.Type != span.TypeMap {
		return sizeScalar(v)
	}
	e.nested, e.next = e.nested[:0], 0
	n, _, _ := e.sizeComposite(v.Type, v.Str)
	return sizeField(n)
}

func sizeScalar(v span.Value) int {
	switch v.Type {
	case span.TypeString, span.TypeBytes:
		return sizeField(len(v.Str))
	case span.TypeBool:
		return 2
	case span.TypeInt:
		return 1 + sizeVarint(v.Num)
	case span.TypeDouble:
		return 9
	}
	return 0
}

// sizeComposite returns the size of the ArrayValue or KeyValueList that s begins with, and what follows it in s.
func (e *Encoder) sizeComposite(typ span.Type, s string) (size int, rest string, ok bool) {
	slot := len(e.nested)
	e.nested = append(e.nested, 0)
	count, s, ok := cutCount(s)
	for ; ok && count > 0; count-- {
		var key string
		if typ == span.TypeMap {
			if key, s, ok = cutString(s); !ok {
				break
			}
		}
		var v span.Value
		if v, s, ok = cutScalar(s); !ok {
			break
		}
		n := sizeScalar(v)
		if v.Type == span.TypeArray || v.Type == span.TypeMap {
			n, s, ok = e.sizeComposite(v.Type, s)
			n = sizeField(n)
		}
		if typ == span.TypeMap {
			n = e.sizeKeyValue(len(key), n)
		}
		size += sizeField(n)
	}
	e.nested[slot] = size
	return size, s, ok
}

// composite writes the array_value or kvlist_value that s begins with, by the sizes that sizeComposite left, and returns
// what follows it in s.
func (e *Encoder) composite(typ span.Type, s string) (rest string, ok bool) {
	if typ == span.TypeMap {
		e.header(tagValueMap, e.nested[e.next])
	} else {
		e.header(tagValueArray, e.nested[e.next])
	}
	e.next++
	count, s, ok := cutCount(s)
	for ; ok && count > 0; count-- {
		var key string
		if typ == span.TypeMap {
			if key, s, ok = cutString(s); !ok {
				break
			}
		}
		var v span.Value
		if v, s, ok = cutScalar(s); !ok {
			break
		}
		nested := v.Type == span.TypeArray || v.Type == span.TypeMap
		n := sizeScalar(v)
		if nested {
			n = sizeField(e.nested[e.next])
		}
		if typ == span.TypeMap {
			e.header(tagMapEntries, e.sizeKeyValue(len(key), n))
			e.nonEmpty(tagKeyValueKey, key)
			e.header(tagKeyValueValue, n)
		} else {
			e.header(tagArrayValues, n)
		}
		if nested {
			s, ok = e.composite(v.Type, s)
		} else {
			e.scalar(v)
		}
	}
	return s, ok
}

// scalar writes the fields of an AnyValue that is no array or map.
func (e *Encoder) scalar(v span.Value) {
	switch v.Type {
	case span.TypeString:
		e.string(tagValueString, v.Str)
	case span.TypeBytes:
		e.string(tagValueBytes, v.Str)
	case span.TypeBool:
		e.out.buf = append(e.out.buf, byte(tagValueBool), byte(v.Num&1))
	case span.TypeInt:
		e.out.buf = binary.AppendUvarint(append(e.out.buf, byte(tagValueInt)), v.Num)
	case span.TypeDouble:
		e.out.buf = binary.LittleEndian.AppendUint64(append(e.out.buf, byte(tagValueDouble)), math.Float64bits(v.Double()))
	}
}
