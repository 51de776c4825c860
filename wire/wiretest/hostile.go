// SPDX-License-Identifier: Apache-2.0

package wiretest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/clew-tracing/clew/span"
)

// Hostile returns everything that breaks backends, each kind in requests of its own, and a giant trace of 100,000 spans
// and a chain 10,000 deep.
func Hostile(seed uint64) *Corpus { return HostileOf(seed, 100_000, 10_000) }

// HostileOf is [Hostile] with other sizes of the giant trace and of the chain.
func HostileOf(seed uint64, giant, chain int) *Corpus {
	h := &hostile{Rand: rand.New(rand.NewPCG(seed, 0xbad)), c: &Corpus{Want: &span.Batch{}}}
	h.attributes()
	h.values()
	h.manyEventsAndLinks()
	h.unusableIDs()
	h.oddIDs()
	h.resent()
	h.times()
	h.texts()
	h.brokenTexts()
	h.resources()
	h.enumsAndFields()
	h.empties()
	h.malformed()
	h.longNames()
	h.chain(chain)
	h.giant(giant)
	return h.c
}

// Epoch is the time around which the spans of this package lie, unix ns: 2026-11-01 12:00 UTC.
const Epoch = 1_793_534_400_000_000_000

type hostile struct {
	*rand.Rand
	c *Corpus
}

func (h *hostile) traceID() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, h.Uint64()), h.Uint64()|1)
}

func (h *hostile) spanID() []byte { return binary.BigEndian.AppendUint64(nil, h.Uint64()|1) }

func (h *hostile) text(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[h.IntN(len(letters))]
	}
	return string(b)
}

// span returns an ordinary span, for the caller to spoil.
func (h *hostile) span(name string, trace []byte) Span {
	start := uint64(Epoch + h.Int64N(600e9))
	return Span{TraceID: trace, SpanID: h.spanID(), Name: name, Kind: 1, Start: start, End: start + uint64(h.Int64N(1e9))}
}

func str(key, v string) Attr                  { return Attr{Key: key, Value: span.StringValue(v)} }
func num(key string, v int64) Attr            { return Attr{Key: key, Value: span.IntValue(v)} }
func val(key string, v span.Value) Attr       { return Attr{Key: key, Value: v} }
func entry(k string, v span.Value) span.Entry { return span.Entry{Key: k, Value: v} }

// group puts spans into a service of the hostile fleet.
func group(service string, spans ...Span) Group {
	return Group{Resource: []Attr{str("service.name", service), str("host.name", "hostile")}, Scope: "hostile", Spans: spans}
}

func (h *hostile) attributes() {
	wide := h.span("two thousand attributes", h.traceID())
	for i := range 2000 {
		wide.Attrs = append(wide.Attrs, str(fmt.Sprintf("attribute.%04d", i), h.text(h.IntN(40))))
	}
	h.c.add("2,000 attributes", group("hostile-attributes", wide))

	big := h.span("one mebibyte", h.traceID())
	big.Attrs = []Attr{str("mebibyte", h.text(1<<20)), val("bytes", span.BytesValue([]byte(h.text(64<<10)))), num(strings.Repeat("k", 4<<10), 1)}
	h.c.add("values of 1 MiB", group("hostile-attributes", big))

	// One key with another type on every span, in one trace and in one service.
	trace := h.traceID()
	values := []span.Value{
		span.StringValue("17"), span.IntValue(17), span.DoubleValue(17), span.BoolValue(true), span.BytesValue([]byte("17")),
		span.ArrayValue(span.IntValue(17)), span.MapValue(entry("v", span.IntValue(17))), {},
	}
	var spans []Span
	for i := range 64 {
		s := h.span("changing types", trace)
		s.Attrs = []Attr{val("app.value", values[i%len(values)]), val("http.response.status_code", values[i%3])}
		spans = append(spans, s)
	}
	h.c.add("keys that change type", group("hostile-attributes", spans...))
}

