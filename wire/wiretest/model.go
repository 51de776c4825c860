// SPDX-License-Identifier: Apache-2.0

// Package wiretest makes spans for tests and load: [Shop] like those of a real shop, [Hostile] like those that break
// backends. It writes them as OTLP requests by itself, byte by byte, and says independently of every decoder what must
// come of them after the rejections and repairs of DESIGN 9. [Run] is the suite that every wire format passes.
//
// All of it is a function of the seed: the same seed gives the same bytes.
package wiretest

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/clew-tracing/clew/span"
)

// Corpus is requests and what must be kept of them.
type Corpus struct {
	Requests []Request
	// Want holds every span that is to be kept, in the order of the requests, repeated ones repeated.
	Want *span.Batch
}

// Request is one ExportTraceServiceRequest in protobuf.
type Request struct {
	// Case names what is special about it.
	Case string
	Data []byte
	// Spans are to be kept, Rejected are to be counted in partial_success.
	Spans, Rejected int
	// Malformed requests are to be refused as a whole.
	Malformed bool
}

// Collapsed returns what a store must give back: Want with equal spans collapsed, in trace order.
func (c *Corpus) Collapsed() *span.Batch {
	b := &span.Batch{}
	c.Want.CopyOrdered(b)
	return b
}

// Spans returns how many spans the requests hold that are to be kept, repeated ones counted.
func (c *Corpus) Spans() int { return c.Want.Len() }

// The messages of OTLP as plain data. Strings may hold any bytes and ids may have any length; Extra is fields that are
// put at the end of a message as they are.

// Group is a ResourceSpans with one ScopeSpans.
type Group struct {
	NoResource     bool // the message is left out
	Resource       []Attr
	ResourceSchema string
	Entities       []Entity
	Scope, Version string
	ScopeAttrs     []Attr
	ScopeSchema    string
	Spans          []Span
}

// Entity is an EntityRef.
type Entity struct {
	SchemaURL, Type         string
	IDKeys, DescriptionKeys []string
}

// Attr is a KeyValue. NoValue leaves the value out.
type Attr struct {
	Key     string
	Value   span.Value
	NoValue bool
}

// Span is a Span.
type Span struct {
	TraceID, SpanID, ParentID                 []byte
	Name, TraceState, Message                 string
	Kind, Status                              int32
	Start, End                                uint64
	Flags                                     uint32
	Attrs                                     []Attr
	Events                                    []Event
	Links                                     []Link
	DroppedAttrs, DroppedEvents, DroppedLinks uint32
	Extra                                     []byte
}

// Event is a Span.Event.
type Event struct {
	Time    uint64
	Name    string
	Attrs   []Attr
	Dropped uint32
}

// Link is a Span.Link.
type Link struct {
	TraceID, SpanID []byte
	TraceState      string
	Attrs           []Attr
	Flags, Dropped  uint32
}

// ---- as protobuf ----

func bytesField(dst []byte, num protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(dst, num, protowire.BytesType), v)
}

func messageField(dst []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, num, protowire.BytesType), v)
}

func stringField(dst []byte, num protowire.Number, v string) []byte {
	if v == "" {
		return dst
	}
	return bytesField(dst, num, v)
}

func idField(dst []byte, num protowire.Number, v []byte) []byte {
	if v == nil {
		return dst
	}
	return messageField(dst, num, v)
}

func numberField(dst []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, num, protowire.VarintType), v)
}

func fixed64Field(dst []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendFixed64(protowire.AppendTag(dst, num, protowire.Fixed64Type), v)
}

func fixed32Field(dst []byte, num protowire.Number, v uint32) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendFixed32(protowire.AppendTag(dst, num, protowire.Fixed32Type), v)
}

// AppendRequest appends groups as the fields of an ExportTraceServiceRequest.
func AppendRequest(dst []byte, groups ...Group) []byte {
	for _, g := range groups {
		dst = messageField(dst, 1, g.encode())
	}
	return dst
}

