// SPDX-License-Identifier: Apache-2.0

package otlp

import "github.com/clew-tracing/clew/span"

// Decode appends the spans of an ExportTraceServiceRequest (or TracesData) in protobuf to b and says what became of
// them. The batch copies what it keeps of data. Tenant and Arrival are the caller's to set.
//
// The error is a [*DecodeError]; b then has the spans that it had before.
func (d *Decoder) Decode(b *span.Batch, data []byte) (Result, error) {
	rows := b.Len()
	d.begin(b, data, "protobuf")
	return d.end(rows, d.request(data))
}

// fail returns the error that field.next gave a code for; rest is where.
func (d *Decoder) fail(rest []byte, code int) *DecodeError {
	return &DecodeError{Offset: d.size - cap(rest), Reason: wireReason(code)}
}

func (d *Decoder) request(msg []byte) *DecodeError {
	var f field
	var code int
	for len(msg) > 0 {
		if msg, code = f.next(msg); code < 0 {
			return d.fail(msg, code)
		}
		if f.tag == tagRequestResourceSpans {
			d.place.scope = 0
			if err := d.resourceSpans(f.data); err != nil {
				return err.at("resource_spans", d.place.resource)
			}
			d.place.resource++
		}
	}
	return nil
}

func (d *Decoder) resourceSpans(msg []byte) *DecodeError {
	var f field
	var code int
	var resource, schema []byte
	var more [][]byte // further occurrences of the resource, which merge
	found := false
	lo := d.b.Len()
	for len(msg) > 0 {
		if msg, code = f.next(msg); code < 0 {
			return d.fail(msg, code)
		}
		switch f.tag {
		case tagResourceSpansResource:
			if found {
				more = append(more, f.data)
			} else {
				resource, found = f.data, true
			}
		case tagResourceSpansScopes:
			d.place.span = 0
			if err := d.scopeSpans(f.data); err != nil {
				return err.at("scope_spans", d.place.scope)
			}
			d.place.scope++
		case tagResourceSpansSchema:
			schema = f.data
		}
	}
	if d.b.Len() == lo {
		return d.intoVoid(func() *DecodeError {
			_, err := d.resource(resource, more, schema)
			return err.in("resource")
		})
	}
	if len(more) > 0 {
		r, err := d.resource(resource, more, schema)
		if err == nil {
			d.setResource(lo, r, d.notes)
		}
		return err.in("resource")
	}
	e, hash := d.resources.find(resource, schema)
	if e == nil {
		r, err := d.resource(resource, nil, schema)
		if err != nil {
			return err.in("resource")
		}
		d.resources.add(hash, seenEntry{message: resource, schema: schema, code: r, notes: d.notes})
		d.setResource(lo, r, d.notes)
		return nil
	}
	d.setResource(lo, e.code, e.notes)
	return nil
}

// resource adds a resource to the batch; d.notes has its notes afterwards.
func (d *Decoder) resource(msg []byte, more [][]byte, schema []byte) (uint32, *DecodeError) {
	d.notes = 0
	rs := &d.b.Resources
	r := rs.Add()
	rs.SchemaURL[r] = d.str(schema)
	refs := d.tape.mark()
	for i := -1; ; {
		var f field
		var code int
		attr, entity := 0, 0
		for len(msg) > 0 {
			if msg, code = f.next(msg); code < 0 {
				return 0, d.fail(msg, code)
			}
			switch f.tag {
			case tagResourceAttributes:
				if err := d.keyValue(&rs.Attrs, f.data, 4); err != nil {
					return 0, err.at("attributes", attr)
				}
				if attr++; d.tooLarge() {
					return 0, d.oversize(d.size - cap(msg)).in("attributes")
				}
			case tagResourceDropped:
				rs.Dropped[r] = uint32(f.num)
			case tagResourceEntities:
				n := d.tape.container(refs, span.TypeArray)
				if err := d.entityRef(f.data); err != nil {
					return 0, err.at("entity_refs", entity)
				}
				d.tape.late[n].n++
				entity++
			}
		}
		if i++; i == len(more) {
			break
		}
		msg = more[i]
	}
	rs.Attrs.EndOwner()
	if len(d.tape.buf) > refs.buf {
		_, payload := d.tape.encode(refs)
		rs.EntityRefs[r] = d.b.Strings.Intern(payload)
	}
	return uint32(r), nil
}

