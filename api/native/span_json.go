// SPDX-License-Identifier: Apache-2.0

package native

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"

	"github.com/clew-tracing/clew/span"
)

// spanJSON is everything about one span, as the details panel shows it.
type spanJSON struct {
	Row               int             `json:"row"`
	TraceID           string          `json:"traceId"`
	SpanID            string          `json:"spanId"`
	ParentSpanID      string          `json:"parentSpanId,omitempty"`
	Name              string          `json:"name"`
	Kind              string          `json:"kind"`
	StartNs           string          `json:"startNs"`
	DurationNs        string          `json:"durationNs"`
	Status            string          `json:"status"`
	StatusMessage     string          `json:"statusMessage,omitempty"`
	TraceState        string          `json:"traceState,omitempty"`
	Flags             uint32          `json:"flags"`
	Attributes        []attributeJSON `json:"attributes"`
	Resource          resourceJSON    `json:"resource"`
	Scope             scopeJSON       `json:"scope"`
	Events            []eventJSON     `json:"events"`
	Links             []linkJSON      `json:"links"`
	DroppedAttributes uint32          `json:"droppedAttributes,omitempty"`
	DroppedEvents     uint32          `json:"droppedEvents,omitempty"`
	DroppedLinks      uint32          `json:"droppedLinks,omitempty"`
	Notes             []string        `json:"notes"`
}

// attributeJSON is an attribute, or an entry of a map.
type attributeJSON struct {
	Key string `json:"key"`
	valueJSON
}

// valueJSON is a typed value. Ints are strings, since they may not fit a JavaScript number; so are doubles that JSON
// cannot say. Bytes are base64; arrays hold values, maps attributes.
type valueJSON struct {
	Type  string `json:"type"`
	Value any    `json:"value"`
}

type resourceJSON struct {
	Attributes []attributeJSON `json:"attributes"`
	SchemaURL  string          `json:"schemaUrl,omitempty"`
	Dropped    uint32          `json:"dropped,omitempty"`
}

type scopeJSON struct {
	Name       string          `json:"name"`
	Version    string          `json:"version,omitempty"`
	Attributes []attributeJSON `json:"attributes"`
	SchemaURL  string          `json:"schemaUrl,omitempty"`
	Dropped    uint32          `json:"dropped,omitempty"`
}

type eventJSON struct {
	TimeNs     string          `json:"timeNs"`
	Name       string          `json:"name"`
	Attributes []attributeJSON `json:"attributes"`
	Dropped    uint32          `json:"dropped,omitempty"`
}

type linkJSON struct {
	TraceID    string          `json:"traceId"`
	SpanID     string          `json:"spanId"`
	TraceState string          `json:"traceState,omitempty"`
	Attributes []attributeJSON `json:"attributes"`
	Flags      uint32          `json:"flags,omitempty"`
	Dropped    uint32          `json:"dropped,omitempty"`
}

// describe returns everything about the span in batch row i. position is its row in the columnar payload.
func describe(b *span.Batch, i, position int) spanJSON {
	str := func(c span.Code) string { return b.Strings.String(c) }
	s := spanJSON{
		Row: position, TraceID: b.TraceID[i].String(), SpanID: b.SpanID[i].String(), Name: str(b.Name[i]),
		Kind: b.Kind[i].String(), StartNs: nanos(b.Start[i]), DurationNs: nanos(b.Dur(i)),
		Status: b.Status[i].String(), StatusMessage: str(b.StatusMessage[i]), TraceState: str(b.TraceState[i]), Flags: b.Flags[i],
		Attributes: attributes(b, &b.Attrs, i), Events: []eventJSON{}, Links: []linkJSON{}, Notes: []string{},
		DroppedAttributes: b.DroppedAttrs[i], DroppedEvents: b.DroppedEvents[i], DroppedLinks: b.DroppedLinks[i],
	}
	if !b.ParentID[i].IsZero() {
		s.ParentSpanID = b.ParentID[i].String()
	}
	s.Resource.Attributes = attributes(b, &b.Resources.Attrs, int(b.Resource[i]))
	if r := int(b.Resource[i]); r < b.Resources.Len() {
		s.Resource.SchemaURL, s.Resource.Dropped = str(b.Resources.SchemaURL[r]), b.Resources.Dropped[r]
	}
	s.Scope.Attributes = attributes(b, &b.Scopes.Attrs, int(b.Scope[i]))
	if c := int(b.Scope[i]); c < b.Scopes.Len() {
		s.Scope.Name, s.Scope.Version = str(b.Scopes.Name[c]), str(b.Scopes.Version[c])
		s.Scope.SchemaURL, s.Scope.Dropped = str(b.Scopes.SchemaURL[c]), b.Scopes.Dropped[c]
	}
	lo, hi := b.Events.Range(i)
	for e := lo; e < hi; e++ {
		s.Events = append(s.Events, eventJSON{
			TimeNs: nanos(b.Events.Time[e]), Name: str(b.Events.Name[e]),
			Attributes: attributes(b, &b.Events.Attrs, e), Dropped: b.Events.Dropped[e],
		})
	}
	lo, hi = b.Links.Range(i)
	for l := lo; l < hi; l++ {
		s.Links = append(s.Links, linkJSON{
			TraceID: b.Links.TraceID[l].String(), SpanID: b.Links.SpanID[l].String(), TraceState: str(b.Links.TraceState[l]),
			Attributes: attributes(b, &b.Links.Attrs, l), Flags: b.Links.Flags[l], Dropped: b.Links.Dropped[l],
		})
	}
	b.Notes[i].Each(func(n span.Notes) { s.Notes = append(s.Notes, n.Text()) })
	return s
}

// nanos is a time or duration as a string of ns. Times after 2262 are negative in the model and unsigned here again.
func nanos(v int64) string { return strconv.FormatUint(uint64(v), 10) }

func attributes(b *span.Batch, a *span.Attrs, owner int) []attributeJSON {
	lo, hi := a.Range(owner)
	list := make([]attributeJSON, 0, hi-lo)
	for i := lo; i < hi; i++ {
		list = append(list, attributeJSON{Key: b.Strings.String(a.Key[i]), valueJSON: typed(b.Value(a, i))})
	}
	return list
}

// typed returns a value with its type. A malformed composite value, which only a damaged store could hold, is cut short.
func typed(v span.Value) valueJSON {
	j := valueJSON{Type: v.Type.String()}
	switch v.Type {
	case span.TypeString:
		j.Value = v.Str
	case span.TypeBool:
		j.Value = v.Bool()
	case span.TypeInt:
		j.Value = strconv.FormatInt(v.Int(), 10)
	case span.TypeDouble:
		j.Value = double(v.Double())
	case span.TypeBytes:
		j.Value = base64.StdEncoding.EncodeToString([]byte(v.Str))
	case span.TypeArray:
		list := []valueJSON{}
		_ = v.Elems(func(e span.Value) bool { list = append(list, typed(e)); return true })
		j.Value = list
	case span.TypeMap:
		list := []attributeJSON{}
		_ = v.Entries(func(key string, e span.Value) bool {
			list = append(list, attributeJSON{Key: key, valueJSON: typed(e)})
			return true
		})
		j.Value = list
	}
	return j
}

// double returns a number, or a string where JSON has no number for it.
func double(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
}
