// SPDX-License-Identifier: Apache-2.0

// Package spantest makes spans for tests: random ones that have everything a span can have.
package spantest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/clew-tracing/clew/span"
)

// Start is the start of the earliest span that [Random] makes, unix ns.
const Start int64 = 1_700_000_000_000_000_000

// Random returns n spans in traces of 1 to 40, in random order within the batch, with every kind of value, events,
// links, repeated resources and scopes, missing parents, clock skew and a few cycles. It is a function of the seed.
func Random(seed uint64, n int) *span.Batch {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 7)), b: &span.Batch{Tenant: span.DefaultTenant, Arrival: Start + int64(seed)}}
	g.shared()
	for g.b.Len() < n {
		g.trace(min(1+g.rng.IntN(40), n-g.b.Len()))
	}
	rows := make([]int32, n)
	for i, p := range g.rng.Perm(n) {
		rows[i] = int32(p)
	}
	out := &span.Batch{Tenant: g.b.Tenant, Arrival: g.b.Arrival}
	c := span.NewCopier(out)
	c.From(g.b)
	c.Rows(rows)
	return out
}

type generator struct {
	rng *rand.Rand
	b   *span.Batch
}

func (g *generator) one(of ...string) string { return of[g.rng.IntN(len(of))] }

func (g *generator) chance(p float64) bool { return g.rng.Float64() < p }

func (g *generator) shared() {
	for i := range 5 {
		r := g.b.Resources.Add()
		if i > 0 {
			g.b.AddAttr(&g.b.Resources.Attrs, "service.name", span.StringValue(fmt.Sprintf("service-%d", i)))
			g.b.AddAttr(&g.b.Resources.Attrs, "host.cpus", span.IntValue(int64(i)))
			g.b.Resources.SchemaURL[r] = g.b.Strings.InternString(g.one("", "https://opentelemetry.io/schemas/1.44.0"))
			g.b.Resources.Dropped[r] = uint32(g.rng.IntN(2))
		}
		if i == 4 {
			refs := span.ArrayValue(span.MapValue(
				span.Entry{Key: "schemaUrl", Value: span.StringValue("")},
				span.Entry{Key: "type", Value: span.StringValue("service")},
				span.Entry{Key: "idKeys", Value: span.ArrayValue(span.StringValue("service.name"))},
				span.Entry{Key: "descriptionKeys", Value: span.ArrayValue()},
			))
			g.b.Resources.EntityRefs[r] = g.b.Strings.InternString(refs.Str)
		}
		g.b.Resources.Attrs.EndOwner()
	}
	for i := range 3 {
		g.b.Scopes.Add(g.b.Strings.InternString(g.one("", "lib", "http")), g.b.Strings.InternString(g.one("", "1.0")))
		g.attrs(&g.b.Scopes.Attrs, i)
		g.b.Scopes.Attrs.EndOwner()
	}
}