// entityRef appends an EntityRef to the tape, as the map that span.Resources.EntityRefs describes.
func (d *Decoder) entityRef(msg []byte) *DecodeError {
	var f field
	var code int
	var schema, typ []byte
	t := &d.tape
	for rest := msg; len(rest) > 0; {
		if rest, code = f.next(rest); code < 0 {
			return d.fail(rest, code)
		}
		switch f.tag {
		case tagEntitySchema:
			schema = f.data
		case tagEntityType:
			typ = f.data
		}
	}
	n := t.container(t.mark(), span.TypeMap)
	t.late[n].n = 4
	d.tapeKey(entitySchemaURL)
	d.tapeString(t.mark(), schema)
	d.tapeKey(entityType)
	d.tapeString(t.mark(), typ)
	for _, list := range [...]struct {
		key []byte
		tag uint32
	}{{entityIDKeys, tagEntityIDKeys}, {entityDescriptionKeys, tagEntityDescriptions}} {
		d.tapeKey(list.key)
		n := t.container(t.mark(), span.TypeArray)
		for rest := msg; len(rest) > 0; {
			if rest, _ = f.next(rest); f.tag == list.tag {
				d.tapeString(t.mark(), f.data)
				t.late[n].n++
			}
		}
	}
	return nil
}

// The keys of an entry of span.Resources.EntityRefs.
var (
	entitySchemaURL       = []byte("schemaUrl")
	entityType            = []byte("type")
	entityIDKeys          = []byte("idKeys")
	entityDescriptionKeys = []byte("descriptionKeys")
)

func (d *Decoder) scopeSpans(msg []byte) *DecodeError {
	var f field
	var code int
	var scope, schema []byte
	var more [][]byte // further occurrences of the scope, which merge
	found := false
	lo := d.b.Len()
	for len(msg) > 0 {
		if msg, code = f.next(msg); code < 0 {
			return d.fail(msg, code)
		}
		switch f.tag {
		case tagScopeSpansSpans:
			if err := d.span(f.data); err != nil {
				return err.at("spans", d.place.span)
			}
			if d.place.span++; d.tooLarge() {
				return d.oversize(d.size - cap(msg)).in("spans")
			}
		case tagScopeSpansScope:
			if found {
				more = append(more, f.data)
			} else {
				scope, found = f.data, true
			}
		case tagScopeSpansSchema:
			schema = f.data
		}
	}
	if d.b.Len() == lo {
		return d.intoVoid(func() *DecodeError {
			_, err := d.scope(scope, more, schema)
			return err.in("scope")
		})
	}
	if len(more) > 0 {
		s, err := d.scope(scope, more, schema)
		if err == nil {
			d.setScope(lo, s, d.notes)
		}
		return err.in("scope")
	}
	e, hash := d.scopes.find(scope, schema)
	if e == nil {
		s, err := d.scope(scope, nil, schema)
		if err != nil {
			return err.in("scope")
		}
		d.scopes.add(hash, seenEntry{message: scope, schema: schema, code: s, notes: d.notes})
		d.setScope(lo, s, d.notes)
		return nil
	}
	d.setScope(lo, e.code, e.notes)
	return nil
}

// scope adds a scope to the batch; d.notes has its notes afterwards.
func (d *Decoder) scope(msg []byte, more [][]byte, schema []byte) (uint32, *DecodeError) {
	d.notes = 0
	ss := &d.b.Scopes
	s := ss.Add(0, 0)
	ss.SchemaURL[s] = d.str(schema)
	for i := -1; ; {
		var f field
		var code int
		attr := 0
		for len(msg) > 0 {
			if msg, code = f.next(msg); code < 0 {
				return 0, d.fail(msg, code)
			}
			switch f.tag {
			case tagScopeName:
				ss.Name[s] = d.str(f.data)
			case tagScopeVersion:
				ss.Version[s] = d.str(f.data)
			case tagScopeAttributes:
				if err := d.keyValue(&ss.Attrs, f.data, 5); err != nil {
					return 0, err.at("attributes", attr)
				}
				if attr++; d.tooLarge() {
					return 0, d.oversize(d.size - cap(msg)).in("attributes")
				}
			case tagScopeDropped:
				ss.Dropped[s] = uint32(f.num)
			}
		}
		if i++; i == len(more) {
			break
		}
		msg = more[i]
	}
	ss.Attrs.EndOwner()
	return uint32(s), nil
}