func (h *hostile) values() {
	deep, odd := span.StringValue("leaf"), span.IntValue(0)
	for i := range 1000 {
		if i%2 == 0 {
			deep = span.ArrayValue(deep)
		} else {
			deep = span.MapValue(entry("child", deep))
		}
	}
	for i := range 40 {
		odd = span.ArrayValue(odd, span.MapValue(entry("i", span.IntValue(int64(i))), entry("", span.Value{})), span.ArrayValue())
	}
	s := h.span("every type of value", h.traceID())
	s.Attrs = []Attr{
		str("string", "text"), str("string.empty", ""),
		val("bool.true", span.BoolValue(true)), val("bool.false", span.BoolValue(false)),
		num("int", 42), num("int.zero", 0), num("int.min", math.MinInt64), num("int.max", math.MaxInt64), num("int.beyond_double", 1<<53+1),
		val("double", span.DoubleValue(3.25)), val("double.zero", span.DoubleValue(0)), val("double.negative_zero", span.DoubleValue(math.Copysign(0, -1))),
		val("double.nan", span.DoubleValue(math.NaN())), val("double.inf", span.DoubleValue(math.Inf(1))),
		val("double.negative_inf", span.DoubleValue(math.Inf(-1))), val("double.tiny", span.DoubleValue(5e-324)), val("double.huge", span.DoubleValue(math.MaxFloat64)),
		val("bytes", span.BytesValue([]byte{0, 1, 2, 0xff})), val("bytes.empty", span.BytesValue(nil)),
		val("array", span.ArrayValue(span.StringValue("a"), span.StringValue("b"))), val("array.empty", span.ArrayValue()),
		val("array.mixed", span.ArrayValue(span.IntValue(1), span.StringValue("2"), span.BoolValue(true), span.DoubleValue(4.5), span.Value{}, span.BytesValue([]byte("5")))),
		val("map", span.MapValue(entry("x", span.IntValue(1)), entry("y", span.ArrayValue(span.MapValue(entry("z", span.StringValue("deep"))))))),
		val("map.empty", span.MapValue()), val("map.repeated_key", span.MapValue(entry("k", span.IntValue(1)), entry("k", span.IntValue(2)))),
		val("nested.1000", deep), val("nested.odd", odd), {Key: "none", NoValue: true}, {Key: "empty"},
		str("", "empty key"), str("repeated", "first"), num("repeated", 2), str("with space.and\"quote", "v"),
		str("service.name", "not the service"), str("duration", "not a duration"), num("status", 7), str("name", "not the name"), str("kind", "not the kind"),
	}
	h.c.add("every type of value, nested and empty", group("hostile-values", s))
}

func (h *hostile) manyEventsAndLinks() {
	s := h.span("10,000 events", h.traceID())
	for i := range 10_000 {
		s.Events = append(s.Events, Event{Time: s.Start + uint64(i), Name: fmt.Sprintf("event %d", i%97), Attrs: []Attr{num("i", int64(i))}, Dropped: uint32(i % 3)})
	}
	s.DroppedEvents = 4_000_000_000
	h.c.add("10,000 events", group("hostile-events", s))
	l := h.span("1,000 links", h.traceID())
	for i := range 1000 {
		l.Links = append(l.Links, Link{TraceID: h.traceID(), SpanID: h.spanID(), TraceState: "k=v", Attrs: []Attr{str("reason", "fan-in")}, Flags: uint32(i), Dropped: uint32(i % 2)})
	}
	l.DroppedLinks, l.DroppedAttrs = math.MaxUint32, 1
	h.c.add("1,000 links", group("hostile-events", l))
	odd := h.span("links to nowhere", h.traceID())
	odd.Links = []Link{{}, {TraceID: make([]byte, 16), SpanID: make([]byte, 8)}, {TraceID: []byte("short"), SpanID: []byte("0123456789")}, {TraceID: odd.TraceID, SpanID: odd.SpanID}}
	odd.Events = []Event{{}, {Name: "before the span", Time: 1}, {Name: "long after it", Time: math.MaxUint64}}
	h.c.add("odd events and links", group("hostile-events", odd))
}

