// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Span is one span as the native API's OTLP/JSON gives it, with its resource
// and scope beside it. Times are unix nanoseconds, ids lower-case hex.
// Attribute values are string, bool, int64, float64, []byte, []any,
// map[string]any or nil, by their OTLP type.
type Span struct {
	TraceID, SpanID, Parent, TraceState string
	Flags                               uint32
	Name                                string
	Kind                                int
	Start, End                          int64
	Status                              int
	StatusMessage                       string
	Attributes                          map[string]any
	Events                              []Event
	Links                               []Link
	DroppedAttributes, DroppedEvents    uint32
	DroppedLinks                        uint32
	Resource                            map[string]any
	ResourceSchema                      string
	Scope, ScopeVersion, ScopeSchema    string
	ScopeAttributes                     map[string]any
}

// Event is an event of a span, at unix nanoseconds.
type Event struct {
	Time       int64
	Name       string
	Attributes map[string]any
	Dropped    uint32
}

// Link is a link of a span.
type Link struct {
	TraceID, SpanID, TraceState string
	Attributes                  map[string]any
	Flags                       uint32
}

// Service returns the service.name of the span's resource.
func (s *Span) Service() string {
	name, _ := s.Resource["service.name"].(string)
	return name
}

// Spans is a trace's spans in start order.
type Spans []*Span

// Only returns the one span that keep says yes to; any other number of them
// fails the test.
func (ss Spans) Only(tb testing.TB, what string, keep func(*Span) bool) *Span {
	tb.Helper()
	var found []*Span
	for _, s := range ss {
		if keep(s) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		tb.Fatalf("%d spans are %s, want 1, in\n%s", len(found), what, ss)
	}
	return found[0]
}

// Named returns the one span of that service and name.
func (ss Spans) Named(tb testing.TB, service, name string) *Span {
	tb.Helper()
	return ss.Only(tb, service+" "+name, func(s *Span) bool { return s.Service() == service && s.Name == name })
}

// ByID returns the span of that id, or nil.
func (ss Spans) ByID(id string) *Span {
	for _, s := range ss {
		if s.SpanID == id {
			return s
		}
	}
	return nil
}

// Path returns "service name" of the span and its ancestors, root first, and
// ends at a parent that is not in the trace.
func (ss Spans) Path(s *Span) []string {
	var path []string
	for ; s != nil && len(path) <= len(ss); s = ss.ByID(s.Parent) {
		path = append(path, s.Service()+" "+s.Name)
	}
	slices.Reverse(path)
	return path
}

// String lists the spans, one a line, for failure messages.
func (ss Spans) String() string {
	var b strings.Builder
	for _, s := range ss {
		fmt.Fprintf(&b, "%s <- %-16s kind %d status %d %s: %s %v\n", s.SpanID, s.Parent, s.Kind, s.Status, s.Service(), s.Name, s.Attributes)
	}
	return b.String()
}

// Trace reads a trace by id through the native API; no spans if it is absent.
func (s *Server) Trace(tb testing.TB, traceID string) Spans {
	tb.Helper()
	resp := s.Do(tb, Request{Path: "/api/clew/v1/traces/" + traceID})
	switch resp.Status {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil
	default:
		tb.Fatalf("read trace %s: %d %s", traceID, resp.Status, resp.Body)
	}
	spans, err := ParseOTLP(resp.Body)
	if err != nil {
		tb.Fatalf("read trace %s: %v", traceID, err)
	}
	return spans
}

// AwaitTrace reads a trace until complete says yes, for clients whose exporter
// decides when it sends. It fails the test after 20 s.
func (s *Server) AwaitTrace(tb testing.TB, traceID string, complete func(Spans) bool) Spans {
	tb.Helper()
	var spans Spans
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if spans = s.Trace(tb, traceID); complete(spans) {
			return spans
		}
	}
	tb.Fatalf("trace %s is not complete after 20 s, has\n%s", traceID, spans)
	return nil
}

// ParseOTLP reads the spans of an OTLP/JSON body strictly: a field it does not
// know, or a number where OTLP/JSON has a string, is an error.
func ParseOTLP(body []byte) (Spans, error) {
	var doc struct{ ResourceSpans []jsonResourceSpans }
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("parse otlp json: %w", err)
	}
	var spans Spans
	for _, rs := range doc.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, js := range ss.Spans {
				s, err := js.span()
				if err != nil {
					return nil, fmt.Errorf("parse otlp json: span %s: %w", js.SpanID, err)
				}
				if s.Resource, err = attributes(rs.Resource.Attributes); err != nil {
					return nil, fmt.Errorf("parse otlp json: resource: %w", err)
				}
				if s.ScopeAttributes, err = attributes(ss.Scope.Attributes); err != nil {
					return nil, fmt.Errorf("parse otlp json: scope: %w", err)
				}
				s.ResourceSchema, s.ScopeSchema = rs.SchemaURL, ss.SchemaURL
				s.Scope, s.ScopeVersion = ss.Scope.Name, ss.Scope.Version
				spans = append(spans, s)
			}
		}
	}
	slices.SortStableFunc(spans, func(a, b *Span) int {
		return strings.Compare(fmt.Sprintf("%020d%s", a.Start, a.SpanID), fmt.Sprintf("%020d%s", b.Start, b.SpanID))
	})
	return spans, nil
}

