// SPDX-License-Identifier: Apache-2.0

package otlp

import "github.com/clew-tracing/clew/span"

// DecodeJSON is [Decoder.Decode] for OTLP/JSON: ids in hex (base64 is taken with a note), 64-bit numbers as strings or
// numbers, enums as numbers or names, field names in camel or snake case, unknown fields ignored. Where a field stands
// twice the last one wins, and lists are joined.
func (d *Decoder) DecodeJSON(b *span.Batch, data []byte) (Result, error) {
	rows := b.Len()
	d.begin(b, data, "JSON")
	d.json.data, d.json.pos = data, 0
	err := d.jsonRequest()
	if err == nil && d.json.peek() != 0 {
		err = d.json.unexpected("the end")
	}
	d.json.data = nil
	return d.end(rows, err)
}

func (d *Decoder) jsonRequest() *DecodeError {
	s := &d.json
	if s.peek() != '{' {
		return s.unexpected("an object")
	}
	s.pos++
	for i := 0; ; i++ {
		key, more, err := s.key(i)
		if err != nil || !more {
			return err
		}
		switch string(key) {
		case "resourceSpans", "resource_spans":
			err = d.jsonList("resourceSpans", func(int) *DecodeError {
				d.place.scope = 0
				err := d.jsonResourceSpans()
				if err == nil {
					d.place.resource++
				}
				return err
			})
		default:
			err = s.skip()
		}
		if err != nil {
			return err
		}
	}
}

// jsonList calls f for every element of a list, with its index.
func (d *Decoder) jsonList(name string, f func(i int) *DecodeError) *DecodeError {
	s := &d.json
	present, err := s.begin('[')
	if err != nil || !present {
		return err.in(name)
	}
	for i := 0; ; i++ {
		more, err := s.element(i)
		if err != nil {
			return err.in(name)
		}
		if !more {
			return nil
		}
		if err := f(i); err != nil {
			return err.at(name, i)
		}
		if d.tooLarge() {
			return d.oversize(s.pos).in(name)
		}
	}
}

// jsonObject calls f for every member of an object, after its name was read; f must read or skip the value.
func (d *Decoder) jsonObject(f func(name []byte) *DecodeError) *DecodeError {
	s := &d.json
	present, err := s.begin('{')
	if err != nil || !present {
		return err
	}
	for i := 0; ; i++ {
		name, more, err := s.key(i)
		if err != nil || !more {
			return err
		}
		if err := f(name); err != nil {
			return err
		}
	}
}

// jsonLater reads over a field that is read later, by jsonAgain, when it is known what for.
func (d *Decoder) jsonLater(into *[]byte, name string) *DecodeError {
	raw, err := d.json.raw()
	*into = raw
	return err.in(name)
}

// jsonAgain reads text, a part of the request that was read over before, with f.
func (d *Decoder) jsonAgain(text []byte, f func() *DecodeError) *DecodeError {
	if text == nil {
		return nil
	}
	back := d.json.pos
	d.json.pos = d.size - cap(text)
	err := f()
	if err == nil {
		d.json.pos = back
	}
	return err
}

func (d *Decoder) jsonResourceSpans() *DecodeError {
	lo := d.b.Len()
	var resource, schema []byte
	err := d.jsonObject(func(name []byte) *DecodeError {
		switch string(name) {
		case "resource":
			return d.jsonLater(&resource, "resource")
		case "schemaUrl", "schema_url":
			return d.jsonLater(&schema, "schemaUrl")
		case "scopeSpans", "scope_spans":
			return d.jsonList("scopeSpans", func(int) *DecodeError {
				d.place.span = 0
				err := d.jsonScopeSpans()
				if err == nil {
					d.place.scope++
				}
				return err
			})
		}
		return d.json.skip()
	})
	if err != nil {
		return err
	}
	if d.b.Len() == lo {
		return d.intoVoid(func() *DecodeError {
			_, err := d.jsonResource(resource, schema)
			return err
		})
	}
	e, hash := d.resources.find(resource, schema)
	if e == nil {
		r, err := d.jsonResource(resource, schema)
		if err != nil {
			return err
		}
		d.resources.add(hash, seenEntry{message: resource, schema: schema, code: r, notes: d.notes})
		d.setResource(lo, r, d.notes)
		return nil
	}
	d.setResource(lo, e.code, e.notes)
	return nil
}

