// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"encoding/base64"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/clew-tracing/clew/span"
)

// JSONOptions choose a dialect of OTLP/JSON. The zero value is the protocol's own: resourceSpans, ids in hex, enums as
// numbers. Tempo's v1 trace API wants {RootKey: "batches", Base64IDs: true, EnumNames: true}.
type JSONOptions struct {
	// RootKey is the name of the list of ResourceSpans; "" means resourceSpans.
	RootKey string
	// Base64IDs writes trace and span ids in base64, as protobuf's generic JSON does.
	Base64IDs bool
	// EnumNames writes kind and status code as SPAN_KIND_SERVER and STATUS_CODE_ERROR. Unknown ones stay numbers.
	EnumNames bool
}

// AppendJSON appends the given rows of b (all of them if rows is nil) as one JSON object. Numbers of 64 bits are strings,
// bytes are base64, and doubles that JSON has no number for are "NaN", "Infinity" and "-Infinity". What is empty is
// left out, except resource, status, and whatever [Encoder.EmitEmpty] asks for.
func (e *Encoder) AppendJSON(dst []byte, b *span.Batch, rows []int32, o JSONOptions) []byte {
	e.plan(b, rows)
	e.out.buf = dst
	j := jsonWriter{Encoder: e, o: o}
	j.traces()
	dst = e.out.buf
	e.release()
	return dst
}

// WriteJSON writes what [Encoder.AppendJSON] appends, a piece at a time. The error is w's.
func (e *Encoder) WriteJSON(w io.Writer, b *span.Batch, rows []int32, o JSONOptions) error {
	e.plan(b, rows)
	e.out.w = w
	j := jsonWriter{Encoder: e, o: o}
	j.traces()
	e.out.flush(0)
	err := e.out.err
	e.release()
	return err
}

// jsonWriter writes members and elements, each after a comma unless it is the first of its object or list.
type jsonWriter struct {
	*Encoder
	o JSONOptions
}

func (j *jsonWriter) raw(s string) { j.out.buf = append(j.out.buf, s...) }

// comma separates from what went before, unless that was an opening bracket.
func (j *jsonWriter) comma() {
	if n := len(j.out.buf); n > 0 && j.out.buf[n-1] != '{' && j.out.buf[n-1] != '[' {
		j.out.buf = append(j.out.buf, ',')
	}
}

// key begins a member; name needs no escaping.
func (j *jsonWriter) key(name string) {
	j.comma()
	j.raw(`"`)
	j.raw(name)
	j.raw(`":`)
}

func (j *jsonWriter) quoted(s string) { j.out.buf = AppendJSONString(j.out.buf, s) }

func (j *jsonWriter) nonEmpty(name, s string) {
	if s != "" {
		j.key(name)
		j.quoted(s)
	}
}

func (j *jsonWriter) number32(name string, v uint32) {
	if v != 0 {
		j.key(name)
		j.out.buf = strconv.AppendUint(j.out.buf, uint64(v), 10)
	}
}

func (j *jsonWriter) time(name string, v uint64) {
	j.key(name)
	j.raw(`"`)
	j.out.buf = strconv.AppendUint(j.out.buf, v, 10)
	j.raw(`"`)
}

func (j *jsonWriter) id(name string, id []byte) {
	j.key(name)
	j.raw(`"`)
	if j.o.Base64IDs {
		j.out.buf = base64.StdEncoding.AppendEncode(j.out.buf, id)
	} else {
		const digits = "0123456789abcdef"
		for _, c := range id {
			j.out.buf = append(j.out.buf, digits[c>>4], digits[c&15])
		}
	}
	j.raw(`"`)
}

func (j *jsonWriter) traces() {
	root := j.o.RootKey
	if root == "" {
		root = "resourceSpans"
	}
	j.raw("{")
	j.key(root)
	j.raw("[")
	for lo := 0; lo < len(j.groups); {
		hi := j.resourceEnd(lo)
		if lo > 0 { // the bracket before may have been flushed away
			j.raw(",")
		}
		j.raw("{")
		j.resource(j.groups[lo].resource)
		j.key("scopeSpans")
		j.raw("[")
		for i, g := range j.groups[lo:hi] {
			if i > 0 {
				j.raw(",")
			}
			j.scopeSpans(g)
		}
		j.raw("]")
		j.nonEmpty("schemaUrl", j.resourceSchema(j.groups[lo].resource))
		j.raw("}")
		lo = hi
	}
	j.raw("]}")
}