type jsonResourceSpans struct {
	Resource struct {
		Attributes             []jsonKeyValue
		DroppedAttributesCount uint32
	}
	ScopeSpans []struct {
		Scope struct {
			Name, Version          string
			Attributes             []jsonKeyValue
			DroppedAttributesCount uint32
		}
		Spans     []jsonSpan
		SchemaURL string
	}
	SchemaURL string
}

type jsonSpan struct {
	TraceID, SpanID, ParentSpanID, TraceState string
	Flags                                     uint32
	Name                                      string
	Kind                                      int
	StartTimeUnixNano, EndTimeUnixNano        string
	Attributes                                []jsonKeyValue
	Events                                    []struct {
		TimeUnixNano           string
		Name                   string
		Attributes             []jsonKeyValue
		DroppedAttributesCount uint32
	}
	Links []struct {
		TraceID, SpanID, TraceState string
		Attributes                  []jsonKeyValue
		DroppedAttributesCount      uint32
		Flags                       uint32
	}
	DroppedAttributesCount, DroppedEventsCount, DroppedLinksCount uint32
	Status                                                        struct {
		Code    int
		Message string
	}
}

type jsonKeyValue struct {
	Key   string
	Value jsonValue
}

type jsonValue struct {
	StringValue *string
	BoolValue   *bool
	IntValue    *string
	DoubleValue json.RawMessage
	BytesValue  *string
	ArrayValue  *struct{ Values []jsonValue }
	KvlistValue *struct{ Values []jsonKeyValue }
}

func (j *jsonSpan) span() (*Span, error) {
	s := &Span{
		TraceID: j.TraceID, SpanID: j.SpanID, Parent: j.ParentSpanID, TraceState: j.TraceState, Flags: j.Flags,
		Name: j.Name, Kind: j.Kind, Status: j.Status.Code, StatusMessage: j.Status.Message,
		DroppedAttributes: j.DroppedAttributesCount, DroppedEvents: j.DroppedEventsCount, DroppedLinks: j.DroppedLinksCount,
	}
	var err error
	if s.Start, err = nanos(j.StartTimeUnixNano); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	if s.End, err = nanos(j.EndTimeUnixNano); err != nil {
		return nil, fmt.Errorf("end: %w", err)
	}
	if s.Attributes, err = attributes(j.Attributes); err != nil {
		return nil, err
	}
	for _, e := range j.Events {
		at, err := nanos(e.TimeUnixNano)
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", e.Name, err)
		}
		attrs, err := attributes(e.Attributes)
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", e.Name, err)
		}
		s.Events = append(s.Events, Event{Time: at, Name: e.Name, Attributes: attrs, Dropped: e.DroppedAttributesCount})
	}
	for _, l := range j.Links {
		attrs, err := attributes(l.Attributes)
		if err != nil {
			return nil, fmt.Errorf("link %s: %w", l.SpanID, err)
		}
		s.Links = append(s.Links, Link{TraceID: l.TraceID, SpanID: l.SpanID, TraceState: l.TraceState, Attributes: attrs, Flags: l.Flags})
	}
	return s, nil
}

// attributes returns nil for none, so that absent and empty compare equal.
func attributes(kvs []jsonKeyValue) (map[string]any, error) {
	if len(kvs) == 0 {
		return nil, nil
	}
	m := make(map[string]any, len(kvs))
	for _, kv := range kvs {
		if _, twice := m[kv.Key]; twice {
			return nil, fmt.Errorf("attribute %s stands twice", kv.Key)
		}
		v, err := kv.Value.value()
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", kv.Key, err)
		}
		m[kv.Key] = v
	}
	return m, nil
}

func (v jsonValue) value() (any, error) {
	switch {
	case v.StringValue != nil:
		return *v.StringValue, nil
	case v.BoolValue != nil:
		return *v.BoolValue, nil
	case v.IntValue != nil:
		return strconv.ParseInt(*v.IntValue, 10, 64)
	case v.DoubleValue != nil:
		return double(v.DoubleValue)
	case v.BytesValue != nil:
		return base64.StdEncoding.DecodeString(*v.BytesValue)
	case v.ArrayValue != nil:
		list := make([]any, len(v.ArrayValue.Values))
		for i, e := range v.ArrayValue.Values {
			var err error
			if list[i], err = e.value(); err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
		}
		return list, nil
	case v.KvlistValue != nil:
		return attributes(v.KvlistValue.Values)
	}
	return nil, nil
}

func double(raw json.RawMessage) (any, error) {
	switch string(raw) {
	case `"NaN"`:
		return math.NaN(), nil
	case `"Infinity"`:
		return math.Inf(1), nil
	case `"-Infinity"`:
		return math.Inf(-1), nil
	}
	return strconv.ParseFloat(string(raw), 64)
}

// nanos reads a fixed64; proto3 JSON leaves a zero out.
func nanos(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return int64(n), err
}
