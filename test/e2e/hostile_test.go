// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/clew-tracing/clew/test/harness"
)

// TestWhatGoesInComesOut sends hostile and unlucky spans and reads every trace
// back, as protobuf and as JSON, before and after kill -9 and a clean restart.
// What comes out is what went in, but for spans with unusable ids, which are
// counted in the answer, and invalid UTF-8, which is repaired.
func TestWhatGoesInComesOut(t *testing.T) {
	s := harness.Start(t, harness.Config{})
	want := map[string][]string{}
	for _, c := range hostileCases(time.Now().Truncate(time.Second)) {
		// Sent twice: a resent span is the same span.
		for range 2 {
			body := bytes.ReplaceAll(harness.Marshal(t, c.request), []byte(badText), []byte(strings.Repeat("\xff", len(badText))))
			resp := s.PostOTLP(t, protobuf, body)
			var answer collectorpb.ExportTraceServiceResponse
			if err := proto.Unmarshal(resp.Body, &answer); err != nil || resp.Status != http.StatusOK {
				t.Fatalf("%s: %d %v %.200q", c.name, resp.Status, err, resp.Body)
			}
			if got := answer.GetPartialSuccess().GetRejectedSpans(); got != c.rejected {
				t.Errorf("%s: %d spans rejected (%s), want %d", c.name, got, answer.GetPartialSuccess().GetErrorMessage(), c.rejected)
			}
			if c.rejected > 0 && answer.GetPartialSuccess().GetErrorMessage() == "" {
				t.Errorf("%s: no word on why spans were rejected", c.name)
			}
		}
		for id, spans := range expected(t, c.request) {
			want[id] = append(want[id], spans...)
		}
	}
	check := func(when string) {
		t.Helper()
		for id, spans := range want {
			slices.Sort(spans)
			for form, data := range map[string]*tracepb.TracesData{"protobuf": s.TraceProto(t, id), "JSON": s.TraceJSON(t, id)} {
				if diff := difference(spans, harness.Canonical(data)); diff != "" {
					t.Errorf("%s: trace %s as %s (-sent +got):\n%s", when, id, form, diff)
				}
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	check("at once")
	s.Kill(t)
	s.Restart(t)
	check("after kill -9")
	s.Stop(t)
	s.Restart(t)
	check("after a clean restart")
}

// difference is cmp.Diff with an end.
func difference(want, got []string) string {
	if slices.Equal(want, got) {
		return ""
	}
	onlyWant := slices.DeleteFunc(slices.Clone(want), func(s string) bool { _, found := slices.BinarySearch(got, s); return found })
	onlyGot := slices.DeleteFunc(slices.Clone(got), func(s string) bool { _, found := slices.BinarySearch(want, s); return found })
	diff := cmp.Diff(onlyWant[:min(3, len(onlyWant))], onlyGot[:min(3, len(onlyGot))])
	return fmt.Sprintf("%d spans sent, %d got\n%.4000s", len(want), len(got), diff)
}

// badText stands in requests where a run of invalid UTF-8 goes on the wire. It
// is as long as what the run is repaired to, U+FFFD.
const badText = "@B@"

// expected returns the canonical text of what must come back, by trace.
func expected(t *testing.T, sent *collectorpb.ExportTraceServiceRequest) map[string][]string {
	t.Helper()
	req := &collectorpb.ExportTraceServiceRequest{}
	if err := proto.Unmarshal(bytes.ReplaceAll(harness.Marshal(t, sent), []byte(badText), []byte("\uFFFD")), req); err != nil {
		t.Fatal(err)
	}
	byTrace := map[string]*tracepb.TracesData{}
	for _, rs := range req.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, sp := range ss.GetSpans() {
				if len(sp.GetTraceId()) != 16 || len(sp.GetSpanId()) != 8 || isZero(sp.GetTraceId()) || isZero(sp.GetSpanId()) {
					continue
				}
				id := hex.EncodeToString(sp.GetTraceId())
				if byTrace[id] == nil {
					byTrace[id] = &tracepb.TracesData{}
				}
				if len(sp.GetParentSpanId()) != 8 || isZero(sp.GetParentSpanId()) {
					sp = proto.CloneOf(sp)
					sp.ParentSpanId = nil
				}
				byTrace[id].ResourceSpans = append(byTrace[id].ResourceSpans, &tracepb.ResourceSpans{
					Resource: rs.GetResource(), SchemaUrl: rs.GetSchemaUrl(),
					ScopeSpans: []*tracepb.ScopeSpans{{Scope: ss.GetScope(), SchemaUrl: ss.GetSchemaUrl(), Spans: []*tracepb.Span{sp}}},
				})
			}
		}
	}
	texts := map[string][]string{}
	for id, data := range byTrace {
		texts[id] = harness.Canonical(data)
	}
	return texts
}

func isZero(id []byte) bool { return len(bytes.Trim(id, "\x00")) == 0 }

// hostileCase is one request and how many of its spans have unusable ids.
type hostileCase struct {
	name     string
	request  *collectorpb.ExportTraceServiceRequest
	rejected int64
}

// hostile makes spans of traces of its own.
type hostile struct {
	at    time.Time
	cases []hostileCase
	trace uint64
	span  uint64
}

func hostileCases(at time.Time) []hostileCase {
	h := &hostile{at: at}
	h.attributes()
	h.text()
	h.times()
	h.identifiers()
	h.shapes()
	h.resources()
	return h.cases
}

func (h *hostile) add(name string, rejected int64, spans ...*tracepb.Span) {
	h.cases = append(h.cases, hostileCase{name, harness.NewRequest("hostile", spans...), rejected})
}

// fresh returns a span that is the root of a trace of its own.
func (h *hostile) fresh(name string, attrs ...any) *tracepb.Span {
	h.trace++
	return h.child(harness.TraceID(0xb057, h.trace<<20|h.trace), nil, name, attrs...)
}

func (h *hostile) child(trace, parent []byte, name string, attrs ...any) *tracepb.Span {
	h.span++
	return harness.NewSpan(trace, harness.SpanID(h.span), parent, name, h.at, attrs...)
}

func (h *hostile) attributes() {
	wide := h.fresh("wide")
	for i := range 2000 {
		wide.Attributes = append(wide.Attributes, harness.Attribute(fmt.Sprintf("key.%d", i), strings.Repeat("v", i%40)))
	}
	h.add("2,000 attributes", 0, wide)
	h.add("1 MiB value, 64 KiB name, 4 KiB key", 0,
		h.fresh(strings.Repeat("n", 64<<10), "mega", strings.Repeat("0123456789abcdef", 1<<16), strings.Repeat("k", 4<<10), 1))

	types := h.fresh("types", "string", "text", "empty", "", "true", true, "false", false, "int.min", int64(math.MinInt64), "int.max", int64(math.MaxInt64),
		"int.zero", 0, "beyond.float", int64(1<<53+1), "nan", math.NaN(), "inf", math.Inf(1), "-inf", math.Inf(-1), "-0", math.Copysign(0, -1),
		"tiny", 5e-324, "huge", math.MaxFloat64, "", "empty key", "service.name", "not the service", "duration", "not a duration", "name", "not the name", "status", 7, "twice", "first", "twice", 2)
	types.Attributes = append(types.Attributes, nestedAttributes()...)
	types.Attributes = append(types.Attributes,
		&commonpb.KeyValue{Key: "empty.bytes", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{}}},
		&commonpb.KeyValue{Key: "empty.list", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{}}}},
		&commonpb.KeyValue{Key: "empty.map", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{}}}},
		&commonpb.KeyValue{Key: "absent"}, &commonpb.KeyValue{Key: "deep", Value: deepValue(40)})
	h.add("every type", 0, types)

	var changing []*tracepb.Span
	trace := h.fresh("root").TraceId
	for i, v := range []any{"1", 1, 1.0, true, "", int64(-1)} {
		changing = append(changing, h.child(trace, nil, fmt.Sprintf("as %d", i), "changes", v))
	}
	h.add("a key of changing type", 0, changing...)
}