// jsonSchema reads a schema URL that was read over before.
func (d *Decoder) jsonSchema(text []byte) (c span.Code, err *DecodeError) {
	err = d.jsonAgain(text, func() (err *DecodeError) {
		c, err = d.jsonStr()
		return err
	})
	return c, err.in("schemaUrl")
}

func (d *Decoder) jsonResource(resource, schema []byte) (uint32, *DecodeError) {
	d.notes = 0
	rs := &d.b.Resources
	r := rs.Add()
	var err *DecodeError
	if rs.SchemaURL[r], err = d.jsonSchema(schema); err != nil {
		return 0, err
	}
	refs := d.tape.mark()
	err = d.jsonAgain(resource, func() *DecodeError {
		return d.jsonObject(func(name []byte) (err *DecodeError) {
			switch string(name) {
			case "attributes":
				return d.jsonAttributes(&rs.Attrs, 4)
			case "droppedAttributesCount", "dropped_attributes_count":
				rs.Dropped[r], err = d.jsonUint32()
				return err.in("droppedAttributesCount")
			case "entityRefs", "entity_refs":
				return d.jsonList("entityRefs", func(int) *DecodeError {
					n := d.tape.container(refs, span.TypeArray)
					d.tape.late[n].n++
					return d.jsonEntityRef()
				})
			}
			return d.json.skip()
		})
	})
	rs.Attrs.EndOwner()
	if err == nil && len(d.tape.buf) > refs.buf {
		_, payload := d.tape.encode(refs)
		rs.EntityRefs[r] = d.b.Strings.Intern(payload)
	}
	return uint32(r), err.in("resource")
}