func (d *Decoder) span(msg []byte) *DecodeError {
	b := d.b
	row := b.AddSpan()
	d.notes = 0
	var id ids
	var start, end uint64
	attr, event, link := 0, 0, 0
	var f field
	var code int
	for len(msg) > 0 {
		if msg, code = f.next(msg); code < 0 {
			return d.fail(msg, code)
		}
		switch f.tag {
		case tagSpanAttributes:
			if err := d.keyValue(&b.Attrs, f.data, 5); err != nil {
				return err.at("attributes", attr)
			}
			if attr++; d.tooLarge() {
				return d.oversize(d.size - cap(msg)).in("attributes")
			}
		case tagSpanTraceID:
			id.trace = f.data
		case tagSpanID:
			id.span = f.data
		case tagSpanParentID:
			id.parent = f.data
		case tagSpanTraceState:
			b.TraceState[row] = d.str(f.data)
		case tagSpanName:
			b.Name[row] = d.str(f.data)
		case tagSpanKind:
			b.Kind[row] = span.Kind(int32(f.num))
		case tagSpanStart:
			start = f.num
		case tagSpanEnd:
			end = f.num
		case tagSpanDroppedAttrs:
			b.DroppedAttrs[row] = uint32(f.num)
		case tagSpanEvents:
			if err := d.event(f.data); err != nil {
				return err.at("events", event)
			}
			if event++; d.tooLarge() {
				return d.oversize(d.size - cap(msg)).in("events")
			}
		case tagSpanDroppedEvents:
			b.DroppedEvents[row] = uint32(f.num)
		case tagSpanLinks:
			if err := d.link(f.data); err != nil {
				return err.at("links", link)
			}
			if link++; d.tooLarge() {
				return d.oversize(d.size - cap(msg)).in("links")
			}
		case tagSpanDroppedLinks:
			b.DroppedLinks[row] = uint32(f.num)
		case tagSpanStatus:
			if err := d.status(row, f.data); err != nil {
				return err.in("status")
			}
		case tagSpanFlags:
			b.Flags[row] = uint32(f.num)
		}
	}
	b.Start[row], b.Duration[row] = int64(start), int64(end-start)
	d.finish(row, id)
	return nil
}

func (d *Decoder) status(row int, msg []byte) *DecodeError {
	var f field
	var code int
	for len(msg) > 0 {
		if msg, code = f.next(msg); code < 0 {
			return d.fail(msg, code)
		}
		switch f.tag {
		case tagStatusMessage:
			d.b.StatusMessage[row] = d.str(f.data)
		case tagStatusCode:
			d.b.Status[row] = span.Status(int32(f.num))
		}
	}
	return nil
}

func (d *Decoder) event(msg []byte) *DecodeError {
	ev := &d.b.Events
	var f field
	var code int
	var time uint64
	var name span.Code
	var dropped uint32
	attr := 0
	for len(msg) > 0 {
		if msg, code = f.next(msg); code < 0 {
			return d.fail(msg, code)
		}
		switch f.tag {
		case tagEventTime:
			time = f.num
		case tagEventName:
			name = d.str(f.data)
		case tagEventAttributes:
			if err := d.keyValue(&ev.Attrs, f.data, 6); err != nil {
				return err.at("attributes", attr)
			}
			if attr++; d.tooLarge() {
				return d.oversize(d.size - cap(msg)).in("attributes")
			}
		case tagEventDropped:
			dropped = uint32(f.num)
		}
	}
	ev.Add(int64(time), name, dropped)
	ev.Attrs.EndOwner()
	return nil
}

func (d *Decoder) link(msg []byte) *DecodeError {
	l := &d.b.Links
	var f field
	var code int
	var trace, id []byte
	var state span.Code
	var flags, dropped uint32
	attr := 0
	for len(msg) > 0 {
		if msg, code = f.next(msg); code < 0 {
			return d.fail(msg, code)
		}
		switch f.tag {
		case tagLinkTraceID:
			trace = f.data
		case tagLinkSpanID:
			id = f.data
		case tagLinkTraceState:
			state = d.str(f.data)
		case tagLinkAttributes:
			if err := d.keyValue(&l.Attrs, f.data, 6); err != nil {
				return err.at("attributes", attr)
			}
			if attr++; d.tooLarge() {
				return d.oversize(d.size - cap(msg)).in("attributes")
			}
		case tagLinkDropped:
			dropped = uint32(f.num)
		case tagLinkFlags:
			flags = uint32(f.num)
		}
	}
	t, s := d.linkIDs(trace, id)
	l.Add(t, s, state, flags, dropped)
	l.Attrs.EndOwner()
	return nil
}