func deepValue(depth int) *commonpb.AnyValue {
	v := &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "leaf"}}
	for i := range depth {
		if i%2 == 0 {
			v = &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{v, {}}}}}
		} else {
			v = &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: []*commonpb.KeyValue{{Key: "child", Value: v}}}}}
		}
	}
	return v
}

func (h *hostile) text() {
	for _, text := range []string{
		"\x00nul", "line\nbreak\r\ttab", "emoji 🧶🐂", "שלום عالم", "\u202eright to left", "\u2028\u2029", "\ufeffbom", "e\u0301 combining",
		`"quotes" 'and' \back\slashes`, "<script>alert(1)</script>", "'; DROP TABLE spans; --", "../../etc/passwd", "{{template}} ${jndi:ldap://x}", "\x7f\x1b[31m",
		badText, "before " + badText + " after", badText + " and " + badText,
	} {
		sp := h.fresh(text, text, text, "plain", text)
		sp.Status = errorStatus(text)
		sp.TraceState = text
		sp.Events = []*tracepb.Span_Event{{TimeUnixNano: sp.StartTimeUnixNano, Name: text, Attributes: []*commonpb.KeyValue{harness.Attribute(text, text)}}}
		sp.Links = []*tracepb.Span_Link{{TraceId: harness.TraceID(1, 1), SpanId: harness.SpanID(1), TraceState: text, Attributes: []*commonpb.KeyValue{harness.Attribute(text, text)}}}
		h.add("text "+text, 0, sp)
		h.cases[len(h.cases)-1].request.ResourceSpans[0].Resource.Attributes[0].Value = harness.Attribute("", text).Value
	}
}