// jsonEntityRef appends an EntityRef to the tape. Its members may come in any order, so each waits as text.
func (d *Decoder) jsonEntityRef() *DecodeError {
	var schema, typ, idKeys, descriptionKeys []byte
	err := d.jsonObject(func(name []byte) *DecodeError {
		switch string(name) {
		case "schemaUrl", "schema_url":
			return d.jsonLater(&schema, "schemaUrl")
		case "type":
			return d.jsonLater(&typ, "type")
		case "idKeys", "id_keys":
			return d.jsonLater(&idKeys, "idKeys")
		case "descriptionKeys", "description_keys":
			return d.jsonLater(&descriptionKeys, "descriptionKeys")
		}
		return d.json.skip()
	})
	if err != nil {
		return err
	}
	t := &d.tape
	n := t.container(t.mark(), span.TypeMap)
	t.late[n].n = 4
	text := func() *DecodeError {
		v, err := d.jsonText()
		d.tapeString(t.mark(), v)
		return err
	}
	for _, f := range [...]struct{ key, text []byte }{{entitySchemaURL, schema}, {entityType, typ}} {
		d.tapeKey(f.key)
		if f.text == nil {
			d.tapeString(t.mark(), nil)
		} else if err := d.jsonAgain(f.text, text); err != nil {
			return err.in(string(f.key))
		}
	}
	for _, f := range [...]struct{ key, text []byte }{{entityIDKeys, idKeys}, {entityDescriptionKeys, descriptionKeys}} {
		d.tapeKey(f.key)
		n := t.container(t.mark(), span.TypeArray)
		err := d.jsonAgain(f.text, func() *DecodeError {
			return d.jsonList(string(f.key), func(int) *DecodeError {
				t.late[n].n++
				return text()
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Decoder) jsonScopeSpans() *DecodeError {
	lo := d.b.Len()
	var scope, schema []byte
	err := d.jsonObject(func(name []byte) *DecodeError {
		switch string(name) {
		case "spans":
			return d.jsonList("spans", func(int) *DecodeError {
				err := d.jsonSpan()
				if err == nil {
					d.place.span++
				}
				return err
			})
		case "scope":
			return d.jsonLater(&scope, "scope")
		case "schemaUrl", "schema_url":
			return d.jsonLater(&schema, "schemaUrl")
		}
		return d.json.skip()
	})
	if err != nil {
		return err
	}
	if d.b.Len() == lo {
		return d.intoVoid(func() *DecodeError {
			_, err := d.jsonScope(scope, schema)
			return err
		})
	}
	e, hash := d.scopes.find(scope, schema)
	if e == nil {
		s, err := d.jsonScope(scope, schema)
		if err != nil {
			return err
		}
		d.scopes.add(hash, seenEntry{message: scope, schema: schema, code: s, notes: d.notes})
		d.setScope(lo, s, d.notes)
		return nil
	}
	d.setScope(lo, e.code, e.notes)
	return nil
}

func (d *Decoder) jsonScope(scope, schema []byte) (uint32, *DecodeError) {
	d.notes = 0
	ss := &d.b.Scopes
	s := ss.Add(0, 0)
	var err *DecodeError
	if ss.SchemaURL[s], err = d.jsonSchema(schema); err != nil {
		return 0, err
	}
	err = d.jsonAgain(scope, func() *DecodeError {
		return d.jsonObject(func(name []byte) (err *DecodeError) {
			switch string(name) {
			case "name":
				ss.Name[s], err = d.jsonStr()
				return err.in("name")
			case "version":
				ss.Version[s], err = d.jsonStr()
				return err.in("version")
			case "attributes":
				return d.jsonAttributes(&ss.Attrs, 5)
			case "droppedAttributesCount", "dropped_attributes_count":
				ss.Dropped[s], err = d.jsonUint32()
				return err.in("droppedAttributesCount")
			}
			return d.json.skip()
		})
	})
	ss.Attrs.EndOwner()
	return uint32(s), err.in("scope")
}

// jsonSpanIDs are the ids of the span at hand.
type jsonSpanIDs struct {
	trace                        [16]byte
	self, parent                 [8]byte
	ids                          ids
	badTrace, badSelf, badParent bool
}

func (d *Decoder) jsonSpan() *DecodeError {
	b := d.b
	row := b.AddSpan()
	d.notes = 0
	var id jsonSpanIDs
	var start, end uint64
	err := d.jsonObject(func(name []byte) (err *DecodeError) {
		switch string(name) {
		case "traceId", "trace_id":
			var ok bool
			id.ids.trace, ok, err = d.jsonID(id.trace[:])
			id.badTrace = !ok
			return err.in("traceId")
		case "spanId", "span_id":
			var ok bool
			id.ids.span, ok, err = d.jsonID(id.self[:])
			id.badSelf = !ok
			return err.in("spanId")
		case "parentSpanId", "parent_span_id":
			var ok bool
			id.ids.parent, ok, err = d.jsonID(id.parent[:])
			id.badParent = !ok
			return err.in("parentSpanId")
		case "attributes":
			return d.jsonAttributes(&b.Attrs, 5)
		case "name":
			b.Name[row], err = d.jsonStr()
			return err.in("name")
		case "startTimeUnixNano", "start_time_unix_nano":
			start, err = d.jsonUint64()
			return err.in("startTimeUnixNano")
		case "endTimeUnixNano", "end_time_unix_nano":
			end, err = d.jsonUint64()
			return err.in("endTimeUnixNano")
		case "kind":
			var v int32
			v, err = d.jsonEnum(kindNames[:])
			b.Kind[row] = span.Kind(v)
			return err.in("kind")
		case "events":
			return d.jsonList("events", func(int) *DecodeError { return d.jsonEvent() })
		case "links":
			return d.jsonList("links", func(int) *DecodeError { return d.jsonLink() })
		case "status":
			return d.jsonStatus(row).in("status")
		case "traceState", "trace_state":
			b.TraceState[row], err = d.jsonStr()
			return err.in("traceState")
		case "flags":
			b.Flags[row], err = d.jsonUint32()
			return err.in("flags")
		case "droppedAttributesCount", "dropped_attributes_count":
			b.DroppedAttrs[row], err = d.jsonUint32()
			return err.in("droppedAttributesCount")
		case "droppedEventsCount", "dropped_events_count":
			b.DroppedEvents[row], err = d.jsonUint32()
			return err.in("droppedEventsCount")
		case "droppedLinksCount", "dropped_links_count":
			b.DroppedLinks[row], err = d.jsonUint32()
			return err.in("droppedLinksCount")
		}
		return d.json.skip()
	})
	if err != nil {
		return err
	}
	b.Start[row], b.Duration[row] = int64(start), int64(end-start)
	if id.badParent {
		d.notes |= span.NoteParentID
	}
	switch {
	case id.badTrace:
		b.EndSpan()
		d.reject(causeTraceIDText)
	case id.badSelf:
		b.EndSpan()
		d.reject(causeSpanIDText)
	default:
		d.finish(row, id.ids)
	}
	return nil
}

func (d *Decoder) jsonStatus(row int) *DecodeError {
	return d.jsonObject(func(name []byte) (err *DecodeError) {
		switch string(name) {
		case "message":
			d.b.StatusMessage[row], err = d.jsonStr()
			return err.in("message")
		case "code":
			var v int32
			v, err = d.jsonEnum(statusNames[:])
			d.b.Status[row] = span.Status(v)
			return err.in("code")
		}
		return d.json.skip()
	})
}

func (d *Decoder) jsonEvent() *DecodeError {
	ev := &d.b.Events
	var time uint64
	var name span.Code
	var dropped uint32
	err := d.jsonObject(func(member []byte) (err *DecodeError) {
		switch string(member) {
		case "timeUnixNano", "time_unix_nano":
			time, err = d.jsonUint64()
			return err.in("timeUnixNano")
		case "name":
			name, err = d.jsonStr()
			return err.in("name")
		case "attributes":
			return d.jsonAttributes(&ev.Attrs, 6)
		case "droppedAttributesCount", "dropped_attributes_count":
			dropped, err = d.jsonUint32()
			return err.in("droppedAttributesCount")
		}
		return d.json.skip()
	})
	ev.Add(int64(time), name, dropped)
	ev.Attrs.EndOwner()
	return err
}

func (d *Decoder) jsonLink() *DecodeError {
	l := &d.b.Links
	var traceBuf [16]byte
	var idBuf [8]byte
	var trace, id []byte
	var state span.Code
	var flags, dropped uint32
	err := d.jsonObject(func(name []byte) (err *DecodeError) {
		var ok bool
		switch string(name) {
		case "traceId", "trace_id":
			trace, ok, err = d.jsonID(traceBuf[:])
			err = err.in("traceId")
		case "spanId", "span_id":
			id, ok, err = d.jsonID(idBuf[:])
			err = err.in("spanId")
		case "traceState", "trace_state":
			state, err = d.jsonStr()
			return err.in("traceState")
		case "flags":
			flags, err = d.jsonUint32()
			return err.in("flags")
		case "attributes":
			return d.jsonAttributes(&l.Attrs, 6)
		case "droppedAttributesCount", "dropped_attributes_count":
			dropped, err = d.jsonUint32()
			return err.in("droppedAttributesCount")
		default:
			return d.json.skip()
		}
		if !ok {
			d.notes |= span.NoteLinkID
		}
		return err
	})
	t, s := d.linkIDs(trace, id)
	l.Add(t, s, state, flags, dropped)
	l.Attrs.EndOwner()
	return err
}
