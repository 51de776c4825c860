// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/clew-tracing/clew/span"
)

// Noon is the moment about which generated spans lie: 2026-03-01 12:00 UTC, unix ns.
const Noon = int64(1772366400) * second

const (
	millisecond = int64(1e6)
	second      = int64(1e9)
	minute      = 60 * second
	hour        = 60 * minute
)

// Gen makes random batches out of small sets of ids, names and values, so that traces meet over batches, spans repeat and
// values are shared.
type Gen struct {
	Rand *rand.Rand
	// Traces is how many traces there are.
	Traces int
	// Now is the arrival of the next batch.
	Now int64
}

// NewGen returns a generator that always makes the same for a seed.
func NewGen(seed uint64) *Gen {
	return &Gen{Rand: rand.New(rand.NewPCG(seed, 1)), Traces: 20, Now: Noon}
}

// Batch returns n random spans.
func (g *Gen) Batch(tenant string, n int) *span.Batch {
	b := &span.Batch{Tenant: tenant, Arrival: g.Now}
	for range 1 + g.Rand.IntN(3) {
		r := b.Resources.Add()
		if g.Rand.IntN(10) > 0 {
			b.AddAttr(&b.Resources.Attrs, "service.name", span.StringValue(g.pick("cart", "checkout", "frontend", "payment")))
		}
		g.attrs(b, &b.Resources.Attrs, 2)
		b.Resources.Attrs.EndOwner()
		if g.Rand.IntN(4) == 0 {
			b.Resources.SchemaURL[r] = b.Strings.InternString("https://example.test/schema/1")
			b.Resources.Dropped[r] = uint32(g.Rand.IntN(3))
		}
	}
	for range 1 + g.Rand.IntN(2) {
		b.Scopes.Add(b.Strings.InternString(g.pick("http", "sql", "")), b.Strings.InternString(g.pick("1", "2")))
		g.attrs(b, &b.Scopes.Attrs, 1)
		b.Scopes.Attrs.EndOwner()
	}
	for range n {
		g.span(b)
	}
	return b
}

func (g *Gen) pick(from ...string) string { return from[g.Rand.IntN(len(from))] }

// traceID returns one of the trace ids: most are long ones with their short form beside them, some share their low half.
func (g *Gen) traceID() span.TraceID {
	k := uint64(1 + g.Rand.IntN(g.Traces))
	high := uint64(0xabcd)
	switch {
	case k%7 == 0:
		high = uint64(g.Rand.IntN(3)) // 0, 1 or 2: two traces of one key, and short ids that could be of either
	case k%5 == 0:
		high *= uint64(g.Rand.IntN(2)) // 64- and 128-bit form of one trace
	}
	return span.TraceIDFrom(high, k)
}

func (g *Gen) span(b *span.Batch) {
	i := b.AddSpan()
	b.TraceID[i] = g.traceID()
	b.SpanID[i] = span.SpanIDFrom(uint64(1 + g.Rand.IntN(12)))
	if g.Rand.IntN(4) > 0 {
		b.ParentID[i] = span.SpanIDFrom(uint64(1 + g.Rand.IntN(12)))
	}
	b.Start[i] = Noon + int64(b.TraceID[i].Key())*second + int64(g.Rand.IntN(4))*millisecond
	b.Duration[i] = int64(g.Rand.IntN(3)) * millisecond
	switch g.Rand.IntN(60) {
	case 0:
		b.Start[i] = 0
	case 1:
		b.Start[i] = Noon + 80*365*24*hour
	case 2:
		b.Duration[i] = -second
	case 3:
		b.Start[i], b.Duration[i] = math.MaxInt64-5, 3
	case 4:
		b.Start[i] -= int64(g.Rand.IntN(72)) * hour
	}
	b.Kind[i] = span.Kind(g.Rand.IntN(6))
	b.Status[i] = span.Status(g.Rand.IntN(3))
	b.Name[i] = b.Strings.InternString(g.pick("GET /", "GET /cart", "SELECT", ""))
	if g.Rand.IntN(5) == 0 {
		b.StatusMessage[i] = b.Strings.InternString(g.pick("boom", "timeout"))
		b.TraceState[i] = b.Strings.InternString("a=1,b=2")
		b.Flags[i] = 0x101
		b.DroppedAttrs[i], b.DroppedEvents[i], b.DroppedLinks[i] = 1, 2, 3
		b.HeadWeight[i] = 4
		b.Notes[i] = span.NoteUTF8
	}
	b.Resource[i] = uint32(g.Rand.IntN(b.Resources.Len()))
	b.Scope[i] = uint32(g.Rand.IntN(b.Scopes.Len()))
	g.attrs(b, &b.Attrs, 4)
	for range g.Rand.IntN(3) / 2 {
		b.Events.Add(b.Start[i]+int64(g.Rand.IntN(3)), b.Strings.InternString(g.pick("exception", "message")), uint32(g.Rand.IntN(2)))
		g.attrs(b, &b.Events.Attrs, 2)
		b.Events.Attrs.EndOwner()
	}
	for range g.Rand.IntN(3) / 2 {
		b.Links.Add(g.traceID(), span.SpanIDFrom(uint64(g.Rand.IntN(12))), 0, 1, 0)
		g.attrs(b, &b.Links.Attrs, 1)
		b.Links.Attrs.EndOwner()
	}
	b.EndSpan()
}

