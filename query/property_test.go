// SPDX-License-Identifier: Apache-2.0

package query

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/clew-tracing/clew/span"
	"github.com/clew-tracing/clew/store"
	"github.com/clew-tracing/clew/traceql"
)

// TestAgainstOracle: on random traces, random queries find exactly what the oracle finds, in every order, over pages.
func TestAgainstOracle(t *testing.T) {
	matched := 0
	rapid.Check(t, func(t *rapid.T) {
		g := &generator{t: t}
		engine := &memEngine{perBatch: rapid.IntRange(1, 4).Draw(t, "traces in a batch")}
		if err := engine.Append(t.Context(), g.batch()); err != nil {
			t.Fatal(err)
		}
		var whole span.Batch
		engine.all.CopyOrdered(&whole)
		for range 8 {
			matched += checkQuery(t, engine, &whole, g.query())
		}
	})
	if matched == 0 {
		t.Error("no random query ever matched anything")
	}
}

// checkQuery holds one query against the oracle and returns how many traces it found.
func checkQuery(t *rapid.T, engine store.Engine, whole *span.Batch, text string) int {
	q, errs := traceql.Parse(text)
	if len(errs) > 0 {
		t.Fatalf("%s\n%s", text, errs.Caret(text))
	}
	if len(traceql.Check(q)) > 0 || len(executable(q)) > 0 {
		return 0 // what was drawn makes no sense
	}
	order := Order(rapid.IntRange(0, int(MostSpans)).Draw(t, "order"))
	o := oracle{b: whole}
	var want []string
	for _, tr := range o.search(q, order) {
		want = append(want, tr.id.String()+" "+tr.text)
	}
	r := SearchRequest{
		Tenant: span.DefaultTenant, Query: text, Window: store.AllTime(), Order: order, Limit: rapid.IntRange(1, 3).Draw(t, "limit"),
	}
	var got []string
	x := New(Config{Engine: engine})
	for page := 0; page == 0 || r.Cursor != ""; page++ {
		if page > 20 {
			t.Fatalf("%s: pages without end", text)
		}
		res, err := x.Search(t.Context(), r)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(res.Traces) > r.Limit || page > 0 && len(res.Traces) == 0 {
			t.Fatalf("%s: %d traces on page %d, limit %d", text, len(res.Traces), page, r.Limit)
		}
		for _, tr := range res.Traces {
			got = append(got, tr.ID.String()+" "+setsText(tr))
		}
		r.Cursor = res.Cursor
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s, order %s\ngot  %s\nwant %s\n%s", text, order, strings.Join(got, "\n     "), strings.Join(want, "\n     "), span.DumpString(whole))
	}
	return len(want)
}

func setsText(t *Trace) string {
	var out strings.Builder
	for _, s := range t.SpanSets {
		var attrs []string
		for _, a := range s.Attributes {
			v := a.Readable()
			word := v.Text()
			if v.Type == span.TypeString {
				word = v.Str
			}
			attrs = append(attrs, a.Name+"="+word)
		}
		fmt.Fprintf(&out, "%v:", attrs)
		for _, sp := range s.Spans {
			out.WriteString(" " + sp.ID.String())
		}
		out.WriteString("; ")
	}
	return out.String()
}

type generator struct {
	t *rapid.T
	// distinct: no two spans have one id, in this batch and those before it.
	distinct   bool
	spansSoFar int
}

func (g *generator) pick(n int) int { return rapid.IntRange(0, n-1).Draw(g.t, "n") }

func pickOf[T any](g *generator, list ...T) T { return list[g.pick(len(list))] }