func (j *jsonWriter) resource(r uint32) {
	rs := &j.b.Resources
	j.key("resource")
	j.raw("{")
	j.attrs(&rs.Attrs, int(r))
	j.number32("droppedAttributesCount", at(rs.Dropped, int(r)))
	if at(rs.EntityRefs, int(r)) != 0 {
		j.key("entityRefs")
		j.raw("[")
		j.entities(r, func(ref entity) {
			j.comma()
			j.raw("{")
			j.nonEmpty("schemaUrl", ref.schemaURL)
			j.nonEmpty("type", ref.typ)
			j.strings("idKeys", ref.idKeys)
			j.strings("descriptionKeys", ref.descriptionKeys)
			j.raw("}")
		})
		j.raw("]")
	}
	j.raw("}")
}

func (j *jsonWriter) strings(name string, list []string) {
	if len(list) == 0 {
		return
	}
	j.key(name)
	j.raw("[")
	for _, s := range list {
		j.comma()
		j.quoted(s)
	}
	j.raw("]")
}

func (j *jsonWriter) scopeSpans(g group) {
	ss, s := &j.b.Scopes, int(g.scope)
	j.raw("{")
	if j.EmitEmpty || j.sizeScopeBody(g.scope) > 0 {
		j.key("scope")
		j.raw("{")
		j.nonEmpty("name", j.str(at(ss.Name, s)))
		j.nonEmpty("version", j.str(at(ss.Version, s)))
		j.attrs(&ss.Attrs, s)
		j.number32("droppedAttributesCount", at(ss.Dropped, s))
		j.raw("}")
	}
	j.key("spans")
	j.raw("[")
	for i, r := range j.rows[g.lo:g.hi] {
		if i > 0 {
			j.raw(",")
		}
		j.span(int(r))
		j.out.flush(flushSize)
	}
	j.raw("]")
	j.nonEmpty("schemaUrl", j.scopeSchema(g.scope))
	j.raw("}")
}

var kindNames = [...]string{
	"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER",
}

var statusNames = [...]string{"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"}

func (j *jsonWriter) enum(name string, v int32, names []string) {
	j.key(name)
	if j.o.EnumNames && v >= 0 && int(v) < len(names) {
		j.quoted(names[v])
		return
	}
	j.out.buf = strconv.AppendInt(j.out.buf, int64(v), 10)
}

func (j *jsonWriter) span(i int) {
	b := j.b
	j.raw("{")
	j.id("traceId", b.TraceID[i][:])
	j.id("spanId", b.SpanID[i][:])
	j.nonEmpty("traceState", j.str(at(b.TraceState, i)))
	if !b.ParentID[i].IsZero() {
		j.id("parentSpanId", b.ParentID[i][:])
	}
	j.number32("flags", at(b.Flags, i))
	j.key("name")
	j.quoted(j.str(at(b.Name, i)))
	j.enum("kind", int32(at(b.Kind, i)), kindNames[:])
	j.time("startTimeUnixNano", uint64(b.Start[i]))
	j.time("endTimeUnixNano", uint64(b.End(i)))
	j.attrs(&b.Attrs, i)
	j.number32("droppedAttributesCount", at(b.DroppedAttrs, i))
	if lo, hi := b.Events.Range(i); lo < hi {
		j.key("events")
		j.raw("[")
		for r := lo; r < hi; r++ {
			j.comma()
			j.raw("{")
			j.time("timeUnixNano", uint64(b.Events.Time[r]))
			j.key("name")
			j.quoted(j.str(b.Events.Name[r]))
			j.attrs(&b.Events.Attrs, r)
			j.number32("droppedAttributesCount", b.Events.Dropped[r])
			j.raw("}")
		}
		j.raw("]")
	}
	j.number32("droppedEventsCount", at(b.DroppedEvents, i))
	if lo, hi := b.Links.Range(i); lo < hi {
		j.key("links")
		j.raw("[")
		for r := lo; r < hi; r++ {
			j.comma()
			j.link(r)
		}
		j.raw("]")
	}
	j.number32("droppedLinksCount", at(b.DroppedLinks, i))
	j.key("status")
	j.raw("{")
	j.nonEmpty("message", j.str(at(b.StatusMessage, i)))
	if s := at(b.Status, i); s != 0 {
		j.enum("code", int32(s), statusNames[:])
	}
	j.raw("}}")
}