func (h *hostile) unusableIDs() {
	good := h.span("the one good span", h.traceID())
	spans := []Span{good}
	for _, ids := range [][2][]byte{
		{make([]byte, 16), h.spanID()}, {h.traceID(), make([]byte, 8)}, {nil, h.spanID()}, {h.traceID(), nil}, {make([]byte, 16), make([]byte, 8)}, {nil, nil},
		{h.traceID()[:8], h.spanID()}, {h.traceID(), h.spanID()[:4]}, {append(h.traceID(), 1), h.spanID()}, {h.traceID(), append(h.spanID(), 1)}, {{}, h.spanID()},
	} {
		s := h.span("unusable ids", ids[0])
		s.SpanID = ids[1]
		s.Attrs = []Attr{str("only.here", "a value that must not be found")}
		spans = append(spans, s)
	}
	h.c.add("unusable ids", group("hostile-ids", spans...))
	h.c.add("nothing but unusable ids", group("hostile-ids", spans[1:4]...))
}

func (h *hostile) oddIDs() {
	t := h.traceID()
	x, y, self := h.span("cycle", t), h.span("cycle", t), h.span("its own parent", t)
	x.ParentID, y.ParentID, self.ParentID = y.SpanID, x.SpanID, self.SpanID
	zero, lost, short := h.span("zero parent", t), h.span("lost parent", t), h.span("short parent", t)
	zero.ParentID, lost.ParentID, short.ParentID = make([]byte, 8), h.spanID(), h.spanID()[:5]
	h.c.add("odd parents", group("hostile-ids", x, y, self, zero, lost, short))
	only := h.span("only a cycle, no root", h.traceID())
	loop := []Span{only}
	for range 4 {
		s := h.span("only a cycle, no root", only.TraceID)
		s.ParentID = loop[len(loop)-1].SpanID
		loop = append(loop, s)
	}
	loop[0].ParentID = loop[4].SpanID
	h.c.add("a trace without a root", group("hostile-ids", loop...))

	t = h.traceID()
	a, b, c := h.span("same id, first", t), h.span("same id, second", t), h.span("same id, third", t)
	b.SpanID, c.SpanID, b.Kind, c.Kind = a.SpanID, a.SpanID, 3, 2
	c.Start, c.End = a.Start, a.End
	h.c.add("repeated span ids", group("hostile-ids", a, b))
	h.c.add("repeated span ids", group("hostile-ids", c))

	ids := [][]byte{h.spanID(), h.spanID()}
	for range 5 {
		t := h.traceID()
		one, two := h.span("reused ids", t), h.span("reused ids", t)
		one.SpanID, two.SpanID, two.ParentID = ids[0], ids[1], ids[0]
		h.c.add("span ids of other traces", group("hostile-ids", one, two))
	}
	long := h.traceID()
	low := append(make([]byte, 8), long[8:]...)
	other := append([]byte{9, 9, 9, 9, 9, 9, 9, 9}, long[8:]...)
	h.c.add("64- and 128-bit forms of one trace", group("hostile-ids", h.span("128 bits", long), h.span("64 bits", low)))
	h.c.add("another trace with the same low half", group("hostile-ids", h.span("other high half", other)))
}

func (h *hostile) resent() {
	for range 5 {
		t := h.traceID()
		var spans []Span
		for range 2 + h.IntN(10) {
			spans = append(spans, h.span("sent twice", t))
		}
		h.c.add("resent requests", group("hostile-resent", spans...))
		h.c.add("resent requests", group("hostile-resent", spans...))
	}
	t := h.traceID()
	s := h.span("twice in one request, attributes in another order", t)
	s.Attrs = []Attr{str("a", "1"), num("b", 2)}
	again := s
	again.Attrs = []Attr{num("b", 2), str("a", "1")}
	h.c.add("resent in one request", group("hostile-resent", s, again))
}