// batch draws a few small traces with odd trees: missing parents, cycles, several roots, ids used twice.
func (g *generator) batch() *span.Batch {
	b := &span.Batch{Tenant: span.DefaultTenant, Arrival: base}
	for range 2 {
		r := b.Resources.Add()
		_ = r
		if g.pick(4) > 0 {
			b.AddAttr(&b.Resources.Attrs, "service.name", span.StringValue(pickOf(g, "a", "b")))
		}
		g.attrs(b, &b.Resources.Attrs, 2)
		b.Resources.Attrs.EndOwner()
		b.Scopes.Add(b.Strings.InternString(pickOf(g, "", "lib")), b.Strings.InternString(pickOf(g, "1", "2")))
		g.attrs(b, &b.Scopes.Attrs, 1)
		b.Scopes.Attrs.EndOwner()
	}
	for trace := range 1 + g.pick(4) {
		n := 1 + g.pick(6)
		for i := range n {
			row := b.AddSpan()
			b.TraceID[row] = span.TraceIDFrom(1, uint64(trace+1))
			switch g.spansSoFar++; {
			case g.distinct:
				b.SpanID[row] = span.SpanIDFrom(uint64(g.spansSoFar))
			case g.pick(12) == 0:
				b.SpanID[row] = span.SpanIDFrom(uint64(1 + g.pick(n)))
			default:
				b.SpanID[row] = span.SpanIDFrom(uint64(i + 1))
			}
			switch k := g.pick(8); {
			case k == 0:
				b.ParentID[row] = span.SpanIDFrom(uint64(90 + g.pick(2)))
			case g.distinct && k < 7:
				b.ParentID[row] = span.SpanIDFrom(uint64(1 + g.pick(g.spansSoFar+2)))
			case k == 1:
				b.ParentID[row] = span.SpanIDFrom(uint64(1 + g.pick(n)))
			case i > 0 && k < 7:
				b.ParentID[row] = span.SpanIDFrom(uint64(1 + g.pick(i)))
			}
			b.Start[row] = base + int64(g.pick(4))
			b.Duration[row] = int64(g.pick(6)) - 1
			b.Kind[row] = span.Kind(g.pick(4))
			b.Status[row] = span.Status(g.pick(3))
			b.Name[row] = b.Strings.InternString(pickOf(g, "a", "b", ""))
			b.StatusMessage[row] = b.Strings.InternString(pickOf(g, "a", ""))
			b.Resource[row], b.Scope[row] = uint32(g.pick(2)), uint32(g.pick(2))
			g.attrs(b, &b.Attrs, 3)
			for range g.pick(3) {
				b.Events.Add(b.Start[row]+int64(g.pick(3)), b.Strings.InternString(pickOf(g, "a", "e")), 0)
				g.attrs(b, &b.Events.Attrs, 2)
				b.Events.Attrs.EndOwner()
			}
			for range g.pick(2) {
				b.Links.Add(span.TraceIDFrom(0, 7), span.SpanIDFrom(uint64(g.pick(3))), 0, 0, 0)
				g.attrs(b, &b.Links.Attrs, 2)
				b.Links.Attrs.EndOwner()
			}
			b.EndSpan()
		}
	}
	return b
}

func (g *generator) attrs(b *span.Batch, a *span.Attrs, most int) {
	for range g.pick(most + 1) {
		b.AddAttr(a, pickOf(g, "x", "y"), g.value(true))
	}
}

func (g *generator) value(arrays bool) span.Value {
	switch k := g.pick(10); {
	case k < 3:
		return span.IntValue(pickOf[int64](g, 0, 1, 2, 3, -1, 1<<53+1))
	case k == 3:
		return span.DoubleValue(pickOf(g, 0, 1, 2.5, math.NaN(), math.Inf(1)))
	case k < 6:
		return span.StringValue(pickOf(g, "a", "b", "1", ""))
	case k == 6:
		return span.BoolValue(g.pick(2) == 0)
	case k == 7:
		return span.BytesValue([]byte("a"))
	case arrays:
		var elems []span.Value
		for range g.pick(3) {
			elems = append(elems, g.value(false))
		}
		return span.ArrayValue(elems...)
	}
	return span.IntValue(1)
}

// query draws the text of a query.
func (g *generator) query() string {
	var out strings.Builder
	out.WriteString(g.spans(2))
	for range g.pick(3) {
		out.WriteString(" | ")
		out.WriteString(g.stage())
	}
	return out.String()
}

func (g *generator) spans(depth int) string {
	if depth == 0 || g.pick(2) == 0 {
		if g.pick(5) == 0 {
			return "{ }"
		}
		return "{ " + g.cond(g.pick(3)) + " }"
	}
	if g.pick(5) == 0 {
		return "(" + g.spans(depth-1) + " | " + g.stage() + ")"
	}
	op := pickOf(g, "&&", "||", ">", ">>", "<", "<<", "~", "!>", "!>>", "!<", "!<<", "!~", "&>", "&>>", "&<", "&<<", "&~")
	return "(" + g.spans(depth-1) + " " + op + " " + g.spans(depth-1) + ")"
}