func (h *hostile) times() {
	second := uint64(time.Second)
	now := uint64(h.at.UnixNano())
	for _, times := range [][2]uint64{
		{0, 0}, {0, now}, {now, 0}, {now, now - second}, {now, now}, {1, 2}, {math.MaxInt64, math.MaxInt64}, {now, math.MaxInt64},
		{uint64(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()), uint64(time.Date(2100, 1, 1, 0, 0, 1, 0, time.UTC).UnixNano())},
		{now - 400*24*3600*second, now}, {now / 1000, now/1000 + 5}, {now, now + 1},
	} {
		sp := h.fresh("times")
		sp.StartTimeUnixNano, sp.EndTimeUnixNano = times[0], times[1]
		sp.Events = []*tracepb.Span_Event{{TimeUnixNano: 0, Name: "never"}, {TimeUnixNano: now + 3600*second, Name: "later"}, {TimeUnixNano: math.MaxInt64, Name: "last"}}
		h.add(fmt.Sprintf("times %d to %d", times[0], times[1]), 0, sp)
	}
}

func (h *hostile) identifiers() {
	good := h.fresh("good among bad")
	bad := func(trace, span []byte) *tracepb.Span {
		sp := h.fresh("bad ids")
		sp.TraceId, sp.SpanId = trace, span
		return sp
	}
	id := harness.TraceID(9, 9)
	h.add("unusable ids", 7, bad(nil, harness.SpanID(1)), bad(make([]byte, 16), harness.SpanID(1)), bad(id[:8], harness.SpanID(1)),
		good, bad(id, nil), bad(id, make([]byte, 8)), bad(id, id), bad(append(id, 1), harness.SpanID(1)))

	oddParent := h.fresh("parent id of 3 bytes")
	oddParent.ParentSpanId = []byte{1, 2, 3}
	h.add("parent id of a wrong length", 0, oddParent)

	one := h.fresh("one of three")
	two, three := proto.CloneOf(one), proto.CloneOf(one)
	two.Name, three.Attributes = "two of three", []*commonpb.KeyValue{harness.Attribute("other", true)}
	h.add("equal ids, other content", 0, one, two, three)

	self := h.fresh("its own parent")
	self.ParentSpanId = self.SpanId
	h.add("its own parent", 0, self)

	a := h.fresh("cycle a")
	b := h.child(a.TraceId, a.SpanId, "cycle b")
	c := h.child(a.TraceId, b.SpanId, "cycle c")
	a.ParentSpanId = c.SpanId
	h.add("a cycle", 0, a, b, c, h.child(a.TraceId, c.SpanId, "below the cycle"))

	short := h.fresh("64 bits of trace id")
	copy(short.TraceId, make([]byte, 8))
	h.add("trace id of 64 bits", 0, short)

	enums := h.fresh("unknown enums")
	enums.Kind, enums.Status = 99, &tracepb.Status{Code: 77}
	enums.Flags = math.MaxUint32
	h.add("unknown enums and all flags", 0, enums)
}