// attrs adds up to n attributes to the owner that is being built.
func (g *Gen) attrs(b *span.Batch, a *span.Attrs, n int) {
	for range g.Rand.IntN(n + 1) {
		b.AddAttr(a, g.pick("http.route", "http.response.status_code", "user.id", "weird"), g.value())
	}
}

func (g *Gen) value() span.Value {
	switch g.Rand.IntN(12) {
	case 0:
		return span.BoolValue(g.Rand.IntN(2) == 0)
	case 1:
		return span.DoubleValue(float64(g.Rand.IntN(3)) / 2)
	case 2:
		return span.BytesValue([]byte{0, byte(g.Rand.IntN(2)), 0xff})
	case 3:
		return span.ArrayValue(span.StringValue("a"), span.IntValue(int64(g.Rand.IntN(2))))
	case 4:
		return span.MapValue(span.Entry{Key: "k", Value: span.ArrayValue(span.DoubleValue(1))})
	case 5:
		return span.Value{}
	case 6, 7, 8:
		return span.IntValue(int64(200 + g.Rand.IntN(3)*100))
	}
	return span.StringValue(g.pick("/", "/cart", fmt.Sprintf("u%d", g.Rand.IntN(30))))
}

// Span is a span for tests that say exactly what they mean.
type Span struct {
	Trace             span.TraceID
	ID, Parent        uint64
	Start, Duration   int64
	Name, Service     string
	Attrs             []Attr
	Status            span.Status
	Notes             span.Notes
	ReversedAttrOrder bool
}

// Attr is an attribute of a [Span].
type Attr struct {
	Key   string
	Value span.Value
}

// BatchOf returns a batch of the given spans.
func BatchOf(tenant string, arrival int64, spans ...Span) *span.Batch {
	b := &span.Batch{Tenant: tenant, Arrival: arrival}
	b.Scopes.Add(b.Strings.InternString("test"), 0)
	b.Scopes.Attrs.EndOwner()
	for _, s := range spans {
		r := b.Resources.Add()
		b.AddAttr(&b.Resources.Attrs, "service.name", span.StringValue(s.Service))
		b.Resources.Attrs.EndOwner()
		i := b.AddSpan()
		b.TraceID[i], b.SpanID[i], b.ParentID[i] = s.Trace, span.SpanIDFrom(s.ID), span.SpanIDFrom(s.Parent)
		b.Start[i], b.Duration[i], b.Status[i], b.Notes[i] = s.Start, s.Duration, s.Status, s.Notes
		b.Name[i] = b.Strings.InternString(s.Name)
		b.Resource[i] = uint32(r)
		for k := range s.Attrs {
			at := s.Attrs[k]
			if s.ReversedAttrOrder {
				at = s.Attrs[len(s.Attrs)-1-k]
			}
			b.AddAttr(&b.Attrs, at.Key, at.Value)
		}
		b.EndSpan()
	}
	return b
}