func (j *jsonWriter) link(r int) {
	l := &j.b.Links
	j.raw("{")
	if !l.TraceID[r].IsZero() {
		j.id("traceId", l.TraceID[r][:])
	}
	if !l.SpanID[r].IsZero() {
		j.id("spanId", l.SpanID[r][:])
	}
	j.nonEmpty("traceState", j.str(l.TraceState[r]))
	j.attrs(&l.Attrs, r)
	j.number32("droppedAttributesCount", l.Dropped[r])
	j.number32("flags", l.Flags[r])
	j.raw("}")
}

func (j *jsonWriter) attrs(a *span.Attrs, owner int) {
	lo, hi := a.Range(owner)
	if lo == hi {
		return
	}
	j.key("attributes")
	j.raw("[")
	for i := lo; i < hi; i++ {
		j.comma()
		j.raw(`{"key":`)
		j.quoted(j.str(a.Key[i]))
		j.raw(`,"value":`)
		j.value(j.b.Value(a, i))
		j.raw("}")
	}
	j.raw("]")
}

// value writes an AnyValue.
func (j *jsonWriter) value(v span.Value) {
	j.raw("{")
	if v.Type == span.TypeArray || v.Type == span.TypeMap {
		j.composite(v.Type, v.Str)
	} else {
		j.out.buf = appendJSONScalar(j.out.buf, v)
	}
	j.raw("}")
}

// composite writes the arrayValue or kvlistValue that s begins with and returns what follows it in s.
func (j *jsonWriter) composite(typ span.Type, s string) (rest string, ok bool) {
	if typ == span.TypeMap {
		j.raw(`"kvlistValue":{"values":[`)
	} else {
		j.raw(`"arrayValue":{"values":[`)
	}
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
		j.comma()
		j.raw("{")
		if typ == span.TypeMap {
			j.raw(`"key":`)
			j.quoted(key)
			j.raw(`,"value":{`)
		}
		if v.Type == span.TypeArray || v.Type == span.TypeMap {
			s, ok = j.composite(v.Type, s)
		} else {
			j.out.buf = appendJSONScalar(j.out.buf, v)
		}
		if typ == span.TypeMap {
			j.raw("}")
		}
		j.raw("}")
	}
	j.raw("]}")
	return s, ok
}

// appendJSONScalar appends the member of an AnyValue that is no array or map.
func appendJSONScalar(dst []byte, v span.Value) []byte {
	switch v.Type {
	case span.TypeString:
		return AppendJSONString(append(dst, `"stringValue":`...), v.Str)
	case span.TypeBool:
		return strconv.AppendBool(append(dst, `"boolValue":`...), v.Bool())
	case span.TypeInt:
		dst = strconv.AppendInt(append(dst, `"intValue":"`...), v.Int(), 10)
		return append(dst, '"')
	case span.TypeDouble:
		return AppendJSONDouble(append(dst, `"doubleValue":`...), v.Double())
	case span.TypeBytes:
		dst = append(dst, `"bytesValue":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, []byte(v.Str))
		return append(dst, '"')
	}
	return dst
}

// AppendJSONDouble appends v as protobuf's JSON writes doubles: a number, or "NaN", "Infinity" or "-Infinity".
func AppendJSONDouble(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// AppendJSONString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func AppendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n != 1 {
				i += n
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, `\ufffd`...)
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