func (h *hostile) shapes() {
	many := h.fresh("10,000 events, 1,000 links")
	for i := range 10_000 {
		many.Events = append(many.Events, &tracepb.Span_Event{TimeUnixNano: many.StartTimeUnixNano + uint64(i), Name: fmt.Sprintf("event %d", i%7)})
	}
	for i := range 1000 {
		many.Links = append(many.Links, &tracepb.Span_Link{TraceId: harness.TraceID(2, uint64(i+1)), SpanId: harness.SpanID(uint64(i + 1))})
	}
	h.add("10,000 events, 1,000 links", 0, many)

	deep := []*tracepb.Span{h.fresh("chain")}
	for len(deep) < 10_000 {
		deep = append(deep, h.child(deep[0].TraceId, deep[len(deep)-1].SpanId, "chain"))
	}
	slices.Reverse(deep) // leaves first
	h.add("a chain 10,000 deep", 0, deep...)

	giant := []*tracepb.Span{h.fresh("giant")}
	for len(giant) < 100_000 {
		giant = append(giant, h.child(giant[0].TraceId, giant[len(giant)*7919%len(giant)].SpanId, fmt.Sprintf("step %d", len(giant)%100), "n", len(giant)))
	}
	for part := range slices.Chunk(giant, 20_000) {
		h.add("part of a trace of 100,000 spans", 0, part...)
	}

	h.add("an orphan", 0, h.child(h.fresh("elsewhere").TraceId, harness.SpanID(0xfeed), "orphan"))
	h.cases = append(h.cases, hostileCase{"nothing", &collectorpb.ExportTraceServiceRequest{}, 0})
}

// resources covers what stands above spans: none, empty, with and without
// service names, a thousand in one request.
func (h *hostile) resources() {
	req := &collectorpb.ExportTraceServiceRequest{}
	add := func(res *resourcepb.Resource, resSchema string, scope *commonpb.InstrumentationScope, scopeSchema string) {
		req.ResourceSpans = append(req.ResourceSpans, &tracepb.ResourceSpans{Resource: res, SchemaUrl: resSchema, ScopeSpans: []*tracepb.ScopeSpans{
			{Scope: scope, SchemaUrl: scopeSchema, Spans: []*tracepb.Span{h.fresh("under an odd resource")}},
		}})
	}
	add(nil, "", nil, "")
	add(&resourcepb.Resource{}, "", &commonpb.InstrumentationScope{}, "")
	add(&resourcepb.Resource{DroppedAttributesCount: 5}, "https://opentelemetry.io/schemas/1.30.0", &commonpb.InstrumentationScope{Name: "s", Version: "1", Attributes: nestedAttributes(), DroppedAttributesCount: 6}, "https://opentelemetry.io/schemas/1.29.0")
	add(&resourcepb.Resource{Attributes: []*commonpb.KeyValue{harness.Attribute("service.name", 5)}}, "", &commonpb.InstrumentationScope{Version: "only"}, "")
	add(&resourcepb.Resource{Attributes: nestedAttributes()}, "", nil, "x")
	req.ResourceSpans = append(req.ResourceSpans, &tracepb.ResourceSpans{}, &tracepb.ResourceSpans{ScopeSpans: []*tracepb.ScopeSpans{{}}})
	for i := range 1000 {
		add(&resourcepb.Resource{Attributes: []*commonpb.KeyValue{harness.Attribute("service.name", fmt.Sprintf("fleet-%d", i)), harness.Attribute("pod", i)}}, "", &commonpb.InstrumentationScope{Name: fmt.Sprintf("lib %d", i%3)}, "")
	}
	h.cases = append(h.cases, hostileCase{"odd resources", req, 0})
}