func (g *generator) trace(n int) {
	b := g.b
	id := span.TraceIDFrom(g.rng.Uint64(), g.rng.Uint64())
	if g.chance(0.2) {
		id = span.TraceIDFrom(0, id.Key())
	}
	start := Start + g.rng.Int64N(int64(3600e9))
	ids := []span.SpanID{span.SpanIDFrom(g.rng.Uint64() | 1)}
	for i := range n {
		r := b.AddSpan()
		b.TraceID[r] = id
		if g.chance(0.02) {
			b.TraceID[r] = span.TraceIDFrom(0, id.Key())
		}
		b.SpanID[r] = ids[len(ids)-1]
		switch {
		case i == 0 && g.chance(0.9):
		case g.chance(0.03):
			b.ParentID[r] = span.SpanIDFrom(g.rng.Uint64() | 1)
		default:
			b.ParentID[r] = ids[g.rng.IntN(len(ids))]
		}
		if g.chance(0.95) { // else a repeated id
			ids = append(ids, span.SpanIDFrom(g.rng.Uint64()|1))
		}
		b.Start[r] = start + g.rng.Int64N(int64(2e9)) - int64(1e8)
		b.Duration[r] = int64(math.Exp(g.rng.Float64() * 22))
		if g.chance(0.02) {
			b.Duration[r] = -b.Duration[r]
		}
		if g.chance(0.01) {
			b.Start[r] = int64(g.rng.Uint64())
		}
		b.Kind[r], b.Status[r] = span.Kind(g.rng.IntN(6)), span.Status(g.rng.IntN(3))
		if g.chance(0.01) {
			b.Kind[r], b.Status[r] = -5, 77
		}
		b.Name[r] = b.Strings.InternString(g.one("GET /cart", "SELECT", "publish", "", "naïve ☕ \x00 name"))
		if b.Status[r] == span.StatusError {
			b.StatusMessage[r] = b.Strings.InternString(g.one("", "boom", "timeout"))
		}
		b.TraceState[r] = b.Strings.InternString(g.one("", "", "ot=th:8", "vendor=x"))
		b.Flags[r] = uint32(g.rng.IntN(4)) << 8
		b.Resource[r], b.Scope[r] = uint32(g.rng.IntN(5)), uint32(g.rng.IntN(3))
		if g.chance(0.05) {
			b.DroppedAttrs[r], b.DroppedEvents[r], b.DroppedLinks[r] = 1, 2, 3
		}
		if g.chance(0.1) {
			b.HeadWeight[r], b.TraceWeight[r] = 2.5, 4
		}
		b.Notes[r] = span.Notes(g.rng.IntN(3))
		g.attrs(&b.Attrs, g.rng.IntN(8))
		for range g.few() {
			b.Events.Add(b.Start[r]+g.rng.Int64N(1e6)-1000, b.Strings.InternString(g.one("exception", "message", "")), uint32(g.rng.IntN(2)))
			g.attrs(&b.Events.Attrs, g.rng.IntN(3))
			b.Events.Attrs.EndOwner()
		}
		for range g.few() {
			b.Links.Add(span.TraceIDFrom(g.rng.Uint64(), g.rng.Uint64()), span.SpanIDFrom(g.rng.Uint64()),
				b.Strings.InternString(g.one("", "a=b")), uint32(g.rng.IntN(2)), uint32(g.rng.IntN(2)))
			g.attrs(&b.Links.Attrs, g.rng.IntN(2))
			b.Links.Attrs.EndOwner()
		}
		b.EndSpan()
	}
}

func (g *generator) few() int {
	if g.chance(0.8) {
		return 0
	}
	return 1 + g.rng.IntN(3)
}

func (g *generator) attrs(a *span.Attrs, n int) {
	for range n {
		key := g.one("http.route", "http.status", "user.id", "flag", "big", "mixed", "", "key with \"quotes\"")
		g.b.AddAttr(a, key, g.value(0))
	}
}

func (g *generator) value(depth int) span.Value {
	switch g.rng.IntN(25) {
	case 24:
		return span.Value{}
	case 0, 10:
		return span.IntValue(g.rng.Int64N(600))
	case 1, 11:
		return span.IntValue(int64(g.rng.Uint64()))
	case 2, 12:
		return span.DoubleValue(g.rng.NormFloat64())
	case 3, 13:
		return span.BoolValue(g.chance(0.5))
	case 4, 14:
		return span.BytesValue([]byte{0, 0xff, byte(g.rng.IntN(256))})
	case 5, 15:
		if depth > 2 {
			return span.Value{}
		}
		var elems []span.Value
		for range g.rng.IntN(4) {
			elems = append(elems, g.value(depth+1))
		}
		return span.ArrayValue(elems...)
	case 6, 16:
		if depth > 2 {
			return span.Value{}
		}
		var entries []span.Entry
		for i := range g.rng.IntN(3) {
			entries = append(entries, span.Entry{Key: fmt.Sprint("k", i), Value: g.value(depth + 1)})
		}
		return span.MapValue(entries...)
	case 7, 17:
		return span.StringValue(fmt.Sprintf("user-%d", g.rng.IntN(1000)))
	}
	return span.StringValue(g.one("/cart", "/checkout", "", "GET", "1"))
}