func (g *Group) encode() []byte {
	var b []byte
	if !g.NoResource {
		resource := appendAttrs(nil, 1, g.Resource)
		for _, e := range g.Entities {
			ref := stringField(stringField(nil, 1, e.SchemaURL), 2, e.Type)
			for _, k := range e.IDKeys {
				ref = bytesField(ref, 3, k)
			}
			for _, k := range e.DescriptionKeys {
				ref = bytesField(ref, 4, k)
			}
			resource = messageField(resource, 3, ref)
		}
		b = messageField(b, 1, resource)
	}
	scope := messageField(nil, 1, appendAttrs(stringField(stringField(nil, 1, g.Scope), 2, g.Version), 3, g.ScopeAttrs))
	for i := range g.Spans {
		scope = messageField(scope, 2, g.Spans[i].encode())
	}
	scope = stringField(scope, 3, g.ScopeSchema)
	b = messageField(b, 2, scope)
	return stringField(b, 3, g.ResourceSchema)
}

func (s *Span) encode() []byte {
	b := idField(nil, 1, s.TraceID)
	b = idField(b, 2, s.SpanID)
	b = stringField(b, 3, s.TraceState)
	b = idField(b, 4, s.ParentID)
	b = stringField(b, 5, s.Name)
	b = numberField(b, 6, uint64(s.Kind))
	b = fixed64Field(b, 7, s.Start)
	b = fixed64Field(b, 8, s.End)
	b = appendAttrs(b, 9, s.Attrs)
	b = numberField(b, 10, uint64(s.DroppedAttrs))
	for _, e := range s.Events {
		m := stringField(fixed64Field(nil, 1, e.Time), 2, e.Name)
		b = messageField(b, 11, numberField(appendAttrs(m, 3, e.Attrs), 4, uint64(e.Dropped)))
	}
	b = numberField(b, 12, uint64(s.DroppedEvents))
	for _, l := range s.Links {
		m := stringField(idField(idField(nil, 1, l.TraceID), 2, l.SpanID), 3, l.TraceState)
		m = numberField(appendAttrs(m, 4, l.Attrs), 5, uint64(l.Dropped))
		b = messageField(b, 13, fixed32Field(m, 6, l.Flags))
	}
	b = numberField(b, 14, uint64(s.DroppedLinks))
	if s.Status != 0 || s.Message != "" {
		b = messageField(b, 15, numberField(stringField(nil, 2, s.Message), 3, uint64(s.Status)))
	}
	b = fixed32Field(b, 16, s.Flags)
	return append(b, s.Extra...)
}

func appendAttrs(dst []byte, num protowire.Number, attrs []Attr) []byte {
	for _, a := range attrs {
		kv := stringField(nil, 1, a.Key)
		if !a.NoValue {
			kv = messageField(kv, 2, anyValue(a.Value))
		}
		dst = messageField(dst, num, kv)
	}
	return dst
}

// anyValue encodes the fields of an AnyValue.
func anyValue(v span.Value) []byte {
	switch v.Type {
	case span.TypeString:
		return bytesField(nil, 1, v.Str)
	case span.TypeBool:
		return protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), v.Num)
	case span.TypeInt:
		return protowire.AppendVarint(protowire.AppendTag(nil, 3, protowire.VarintType), v.Num)
	case span.TypeDouble:
		return protowire.AppendFixed64(protowire.AppendTag(nil, 4, protowire.Fixed64Type), v.Num)
	case span.TypeArray:
		var list []byte
		must(v.Elems(func(e span.Value) bool { list = messageField(list, 1, anyValue(e)); return true }))
		return messageField(nil, 5, list)
	case span.TypeMap:
		var list []byte
		must(v.Entries(func(key string, e span.Value) bool {
			list = messageField(list, 1, messageField(stringField(nil, 1, key), 2, anyValue(e)))
			return true
		}))
		return messageField(nil, 6, list)
	case span.TypeBytes:
		return bytesField(nil, 7, v.Str)
	}
	return nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// ---- as they must be kept ----

// valid is the repair of strings.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Keep adds to b what must be kept of the group, and returns how many spans that is and how many are rejected.
func (g *Group) Keep(b *span.Batch) (kept, rejected int) {
	r := b.Resources.Add()
	b.Resources.SchemaURL[r] = b.Strings.InternString(valid(g.ResourceSchema))
	if !g.NoResource {
		keepAttrs(b, &b.Resources.Attrs, g.Resource)
		var refs []span.Value
		for _, e := range g.Entities {
			refs = append(refs, span.MapValue(
				span.Entry{Key: "schemaUrl", Value: span.StringValue(valid(e.SchemaURL))},
				span.Entry{Key: "type", Value: span.StringValue(valid(e.Type))},
				span.Entry{Key: "idKeys", Value: stringList(e.IDKeys)},
				span.Entry{Key: "descriptionKeys", Value: stringList(e.DescriptionKeys)},
			))
		}
		if refs != nil {
			b.Resources.EntityRefs[r] = b.Strings.InternString(span.ArrayValue(refs...).Str)
		}
	}
	b.Resources.Attrs.EndOwner()
	s := b.Scopes.Add(b.Strings.InternString(valid(g.Scope)), b.Strings.InternString(valid(g.Version)))
	b.Scopes.SchemaURL[s] = b.Strings.InternString(valid(g.ScopeSchema))
	keepAttrs(b, &b.Scopes.Attrs, g.ScopeAttrs)
	b.Scopes.Attrs.EndOwner()
	for i := range g.Spans {
		if g.Spans[i].keep(b, uint32(r), uint32(s)) {
			kept++
		} else {
			rejected++
		}
	}
	return kept, rejected
}