func (h *hostile) times() {
	const day = 86_400_000_000_000
	var spans []Span
	for _, t := range [][2]uint64{
		{Epoch, Epoch - 1}, {Epoch, Epoch - 5e9}, {Epoch, Epoch}, {Epoch - 30*day, Epoch}, {0, 0}, {Epoch, 0}, {0, Epoch}, {1, 2},
		{4_102_444_800e9, 4_102_444_801e9}, {math.MaxInt64 - 1, math.MaxInt64}, {math.MaxInt64, math.MaxInt64 + 1},
		{math.MaxUint64 - 1, math.MaxUint64}, {math.MaxUint64, 0}, {0, math.MaxUint64}, {1, math.MaxUint64},
	} {
		p := h.span("impossible times", h.traceID())
		p.Start, p.End = t[0], t[1]
		c := h.span("child of impossible times", p.TraceID)
		c.ParentID = p.SpanID
		spans = append(spans, p, c)
	}
	h.c.add("impossible times", group("hostile-times", spans...))
}

func (h *hostile) texts() {
	var spans []Span
	for _, text := range []string{
		"🛒 checkout 💳➡️✅", "оформление заказа", "結帳", "عملية الدفع", "é and e\u0301", "a\x00b", "\x00", "tab\tnewline\nreturn\r", "\u202egnirts\u202c",
		`"quotes" and \backslashes\`, "<script>alert(1)</script>", "'; DROP TABLE spans; --", "%s%n%x", "👨‍👩‍👧‍👦", "\ufeffbom", "\U0010ffff", "\ufffd", " spaces ", "{{7*7}}", "../../etc/passwd", "\u2028\u2029",
	} {
		s := h.span(text, h.traceID())
		s.Status, s.Message, s.TraceState = 2, text, text
		s.Attrs = []Attr{str("text", text), str("key "+text, text), val("list", span.ArrayValue(span.StringValue(text))), val("map", span.MapValue(entry(text, span.StringValue(text))))}
		s.Events = []Event{{Time: s.Start, Name: text, Attrs: []Attr{str(text, text)}}}
		spans = append(spans, s)
	}
	h.c.add("emoji, NUL, right-to-left, markup", group("hostile-text", spans...))
}

func (h *hostile) brokenTexts() {
	for _, text := range []string{"\xff\xfe", "abc\x80", "\xc3(", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80", "ok\xffok\xc0\x80ok"} {
		s := h.span(text, h.traceID())
		s.Status, s.Message, s.TraceState = 2, text, text
		s.Attrs = []Attr{str(text, "v"), str("text", text), val("list", span.ArrayValue(span.StringValue(text))), val("map", span.MapValue(entry(text, span.StringValue(text)))), val("bytes", span.BytesValue([]byte(text)))}
		s.Events = []Event{{Time: s.Start, Name: text, Attrs: []Attr{str("text", text)}}}
		s.Links = []Link{{TraceID: h.traceID(), SpanID: h.spanID(), TraceState: text, Attrs: []Attr{str("text", text)}}}
		h.c.add("invalid UTF-8 in spans", group("hostile-text", s))
		g := group(text, h.span("invalid UTF-8 around it", h.traceID()))
		g.Resource = append(g.Resource, str(text, text))
		g.Scope, g.Version, g.ScopeAttrs, g.ScopeSchema, g.ResourceSchema = text, text, []Attr{str(text, text)}, text, text
		g.Entities = []Entity{{SchemaURL: text, Type: text, IDKeys: []string{text}, DescriptionKeys: []string{text}}}
		h.c.add("invalid UTF-8 in resource and scope", g)
	}
}

func (h *hostile) resources() {
	spans := func() Span { return h.span("whose is this?", h.traceID()) }
	for _, attrs := range [][]Attr{{str("host.name", "h")}, {str("service.name", "")}, {num("service.name", 12)}, {}, {str("service.name", "first"), str("service.name", "second")}} {
		h.c.add("missing service name", Group{Resource: attrs, Spans: []Span{spans()}})
	}
	h.c.add("missing service name", Group{NoResource: true, Spans: []Span{spans()}})

	var fleet []Group
	for i := range 1000 {
		g := group("hostile-fleet", h.span("one of a thousand", h.traceID()))
		g.Resource = append(g.Resource, str("service.instance.id", h.text(32)), num("process.pid", int64(i)))
		fleet = append(fleet, g)
	}
	h.c.add("1,000 resources", fleet...)

	g := group("hostile-entities", spans())
	g.Entities = []Entity{{SchemaURL: "https://opentelemetry.io/schemas/1.44.0", Type: "service", IDKeys: []string{"service.name"}, DescriptionKeys: []string{"service.version"}}, {Type: "host", IDKeys: []string{"host.id"}}, {}}
	g.ResourceSchema, g.ScopeSchema = "https://opentelemetry.io/schemas/1.44.0", "https://opentelemetry.io/schemas/1.9.0"
	g.Version, g.ScopeAttrs = "1.2.3", []Attr{str("short_name", "h"), val("list", span.ArrayValue(span.IntValue(1)))}
	h.c.add("entities, schemas, scope attributes", g)
}

func (h *hostile) enumsAndFields() {
	s := h.span("kinds and fields of a later schema", h.traceID())
	s.Kind, s.Status, s.Flags = 99, 7, math.MaxUint32
	s.TraceState = "not a=valid,,tracestate;"
	s.Extra = bytesField(numberField(fixed32Field(nil, 300, 7), 201, 12345), 200, "an unknown field")
	negative := h.span("negative enums", h.traceID())
	negative.Kind, negative.Status = -1, math.MinInt32
	h.c.add("unknown enums and fields", group("hostile-schema", s, negative))
	weights := []Span{h.span("sampled at one in four", h.traceID()), h.span("bad threshold", h.traceID())}
	weights[0].TraceState, weights[1].TraceState = "vendor=1,ot=th:c;rv:123456789abcde", "ot=th:xyz"
	h.c.add("sampling thresholds", group("hostile-schema", weights...))
}

func (h *hostile) empties() {
	h.c.add("empty request")
	h.c.add("a resource without spans", group("hostile-nothing"))
	h.c.add("empty messages", Group{NoResource: true})
	s := Span{TraceID: h.traceID(), SpanID: h.spanID()}
	h.c.add("a span with nothing but ids", Group{NoResource: true, Spans: []Span{s}})
}

func (h *hostile) malformed() {
	whole := AppendRequest(nil, group("hostile-malformed", h.span("must not be kept", h.traceID()), h.span("must not be kept", h.traceID())))
	for _, data := range [][]byte{
		whole[:len(whole)-1], whole[:20], append(slices.Clip(whole), 0x0a), {0xff}, {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f}, []byte(`{"resourceSpans":[]}`), {0x0c},
		append(slices.Clip(whole), "\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"...),
	} {
		h.c.Requests = append(h.c.Requests, Request{Case: "malformed protobuf", Data: data, Malformed: true})
	}
}

func (h *hostile) longNames() {
	long := h.span(strings.Repeat("n", 64<<10), h.traceID())
	g := group(strings.Repeat("service", 1000), long)
	g.Scope = strings.Repeat("scope", 1000)
	h.c.add("very long names", g)
	var spans []Span
	for range 2000 {
		s := h.span("GET /users/"+h.text(36), h.traceID())
		s.Attrs = []Attr{str("dynamic."+h.text(10), h.text(16))}
		spans = append(spans, s)
	}
	h.c.add("names without end", group("hostile-names", spans...))
}

// exportSize is how many spans an SDK sends at once.
const exportSize = 512

func (h *hostile) chain(n int) {
	t := h.traceID()
	var spans []Span
	for i := range n {
		s := h.span("a link of the chain", t)
		if len(spans) > 0 {
			s.ParentID = spans[i-1].SpanID
		}
		s.Attrs = []Attr{num("depth", int64(i))}
		spans = append(spans, s)
	}
	h.inPieces("a deep chain", "hostile-chain", spans)
}

func (h *hostile) giant(n int) {
	t := h.traceID()
	spans := []Span{h.span("giant root", t)}
	for i := 1; i < n; i++ {
		s := h.span("giant step", t)
		s.ParentID = spans[h.IntN(min(i, 1000))].SpanID
		s.Attrs = []Attr{num("step", int64(i))}
		spans = append(spans, s)
	}
	h.inPieces("a giant trace", "hostile-giant", spans)
}

func (h *hostile) inPieces(name, service string, spans []Span) {
	for lo := 0; lo < len(spans); lo += exportSize {
		h.c.add(name, group(service, spans[lo:min(lo+exportSize, len(spans))]...))
	}
}