func (g *generator) stage() string {
	switch g.pick(6) {
	case 0:
		return "by(" + g.field() + ")"
	case 1:
		return "coalesce()"
	case 2:
		return "select(" + pickOf(g, g.attr(), g.text(), "duration", "nestedSetLeft") + ")"
	case 3:
		return "count() " + pickOf(g, "=", "!=", ">", "<=") + " " + pickOf(g, "1", "2", "3")
	case 4:
		return pickOf(g, "min", "max", "avg", "sum") + "(" + g.number(1) + ") " + pickOf(g, "=", "!=", ">", "<=") + " " + pickOf(g, "1", "2.5", "3ns", "0")
	}
	return "{ " + g.cond(1) + " }"
}

func (g *generator) cond(depth int) string {
	if depth > 0 {
		switch g.pick(4) {
		case 0:
			return "!(" + g.cond(depth-1) + ")"
		case 1:
			return "(" + g.cond(depth-1) + " || " + g.cond(depth-1) + ")"
		default:
			return g.cond(depth-1) + " && " + g.cond(depth-1)
		}
	}
	eq := pickOf(g, "=", "!=")
	op := pickOf(g, "=", "!=", "<", "<=", ">", ">=")
	switch g.pick(14) {
	case 0, 1, 2:
		return g.attr() + " " + op + " " + pickOf(g, "0", "1", "2", "2.5", "2ns", "9007199254740993", "-1")
	case 3:
		return g.attr() + " " + op + " " + pickOf(g, `"a"`, `"b"`, `"1"`, `""`)
	case 4:
		return g.attr() + pickOf(g, " =~ ", " !~ ") + pickOf(g, `"a|b"`, `"."`, `""`, `".*"`)
	case 5:
		return g.attr() + " " + eq + " " + pickOf(g, "true", "false", "error", "nil")
	case 6:
		return pickOf(g, "", "!") + g.attr()
	case 7:
		return g.text() + pickOf(g, " = ", " != ", " < ", " =~ ", " !~ ") + pickOf(g, `"a"`, `"b"`, `"lib"`, `"0000000000000001"`, `""`)
	case 8:
		return pickOf(g, "status", "kind") + " " + eq + " " + pickOf(g, "error", "ok", "unset", "server", "client", "nil")
	case 9:
		return g.number(2) + " " + op + " " + g.number(1)
	case 10:
		return g.attr() + " " + op + " " + g.attr()
	case 11:
		return g.text() + " " + op + " " + g.attr()
	case 12:
		return "(" + g.cond(0) + ") " + eq + " " + pickOf(g, "true", "false", g.attr())
	}
	return pickOf(g, "nestedSetParent < 0", "nestedSetParent = -1", "nestedSetParent <= 0", "nil = nil", "nil != nil", "true", "false",
		"span:parentID != nil", "event:name != nil", "rootName != nil", g.number(1)+" = nil", g.number(1)+" != nil", "nil != "+g.attr())
}

func (g *generator) attr() string {
	return pickOf(g, "span", "resource", "event", "link", "instrumentation", "", "", "") + "." + pickOf(g, "x", "y", "service.name")
}

func (g *generator) text() string {
	return pickOf(g, "name", "statusMessage", "rootName", "rootServiceName", "event:name", "instrumentation:name", "instrumentation:version",
		"span:id", "span:parentID", "trace:id", "link:spanID", "link:traceID", "resource.service.name")
}

func (g *generator) number(depth int) string {
	if depth == 0 || g.pick(3) > 0 {
		return pickOf(g, "duration", "traceDuration", "span:childCount", "nestedSetLeft", "nestedSetRight", "nestedSetParent", "event:timeSinceStart",
			"1", "2", "0.5", "3ns", g.attr(), g.attr())
	}
	if g.pick(4) == 0 {
		return "-" + g.number(0)
	}
	return "(" + g.number(depth-1) + " " + pickOf(g, "+", "-", "*", "/", "%", "^") + " " + g.number(depth-1) + ")"
}

func (g *generator) field() string {
	return pickOf(g, g.attr(), g.text(), g.number(1), "status", "kind")
}