func stringList(list []string) span.Value {
	var vs []span.Value
	for _, s := range list {
		vs = append(vs, span.StringValue(valid(s)))
	}
	return span.ArrayValue(vs...)
}

func (s *Span) keep(b *span.Batch, resource, scope uint32) bool {
	if len(s.TraceID) != 16 || len(s.SpanID) != 8 || span.TraceID(s.TraceID).IsZero() || span.SpanID(s.SpanID).IsZero() {
		return false
	}
	i := b.AddSpan()
	b.TraceID[i], b.SpanID[i] = span.TraceID(s.TraceID), span.SpanID(s.SpanID)
	if len(s.ParentID) == 8 {
		b.ParentID[i] = span.SpanID(s.ParentID)
	}
	b.Start[i], b.Duration[i] = int64(s.Start), int64(s.End-s.Start)
	b.Kind[i], b.Status[i], b.Flags[i] = span.Kind(s.Kind), span.Status(s.Status), s.Flags
	b.Name[i] = b.Strings.InternString(valid(s.Name))
	b.TraceState[i] = b.Strings.InternString(valid(s.TraceState))
	b.StatusMessage[i] = b.Strings.InternString(valid(s.Message))
	b.Resource[i], b.Scope[i] = resource, scope
	b.DroppedAttrs[i], b.DroppedEvents[i], b.DroppedLinks[i] = s.DroppedAttrs, s.DroppedEvents, s.DroppedLinks
	keepAttrs(b, &b.Attrs, s.Attrs)
	for _, e := range s.Events {
		b.Events.Add(int64(e.Time), b.Strings.InternString(valid(e.Name)), e.Dropped)
		keepAttrs(b, &b.Events.Attrs, e.Attrs)
		b.Events.Attrs.EndOwner()
	}
	for _, l := range s.Links {
		var t span.TraceID
		var id span.SpanID
		if len(l.TraceID) == len(t) {
			t = span.TraceID(l.TraceID)
		}
		if len(l.SpanID) == len(id) {
			id = span.SpanID(l.SpanID)
		}
		b.Links.Add(t, id, b.Strings.InternString(valid(l.TraceState)), l.Flags, l.Dropped)
		keepAttrs(b, &b.Links.Attrs, l.Attrs)
		b.Links.Attrs.EndOwner()
	}
	b.EndSpan()
	return true
}

func keepAttrs(b *span.Batch, a *span.Attrs, attrs []Attr) {
	for _, kv := range attrs {
		v := kv.Value
		if kv.NoValue {
			v = span.Value{}
		}
		b.AddAttr(a, valid(kv.Key), validValue(v))
	}
}

func validValue(v span.Value) span.Value {
	switch v.Type {
	case span.TypeString:
		v.Str = valid(v.Str)
	case span.TypeArray:
		var list []span.Value
		must(v.Elems(func(e span.Value) bool { list = append(list, validValue(e)); return true }))
		return span.ArrayValue(list...)
	case span.TypeMap:
		var list []span.Entry
		must(v.Entries(func(key string, e span.Value) bool {
			list = append(list, span.Entry{Key: valid(key), Value: validValue(e)})
			return true
		}))
		return span.MapValue(list...)
	}
	return v
}

// add makes one request of the groups.
func (c *Corpus) add(name string, groups ...Group) {
	r := Request{Case: name, Data: AppendRequest(nil, groups...)}
	for i := range groups {
		kept, rejected := groups[i].Keep(c.Want)
		r.Spans += kept
		r.Rejected += rejected
	}
	c.Requests = append(c.Requests, r)
}
